"""Data: the open collection and ways to add others."""
