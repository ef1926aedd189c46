"""The wheel: built from the tracked files, and installed into an environment with its dependencies alone.

The environment needs no network: the dependencies that the wheel's metadata declares are linked from the environment of
the tests; other packages are not available.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lsh.kernels.jit import CACHE_FOLDER
from tests.meta.test_readme import PYTHON

PACKAGES = ("earshot_common", "lsh", "data_prep")


@pytest.fixture(scope="module")
def tracked(root):
    """Return the paths of the tracked files, or skip."""
    if not (root / ".git").exists():
        pytest.skip("this is no git checkout, so nothing says which files belong to the packages")
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(root, tracked, tmp_path_factory):
    """Build the wheel from a copy, since setuptools leaves files of its own beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked:
        if name.split("/")[0] in {*PACKAGES, "ui", "benchmarks"} or "/" not in name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=folder, capture_output=True, check=True)
    (path,) = (folder / "dist").glob("*.whl")
    return path


def closure(requirements):
    """Return the installed distributions that meet the requirements, and those that these require in turn."""
    found, waiting = {}, list(requirements)
    done = set()
    while waiting:
        requirement = waiting.pop()
        for extra in requirement.extras or {""}:
            name = canonicalize_name(requirement.name)
            if (name, extra) not in done:
                done.add((name, extra))
                distribution = found.setdefault(name, metadata.distribution(name))
                needs = map(Requirement, distribution.requires or [])
                waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return found.values()


class Environment:
    """A virtual environment with the wheel and its dependencies, with those of some extras."""

    def __init__(self, folder, wheel, extras=()):
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        self.python = folder / "venv" / scripts / "python"
        site = Path(self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
        self.pip("install", "--quiet", "--no-deps", "--no-index", wheel)
        (installed,) = metadata.distributions(path=[str(site)])
        texts = [Requirement(text) for text in installed.requires]
        wanted = [need for need in texts if any(self._applies(need, extra) for extra in ("", *extras))]
        for distribution in closure(need for need in wanted if need.name != installed.metadata["Name"]):
            self._link(distribution, site)

    def pip(self, *arguments):
        """Run the pip of the tests' own environment for this one."""
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.python, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _applies(self, requirement, extra):
        return requirement.marker is None or requirement.marker.evaluate({"extra": extra})

    def _link(self, distribution, site):
        for file in distribution.files:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(file.locate(), site / file)
                except OSError:  # another file system
                    shutil.copy(file.locate(), site / file)

    def run(self, *arguments):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA_"))}
        kept["NUMBA_CACHE_DIR"] = str((CACHE_FOLDER or self.folder).parent)  # so that kernels are not compiled again
        return subprocess.run(
            [self.python, *arguments], cwd=self.folder, env=kept, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("bare"), wheel)


@pytest.fixture(scope="module")
def with_data(wheel, tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("data"), wheel, extras=["data"])


def test_the_wheel_holds_exactly_the_files_of_the_packages(wheel, tracked):
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert files == {name for name in tracked if name.split("/")[0] in PACKAGES}
    assert {f"{package}/py.typed" for package in PACKAGES} <= files


def test_the_base_dependencies_are_few(bare):
    code = (
        "from importlib import metadata; print(*sorted(d.metadata['Name'].lower() for d in metadata.distributions()))"
    )
    assert bare.run("-c", code).stdout.split() == ["earshot", "filelock", "llvmlite", "numba", "numpy", "threadpoolctl"]


def test_every_requirement_is_satisfied(bare, with_data):
    for environment in (bare, with_data):
        assert "No broken requirements found" in environment.pip("check")


def test_the_readmes_library_block_runs_with_the_base_dependencies(bare):
    (code,) = [block for block in PYTHON if "from lsh import" in block]
    done = bare.run("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert all(0 < float(number) <= 1 for number in done.stdout.split())


@pytest.mark.parametrize("package", ["lsh", "data_prep"])
def test_help_works_without_extras(bare, package):
    done = bare.run("-m", package, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("lsh evaluate DATASET", "pyarrow: .*data"),
        ("data_prep verify DATASET", "pyarrow: .*data"),
        ("data_prep map DATASET", "pyarrow: .*data"),
        ("data_prep folder DATASET --out out", r"\w+: .*(data|sounds)"),
    ],
)
def test_a_command_that_misses_an_extra_names_it_in_one_line(bare, root, command, missing):
    arguments = [str(root / "data" / "sample") if word == "DATASET" else word for word in command.split()]
    done = bare.run("-m", *arguments)
    assert done.returncode == 2
    assert re.fullmatch(rf'error: this needs {missing}\]"\n', done.stderr), done.stderr


def test_with_the_extra_data_the_sample_is_verified_and_searched(with_data, root):
    sample = root / "data" / "sample"
    done = with_data.run("-m", "data_prep", "verify", sample)
    assert (done.returncode, done.stderr) == (0, "")
    done = with_data.run("-m", "lsh", "evaluate", sample, "--queries", "20", "--json")
    assert done.returncode == 0, done.stderr


def test_importing_a_folder_of_sounds_names_the_extra_sounds(with_data, root, tmp_path):
    done = with_data.run("-m", "data_prep", "folder", root / "data", "--out", tmp_path / "out")
    assert (done.returncode, "[sounds]" in done.stderr) == (2, True), done.stderr
