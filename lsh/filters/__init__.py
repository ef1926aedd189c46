"""Filters: searches among some of the vectors of an index alone."""

from lsh.filters.allowed import Filter

__all__ = ["Filter"]
