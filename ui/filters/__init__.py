"""Filters: which clips of a collection a search may return, as the URL says."""
