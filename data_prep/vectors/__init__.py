"""A person's own embeddings: files of vectors with their metadata become a dataset."""
