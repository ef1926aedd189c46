"""The app in a checkout that cannot be written, for a user without a home."""

import os
import subprocess
import sys

import pytest

from lsh.kernels.jit import CACHE_FOLDER
from tests.read_only import can_mount, with_read_only

OPEN = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=200).run()
assert not app.exception, app.exception
assert not app.error, app.error
assert app.title or app.header or app.subheader or app.markdown
try:
    open("written", "w")
except OSError:
    print("read-only")
"""


@pytest.mark.skipif(not can_mount(), reason="only root on Linux can mount a folder read-only")
def test_the_app_opens_on_the_sample_in_a_read_only_checkout_without_a_home(root, tmp_path):
    environment = os.environ | {"HOME": "/proc/no home", "TMPDIR": str(tmp_path), "PYTHONPATH": str(root)}
    if CACHE_FOLDER is not None:
        environment["NUMBA_CACHE_DIR"] = str(CACHE_FOLDER.parent)  # so that kernels are not compiled again
    command = with_read_only([root], [sys.executable, "-c", OPEN, root / "app.py"])
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "read-only\n"), done.stderr
