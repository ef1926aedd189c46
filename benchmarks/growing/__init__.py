"""Growing indexes measured: `python -m benchmarks.growing`."""
