"""Filters: searches among some of the vectors of an index alone."""
