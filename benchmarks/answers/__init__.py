"""Measurements for docs/ANSWERS.md: `python -m benchmarks.answers DATASET`."""
