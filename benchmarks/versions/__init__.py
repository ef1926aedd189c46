"""Comparison of `SketchIndex` with another version of this project: `python -m benchmarks.versions`."""
