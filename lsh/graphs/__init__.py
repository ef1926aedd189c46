"""Graphs over sketched vectors: `index` (GraphIndex), and how its graph is built (`building`)."""
