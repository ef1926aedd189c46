"""Process that runs commands one after another in itself: JSON lines of arguments in, of results out.

Its own memory is limited, and commands do not see its standard output.
"""

import contextlib
import io
import json
import resource
import sys
import traceback

from tests.commands import main_of

MEMORY_LIMIT = 4 << 30  # bytes of data, heap and private mappings


def run(module, *arguments):
    """Return (exit code, stderr) of a command; an exception is part of stderr as Python prints it."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main_of(module)(arguments)
        except SystemExit as stopped:  # raised by argparse
            code = stopped.code
        except BaseException:
            traceback.print_exc()
            code = None
    return code, said.getvalue()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT, MEMORY_LIMIT))
    results = sys.stdout
    for line in sys.stdin:
        print(json.dumps([*run(*json.loads(line)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]), file=results)
        results.flush()
