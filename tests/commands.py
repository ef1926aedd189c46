"""Runner of command lines in this process, which captures their output."""


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
