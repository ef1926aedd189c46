"""Command lines in this process: run with their output captured, and their parsers."""

import argparse
import importlib

import pytest


def runner(main, capsys):
    """Return a function that runs a command and returns (exit code, stdout, stderr)."""

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stopped:  # raised by argparse
            code = stopped.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


def main_of(name):
    """Return the function `main` that `python -m NAME` calls."""
    module = importlib.import_module(name)
    return importlib.import_module(f"{name}.__main__").main if hasattr(module, "__path__") else module.main


class ParserFoundError(Exception):
    """Raised instead of parsing, with the parser of a command line."""


def parsers_of(name, monkeypatch):
    """Yield the parsers of a command line that read options: (the words that lead to one, the parser)."""

    def stop(parser, arguments=None):
        raise ParserFoundError(parser)

    with monkeypatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(ParserFoundError) as caught:
            main_of(name)([])
    parser = caught.value.args[0]
    commands = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    yield from [([word], sub) for word, sub in commands[0].choices.items()] if commands else [([], parser)]
