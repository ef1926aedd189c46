"""What goes wrong on purpose: a command line prints the text and exits with status 2."""


class BenchmarkError(Exception):
    """Something given to a benchmark cannot be used; the message says what, where, and what to do."""


class MethodError(BenchmarkError):
    """One method cannot run: its package is missing, or its process failed. The others can."""
