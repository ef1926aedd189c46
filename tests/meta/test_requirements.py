import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.meta.sources import MODULES, ROOT, TREES, imports

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WANTED = {
    "requirements.txt": PROJECT["dependencies"],
    "requirements-dev.txt": PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"],
}


def pinned(file):
    """Return the pins of a requirements file by package: a package may have one a platform."""
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


@pytest.mark.parametrize("file", WANTED)
def test_every_line_pins_one_version(file):
    for pins in pinned(file).values():
        for pin in pins:
            assert [specifier.operator for specifier in pin.specifier] == ["=="], str(pin)
            assert pin.url is None


def test_both_files_pin_the_same_versions():
    app, dev = pinned("requirements.txt"), pinned("requirements-dev.txt")
    for name, pins in app.items():
        assert sorted(map(str, pins)) == sorted(map(str, dev[name]))


def test_every_package_that_is_imported_is_declared():
    """What `lsh`, `data_prep`, `ui` and the app import is in pyproject.toml, the standard library or the project."""
    names_of = {"google_crc32c": "google-crc32c", "llvmlite": "numba"}
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["map"]
    declared = {normal(Requirement(text).name) for text in wanted}
    for name, tree in TREES.items():
        if not name.startswith("benchmarks"):
            for imported in imports(name, tree):
                top = imported.split(".")[0]
                if top not in sys.stdlib_module_names and top not in {m.split(".")[0] for m in MODULES}:
                    assert normal(names_of.get(top, top)) in declared, f"{name} imports {imported}"
