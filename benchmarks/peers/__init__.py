"""Measures LSH and its peers on the same problem: one process per method, timed interleaved."""
