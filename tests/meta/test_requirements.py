"""Requirements files: pins within the ranges of pyproject.toml, for each supported Python."""

import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.meta.sources import MODULES, ROOT, imports, trees

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
FILES = {"requirements.txt": "app", "requirements-dev.txt": "dev", "requirements-bench.txt": "bench"}


def with_extras(texts):
    """Return requirements as texts; an extra of this project is replaced by its requirements."""
    found = []
    for text in texts:
        requirement = Requirement(text)
        mine = requirement.name == PROJECT["name"]
        found += [t for extra in sorted(requirement.extras) for t in with_extras(EXTRAS[extra])] if mine else [text]
    return list(dict.fromkeys(found))


WANTED = {file: with_extras(PROJECT["dependencies"] + EXTRAS[extra]) for file, extra in FILES.items()}


def pinned(file):
    """Return the pins of a requirements file by package; there may be one pin per platform."""
    pins = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            requirement = Requirement(text)
            pins.setdefault(normal(requirement.name), []).append(requirement)
    return pins


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


CASES = [(file, text) for file, texts in WANTED.items() for text in texts]


@pytest.mark.parametrize(("file", "text"), CASES)
def test_every_dependency_is_pinned_inside_its_range(file, text):
    wanted = Requirement(text)
    pins = pinned(file).get(normal(wanted.name), [])
    assert pins, f"{wanted.name} is missing: run make lock"
    for pin in pins:
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert wanted.specifier.contains(specifier.version)


def environment(python):
    linux = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
    cpython = {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    return linux | cpython | {"python_version": python, "python_full_version": f"{python}.1", "extra": ""}


def applies(requirement, python):
    return requirement.marker is None or requirement.marker.evaluate(environment(python))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", FILES)
def test_each_python_has_one_version_of_each_package_on_linux(file, python):
    pins = {name: [pin for pin in pins if applies(pin, python)] for name, pins in pinned(file).items()}
    assert all(len(some) <= 1 for some in pins.values())
    for wanted in map(Requirement, WANTED[file]):
        assert len(pins[normal(wanted.name)]) == applies(wanted, python), wanted


def test_all_files_name_the_same_supported_pythons():
    """A file is locked only when each pin has a wheel for each Python that tools/lock.sh names."""
    supported = SpecifierSet(PROJECT["requires-python"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported] == PYTHONS
    lock = (ROOT / "tools" / "lock.sh").read_text(encoding="utf-8")
    assert f'pythons="{" ".join(PYTHONS)}"' in lock
    assert "--only-binary :all:" in lock


@pytest.mark.parametrize("file", WANTED)
def test_every_line_pins_one_version(file):
    for pins in pinned(file).values():
        for pin in pins:
            assert [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)
            assert pin.url is None


@pytest.mark.parametrize("file", ["requirements-dev.txt", "requirements-bench.txt"])
def test_every_file_pins_the_versions_of_the_app(file):
    other = pinned(file)
    for name, pins in pinned("requirements.txt").items():
        assert {pin.specifier for pin in pins} == {pin.specifier for pin in other[name]}


def test_every_package_that_is_imported_is_declared():
    """Imports are from the standard library, the project, or the declared dependencies of the package."""
    names_of = {
        "google_crc32c": "google-crc32c",
        "llvmlite": "numba",
        "ai_edge_litert": "ai-edge-litert",
        "sklearn": "scikit-learn",
    }
    extras_of = {
        "earshot_common": ["dask"],
        "lsh": ["dask", "sklearn"],
        "data_prep": ["sounds", "map", "dask"],
        "ui": ["app"],
        "app": ["app"],
    }
    for name, tree in trees().items():
        package = name.split(".")[0]
        if package in extras_of:
            wanted = PROJECT["dependencies"] + [text for extra in extras_of[package] for text in EXTRAS[extra]]
            declared = {normal(Requirement(text).name) for text in with_extras(wanted)}
            for imported in imports(name, tree):
                top = imported.split(".")[0]
                if top not in sys.stdlib_module_names and top not in {m.split(".")[0] for m in MODULES}:
                    assert normal(names_of.get(top, top)) in declared, f"{name} imports {imported}"
