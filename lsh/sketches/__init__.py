"""Sketches: two-bit codes of vectors, and buckets of them."""
