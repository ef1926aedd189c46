"""The tutorial: its blocks run in order, print and draw what is committed, and its prose states no measured figure."""

import itertools
import json
import re
import sys
import tarfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from docs.tutorial import draw
from tests.stress import stress
from tests.ui.apptest import write_small
from tests.ui.snapshots.golden_files import difference, same
from tools import tutorial

pytestmark = pytest.mark.timeout(900)  # the kernel that runs all chapters waits where the machine is busy

FILES = [*tutorial.CHAPTERS, tutorial.SOLUTIONS]
FIGURES = sorted(draw.FOLDER.glob("*.svg"))
# Numbers of definitions, of exercises and of sources: everything measured stands in a block that a run writes.
STATED = {"0.72", "0.04", "0.1", "0.9", "3.2", "0.00001", "0.005", "0.10", "0.004", "0.75", "0.5", "0.60"}


@pytest.fixture(scope="module")
def run(tmp_path_factory, root):
    """Run the notebook in a kernel; return what each cell of code printed, and the folder with the figures."""
    drawn = tmp_path_factory.mktemp("figures")
    book = nbformat.from_dict(tutorial.notebook())
    nbformat.validate(book)
    book.cells = [cell for cell in book.cells if tutorial.TENSORFLOW or not cell.source.startswith("import tensorflow")]
    elsewhere = f"from docs.tutorial import draw\nfrom pathlib import Path\ndraw.FOLDER = Path({str(drawn)!r})"
    book.cells.insert(1, nbformat.v4.new_code_cell(elsewhere))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENBLAS_NUM_THREADS", "1")  # more threads would wait for each other
        client = NotebookClient(
            book, timeout=600, kernel_name="python3", resources={"metadata": {"path": root / "docs"}}
        )
        client.execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    return {
        cell.source: "".join(out.text for out in cell.outputs if out.get("name") == "stdout") for cell in code
    }, drawn


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_blocks_print_in_a_kernel_what_the_text_shows(path, run):
    for match in tutorial.BLOCK.finditer(path.read_text(encoding="utf-8")):
        code, expected = match["code"].strip(), match["output"] or ""
        if match["needs"] and not tutorial.TENSORFLOW:
            continue
        shown = run[0][code]
        assert bool(shown) == bool(expected)
        if not match["measured"]:
            changed = difference(expected, shown)
            assert same(expected, shown), f"run `make tutorial` if this is meant\n{code}\n{changed}"


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_the_blocks_draw_the_figures(path, run):
    drawn = (run[1] / path.name).read_text(encoding="utf-8")
    committed = path.read_text(encoding="utf-8")
    assert same(committed, drawn), f"run `make tutorial` if this is meant\n{difference(committed, drawn)}"


def test_every_figure_is_drawn_and_shown(run):
    shown = set(re.findall(r"!\[.+?\]\(figures/(.+?)\)", "".join(path.read_text(encoding="utf-8") for path in FILES)))
    assert shown == {path.name for path in FIGURES} == {path.name for path in run[1].iterdir()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_prose_states_no_measured_figure(path):
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"\d+\.\d+", prose)) <= STATED


@pytest.mark.parametrize("path", [*FILES, tutorial.FOLDER / "README.md"], ids=lambda path: path.stem)
def test_every_link_leads_to_a_file_and_a_heading(path):
    for name, heading in re.findall(r"\]\(([\w./-]+)#?([\w-]*)\)", path.read_text(encoding="utf-8")):
        target = path.parent / name
        assert target.is_file(), name
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE) if heading else []
        assert heading in {"", *(words.lower().replace(" ", "-") for words in headings)}, heading


def test_the_record_file_is_one_of_audioset_with_its_licence_beside(real_data):
    shard = tutorial.FOLDER / "data" / "1r.tfrecord"
    with tarfile.open(real_data / "audioset" / "features.tar.gz") as archive:
        original = next(member for member in archive if member.name.endswith("/bal_train/1r.tfrecord"))
        assert archive.extractfile(original).read() == shard.read_bytes()
    assert shard.stat().st_size <= 20_000
    assert "CC BY 4.0" in shard.with_name("LICENCE").read_text(encoding="utf-8")


def test_the_chapters_have_at_most_9000_words():
    assert sum(len(path.read_text(encoding="utf-8").split()) for path in tutorial.CHAPTERS) <= 9_000


