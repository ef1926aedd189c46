"""Data preparation: AudioSet, folders of sounds and the embedded sample become prepared datasets."""
