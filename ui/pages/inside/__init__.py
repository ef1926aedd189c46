"""Inside: one query followed through the index."""
