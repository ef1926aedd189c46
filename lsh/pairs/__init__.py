"""Pairs of near vectors: all pairs within a radius, and the groups of duplicates that they form."""
