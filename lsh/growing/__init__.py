"""Growing indexes: vectors added in sorted segments, and removed ones masked until segments are merged."""
