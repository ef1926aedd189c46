"""Commands of `python -m lsh` on files, and the queries of those on datasets."""
