"""Everything that docs/ANSWERS.md says, measured by one command: `python -m benchmarks.answers DATASET`."""
