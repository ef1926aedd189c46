"""Where compiled kernels are cached: on read-only file systems, without a home, and without any folder at all."""

import os
import shutil
import subprocess
import sys

import pytest

from lsh.kernels.jit import ANNOUNCEMENT
from tests.read_only import can_mount, with_read_only

FOLDER = "from lsh.kernels.jit import CACHE_FOLDER; print(CACHE_FOLDER)"
# Compiles one small kernel, and prints the folder.
COMPILE = """
import numpy as np
from lsh.kernels.jit import CACHE_FOLDER
from lsh.kernels.selection import count_above
count_above(np.ones(3, "f4"), np.float32(0))
print(CACHE_FOLDER)
"""
MAKE_READY = "from lsh.kernels.jit import CACHE_FOLDER, READY; (CACHE_FOLDER / READY).touch()"


@pytest.fixture
def package(root, tmp_path):
    """Return a folder that holds a copy of the package, without anything compiled."""
    folder = tmp_path / "checkout"
    for name in ("lsh", "earshot_common"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def environment(package, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_"))}
    return kept | {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"} | variables


def run(code, package, *, read_only=(), **variables):
    """Run code with the package; the folders `read_only` are mounted so in a namespace of the process."""
    command = [sys.executable, "-c", code]
    if read_only:
        command = with_read_only(read_only, command)
    done = subprocess.run(
        command, cwd=package.parent, env=environment(package, **variables), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.strip()


needs_mounts = pytest.mark.skipif(not can_mount(), reason="only root on Linux can mount a folder read-only")


@pytest.fixture
def places(tmp_path):
    """Return an empty home and an empty temporary folder."""
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    return {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}


def test_a_writable_package_keeps_its_compiled_code_itself(package, places):
    folder, _ = run(FOLDER, package, **places)
    assert folder.startswith(str(package / "lsh"))


def test_a_folder_that_is_named_is_used_first(package, places, tmp_path):
    folder, _ = run(FOLDER, package, NUMBA_CACHE_DIR=str(tmp_path / "named"), **places)
    assert folder.startswith(str(tmp_path / "named"))


@needs_mounts
def test_a_read_only_checkout_compiles_into_the_users_cache_once(package, places):
    outputs = [run(COMPILE, package, read_only=[package], **places) for _ in range(2)]
    assert outputs[0][0].startswith(places["HOME"])
    assert outputs == [(outputs[0][0], ANNOUNCEMENT), (outputs[0][0], "")]


@needs_mounts
@pytest.mark.parametrize("home", ["read-only", "missing"])
def test_without_a_home_the_temporary_folder_is_used(package, places, home):
    if home == "missing":
        places["HOME"] = "/proc/no home"  # nothing can be made there
    read_only = [package, *([places["HOME"]] if home == "read-only" else [])]
    if home == "missing":
        folder, said = run(COMPILE, package, read_only=read_only, **places)
        assert said == ANNOUNCEMENT
        assert run(COMPILE, package, read_only=read_only, **places) == (folder, "")
    else:
        folder, _ = run(FOLDER, package, read_only=read_only, **places)
    assert folder.startswith(places["TMPDIR"])


@needs_mounts
def test_where_nothing_can_be_written_a_search_works_and_nothing_is_cached(package, places):
    output = run(COMPILE, package, read_only=[package.parent, "/tmp", "/var/tmp"], **places)  # noqa: S108
    assert output == ("None", ANNOUNCEMENT)


@needs_mounts
def test_compiled_code_of_an_installation_is_used_read_only(package, places):
    folder, _ = run(COMPILE + MAKE_READY, package, **places)
    output = run(COMPILE, package, read_only=[package.parent, "/tmp", "/var/tmp"], **places)  # noqa: S108
    assert output == (folder, "")
    assert folder.startswith(str(package))


@needs_mounts
def test_a_kernel_that_a_read_only_installation_lacks_is_compiled(package, places):
    run(MAKE_READY, package, **places)
    assert run(COMPILE, package, read_only=[package], **places)[1] == ANNOUNCEMENT


@pytest.mark.skipif(sys.platform == "win32", reason="each user of Windows has a temporary folder of their own")
@needs_mounts
def test_a_temporary_folder_that_others_can_write_to_is_not_used(package, places, tmp_path):
    shared = tmp_path / "temporary" / f"earshot-{os.getuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    places["HOME"] = "/proc/no home"
    assert run(FOLDER, package, read_only=[package], **places)[0] == "None"
