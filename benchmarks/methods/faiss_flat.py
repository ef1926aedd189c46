"""FAISS's exact search (IndexFlat)."""

from benchmarks.methods._faiss import Faiss


class FaissFlat(Faiss):
    """All distances, without an index structure."""

    factory = "Flat"
