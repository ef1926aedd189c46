"""Hash families, random and learned, and the families of buckets of sketched vectors."""
