"""Optional dependencies and the extras that install them."""

import sys
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from data_prep.audioset import tfrecord
from data_prep.audioset.convert import convert
from data_prep.audioset.fetch import download_audioset
from data_prep.errors import InputError
from earshot_common import command_line, extras
from tests.meta.sources import ROOT

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
DISTRIBUTIONS = {"sklearn": "scikit-learn", "faiss": "faiss-cpu"}  # the others have the name of their module


@pytest.mark.parametrize(("module", "extra"), extras.EXTRAS.items())
def test_every_module_is_of_the_extra_that_is_named(module, extra):
    name = DISTRIBUTIONS.get(module, module.replace("_", "-"))
    assert name in {Requirement(text).name for text in DECLARED[extra]}


def installed(monkeypatch, *provided):
    class Metadata:
        def get_all(self, _):
            return list(provided)

    monkeypatch.setattr(metadata, "metadata", lambda _: Metadata())


def test_a_missing_module_of_an_extra_is_one_error_that_says_what_to_install(monkeypatch, capsys):
    installed(monkeypatch, *DECLARED)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    def command():
        import pyarrow.csv  # noqa: F401

    assert command_line.run(command, ()) == 2
    assert capsys.readouterr().err == 'error: this needs pyarrow: pip install "earshot[data]"\n'


def test_in_a_checkout_that_is_not_installed_the_advice_is_for_its_folder(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", missing)
    assert extras.advice("soxr") == 'this needs soxr: pip install ".[sounds]"'


def test_another_project_of_the_same_name_is_not_recommended(monkeypatch):
    installed(monkeypatch, "numpy")
    assert extras.advice("soxr") == 'this needs soxr: pip install ".[sounds]"'


def test_a_missing_module_of_no_extra_is_a_defect():
    def command():
        import no_such_module  # noqa: F401

    with pytest.raises(ModuleNotFoundError):
        command_line.run(command, ())


@pytest.mark.parametrize("version", [(3, 13, 0), (3, 14, 0)])
@pytest.mark.parametrize("start", [convert, download_audioset])
def test_without_tensorflow_nothing_is_begun_and_the_error_says_what_to_do(version, start, monkeypatch, tmp_path):
    monkeypatch.setattr(tfrecord.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(tfrecord.sys, "version_info", version)
    expected = (
        r"no release for Python 3\.14: .* 3\.11, 3\.12 or 3\.13$" if version[1] == 14 else r"pip install .*\[data\]"
    )
    inputs = (tmp_path, tmp_path) if start is convert else ("balanced",)
    with pytest.raises(InputError, match=expected):
        start(*inputs, tmp_path / "out")
    assert not list(tmp_path.iterdir())
