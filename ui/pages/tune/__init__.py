"""Tune: recall and cost of every setting."""
