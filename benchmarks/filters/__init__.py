"""Filtered search compared with other libraries: `python -m benchmarks.filters DATASET`."""
