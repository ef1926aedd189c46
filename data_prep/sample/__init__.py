"""The embedded sample: synthesised sounds and their features."""
