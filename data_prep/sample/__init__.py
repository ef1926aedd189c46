"""The embedded sample of synthesised sounds."""
