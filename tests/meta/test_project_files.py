"""Files for other services: workflows and the citation, their schemas and the versions that they name."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.meta.sources import ROOT
from tests.meta.test_requirements import PROJECT, PYTHONS

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TESTS = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("schema", "files"), [("github-workflows", WORKFLOWS), ("citation-file-format", [ROOT / "CITATION.cff"])]
)
def test_each_file_follows_its_schema(schema, files):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_supported_python_is_tested_on_linux():
    (listed,) = re.findall(r"linux:.*?python: \[(.*?)\]", TESTS, flags=re.DOTALL)
    assert re.findall(r"[\d.]+", listed) == PYTHONS
    assert f"set -- {' '.join(PYTHONS)}" in (ROOT / "tools" / "test_pythons.sh").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"tools/\w+\.\w+", TESTS))))
def test_every_script_that_a_workflow_runs_exists(command):
    assert (ROOT / command).is_file()


def test_the_citation_names_the_version_of_the_package():
    assert f"version: {PROJECT['version']}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_upload_limit_is_the_one_that_the_security_page_states():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    stated = re.search(r"Uploads are limited to (\d+) MB", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert config["server"]["maxUploadSize"] == int(stated[1])


def test_a_shallow_clone_has_at_most_35_mb(tmp_path):
    """History and work tree together, as somebody receives them who only wants to open the app."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), tmp_path / "clone"]
    subprocess.run(command, check=True, capture_output=True)
    size = sum(path.lstat().st_size for path in (tmp_path / "clone").rglob("*") if not path.is_dir())
    assert size <= 35_000_000
