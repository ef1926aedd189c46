"""Visitors of the app, many at once and without browsers: `python -m benchmarks.visitors DATASET`."""
