"""The embedded sample: synthesised sounds and their features."""

MAX_CLIPS = 100_000  # ids have five digits; later numbers fit the projection of the features
