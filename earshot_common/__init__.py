"""Shared by lsh and data_prep, which do not import each other: atomic files, encoded vectors, clusters, command lines."""
