"""Teach: a label learned from sounds that the visitor marks yes or no."""
