"""Race: LSH against exact search and sketches."""
