"""Benchmarks: `lsh` compared with brute force and with other libraries, and conversion speed.

`peers` measures the methods in `methods` on a problem from `search_problem`; `answers` measures the figures of
docs/ANSWERS.md; the other commands are modules with a `main` function.
"""
