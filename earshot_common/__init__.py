"""Shared by lsh and data_prep, which do not import each other: atomic files, vectors, clusters, command lines."""