def test_the_number_of_lines_of_code_is_what_the_readme_says(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tutorial", "lines"])
    assert tutorial.main() == 0
    *chapters, total = (int(line.split()[0]) for line in capsys.readouterr().out.splitlines())
    assert sum(chapters) == total
    stated = re.search(r"some (\d+) lines of code", (tutorial.FOLDER / "README.md").read_text(encoding="utf-8"))
    assert abs(total - int(stated[1])) <= 5


def test_every_term_of_the_library_is_explained_once_in_bold():
    """The terms that pages, commands and documentation use; a plural or a longer term counts."""
    terms = {"clip", "frame", "feature", "label", "split", "k", "exact search", "bit", "key", "bucket", "table"}
    terms |= {"candidate", "re-rank", "recall", "bucket width", "probe", "sketch"}
    chapters = "\n".join(path.read_text(encoding="utf-8") for path in tutorial.CHAPTERS)
    bold = re.findall(r"\*\*([\w -]+?)\*\*", chapters.replace("\n", " "))
    for term in terms:
        assert [word for word in bold if word.lower() in {term, f"{term}s", f"{term}es"}], term
    for name in ("n_tables", "n_bits", "n_probes", "bucket_width"):  # as arguments of the library are called
        assert f"`{name}`" in chapters, name


@stress
def test_the_program_runs_on_other_embeddings_with_one_changed_line(root, tmp_path, monkeypatch):
    other = write_small(tmp_path / "own", {"train": 2000, "validation": 120, "test": 120})
    paths, changed = [], 0
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        changed += text.count('DATASET = "data/audioset-small"')
        paths.append(tmp_path / path.name)
        paths[-1].write_text(text.replace("data/audioset-small", str(other)), encoding="utf-8")
    assert changed == 1
    monkeypatch.setattr(tutorial, "CHAPTERS", paths[:-1])
    monkeypatch.setattr(tutorial, "SOLUTIONS", paths[-1])
    monkeypatch.setattr(draw, "FOLDER", tmp_path)
    monkeypatch.chdir(root)
    assert len(dict(tutorial.render(measured=True))) == len(FILES)


def test_an_output_that_differs_is_reported(tmp_path, monkeypatch):
    chapter, solutions = tmp_path / "1-one.md", tmp_path / "solutions.md"
    chapter.write_text("# One\n\n```python\nx = 0.25\nprint(x)\n```\n\n```text\n0.5\n```\n")
    solutions.write_text("# Solutions\n\n## Chapter 1\n\n```python\nx += 1\nprint(x)\n```\n")
    monkeypatch.setattr(tutorial, "CHAPTERS", [chapter])
    monkeypatch.setattr(tutorial, "SOLUTIONS", solutions)
    texts = dict(tutorial.render(measured=False))
    assert texts[chapter].endswith("```text\n0.25\n```\n")
    assert texts[solutions].endswith("```text\n1.25\n```\n")
    assert not same(chapter.read_text(), texts[chapter])


@pytest.mark.parametrize("measured", [False, True])
def test_measured_figures_are_written_on_request_alone(measured, tmp_path, monkeypatch):
    chapter, solutions = tmp_path / "1-one.md", tmp_path / "solutions.md"
    chapter.write_text("```python\nprint(2)\n```\n\n```text measured\n1\n```\n")
    solutions.write_text("## Chapter 1\n")
    monkeypatch.setattr(tutorial, "CHAPTERS", [chapter])
    monkeypatch.setattr(tutorial, "SOLUTIONS", solutions)
    assert f"\n{1 + measured}\n```\n" in dict(tutorial.render(measured=measured))[chapter]


def test_the_notebook_has_the_same_blocks_and_starts_in_any_folder(root, monkeypatch):
    cells = json.loads(json.dumps(tutorial.notebook()))["cells"]
    first, *code = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    blocks = [
        [match["code"].strip() for match in tutorial.BLOCK.finditer(path.read_text(encoding="utf-8"))] for path in FILES
    ]
    assert sorted(code) == sorted(itertools.chain.from_iterable(blocks))
    assert code[: len(blocks[0]) + 1] == [*blocks[0], blocks[-1][0]]  # the solutions follow their chapter
    assert not [cell for cell in cells if "```python" in cell["source"]]
    monkeypatch.chdir(root / "docs")
    monkeypatch.setattr(sys, "path", [])
    exec(first, {})  # noqa: S102 - our own
    assert sys.path == [str(Path.cwd())] == [str(root)]
