"""Exit codes, messages and number arguments of command lines."""

import argparse
import subprocess
import sys

import pytest

from earshot_common import command_line
from tests.meta.sources import ROOT


class OwnError(Exception):
    pass


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1)])
def test_the_exit_code_is_what_the_command_returns(returned, code):
    assert command_line.run(lambda: returned, ()) == code


def test_an_expected_error_is_one_message_on_stderr_with_its_notes(capsys):
    error = OwnError("no such file")
    error.add_note("give another one")
    assert command_line.run(raising(error), (OwnError,)) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: no such file\ngive another one\n")


def test_an_interruption_exits_as_a_shell_reports_sigint(capsys):
    assert command_line.run(raising(KeyboardInterrupt()), (), interrupted="nothing was written") == 130
    assert capsys.readouterr().err == "nothing was written\n"


def test_any_other_exception_is_raised():
    with pytest.raises(ZeroDivisionError):
        command_line.run(raising(ZeroDivisionError()), (OwnError,))


def test_a_closed_pipe_ends_the_command_without_a_traceback():
    code = "import sys; from earshot_common import command_line as c\n"
    code += "sys.exit(c.run(lambda: [print('a line of output') for _ in range(100_000)] and None, ()))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(timeout=60)) == ("", 141)
    process.stderr.close()


def test_whole_numbers_are_read_within_their_range():
    read = command_line.whole_number(2, 40)
    assert [read(text) for text in ("2", "40")] == [2, 40]
    for text in ("1", "41", "2.0", "-3", "", "٣"):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number from 2 to 40"):
            read(text)


def test_fractions_are_above_0_and_at_most_1():
    assert [command_line.fraction(text) for text in ("0.5", "1")] == [0.5, 1]
    for text in ("0", "1.1", "nan", "half"):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a number above 0, at most 1"):
            command_line.fraction(text)
