"""Errors of the benchmarks: command lines print their messages and exit with status 2."""


class BenchmarkError(Exception):
    """Input or an option that a benchmark cannot use; the message states what, where, and what to do."""


class MethodError(BenchmarkError):
    """One method cannot be measured: its package is missing, or its process failed."""
