"""Comparison of methods on one search problem: one process per method, timed interleaved."""
