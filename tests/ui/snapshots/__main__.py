"""Write the committed snapshots of pages and figures anew: `python -m tests.ui.snapshots`."""

import os
import sys
from pathlib import Path

import pytest

from tests.ui.snapshots import golden_files


def main():
    """Run the tests of this folder, which write the files that differ, and remove files that none of them wrote."""
    os.environ[golden_files.SWITCH] = "1"
    code = pytest.main(["-q", "-p", "no:cacheprovider", str(Path(__file__).parent)])
    if code == 0:
        for path in set(golden_files.FOLDER.iterdir()) - golden_files.COMPARED:
            path.unlink()
    return code


if __name__ == "__main__":
    sys.exit(main())
