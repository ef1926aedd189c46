"""A command of the project, run in this process."""


def runner(main, capsys):
    """Return a function that runs a command and returns (exit code, stdout, stderr)."""

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stopped:  # how argparse refuses
            code = stopped.code
        out, err = capsys.readouterr()
        return code, out, err

    return run
