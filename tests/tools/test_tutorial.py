"""The tutorial: its blocks run in order, print and draw what is committed, and its prose states what they compute."""

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
PAGES = [*FILES, tutorial.FOLDER / "README.md"]
FIGURES = sorted(draw.FOLDER.glob("*.svg"))
GIVEN = {"3.2", "4.0", "0.9", "0.1", "0.00001"}  # decimals of sources, exercises and settings: nothing computes them
# Sentences with figures, by page: the braces hold how the run, or docs/answers.json, computes each.
STATED = {
    "1-sounds-as-vectors": [
        "a **frame**, {by_hand['1rQt2kGpe8E'].shape[1]} whole numbers from 0 to {np.iinfo(np.uint8).max}.",
        "has the features of {len(train) + len(validation) + len(test):,}, made in exactly this way",
    ],
    "3-one-bit": [
        "at most 0.5 / √10,000 = {0.5 / 10_000**0.5:.3f}, and of forty",
        "some {round(tenth_angle, -1):.0f}° away, has the same bit with probability {1 - 50 / 180:.2f}, a random clip",
        "with {1 - 90 / 180:.1f}.",
    ],
    "4-tables": ["in the query's bucket with probability {1 - 50 / 180:.2f}^10 = {(1 - 50 / 180) ** 10:.2f}."],
    "5-euclidean": ["with the {1 - 50 / 180:.2f} of a hyperplane."],
    "6-tuning": ["you would build {L_MAX * K_MAX} sets of tables.", "## All {recall.size} settings at once"],
    "7-faster": [
        "all three steps miss a {'quarter' if round(4 * (1 - recall[15, 7])) == 1 else '...'} of the neighbours.",
        "{train.shape[1]} multiplications, and {sketches.shape[1]} bytes are read in place of {4 * train.shape[1]}.",
        "recall {best['wanted']}, L = {best['n_tables']}, K = {best['n_bits']} and T = {best['n_probes']} were chosen",
        "they reach {best['recall']['value']:.3f} and look at {best['candidates']:.1%} of the collection.",
        "Exact search takes {best['exact_ms'] / best['ms']:.2f} times as long as these tables, and",
        "{plan['exact_ms'] / plan['ms']:.1f} times as long as sketches in learned buckets;",
        "over {large['exact']['n']:,} generated clips {large['exact']['ms'] / large['lsh']['ms']:.1f} and",
        "{large['exact']['ms'] / large['sketches']['ms']:.0f} times.",
        "it is {best['precision']['value']:.3f}, with exact search {best['exact_precision']['value']:.3f},",
        "with random clips {answers['quality'][0]['chance']:.3f}.",
        "label precision {ways['mean']:.3f}, centred {ways['mean, centred']:.3f}.",
        "centred, are a little better, {ways['mean+std, centred']:.3f}, for",
        "number reaches {ways['max']:.3f}, the first frame alone {ways['first']:.3f}.",
    ],
    "solutions": [
        "Each frame has {by_hand['1rQt2kGpe8E'].shape[1]} bytes",
        "0.75^8 = {0.75**8:.2f} and 0.5^8 = {0.5**8:.3f}. Eight planes at a time make {10_000 // 8:,} trials.",
        "At most 2^8 = {2**8}; equally full, each would have {len(train) / 2**8:.0f} clips.",
        "the integers themselves, {sys.getsizeof(len(train))} bytes each",
    ],
    "README": ["describes {len(train) + len(validation) + len(test):,} sounds of AudioSet"],
}
EVALUATED = """
answers = json.loads(Path("docs/answers.json").read_text())
(best,) = [row for row in answers["parameters"][0]["tables"] if row["wanted"] == 0.9]
plan, large = answers["parameters"][0]["plans"][0], answers["speed"]["modelled"][-1]["laps"]
ways = {way["name"]: way["precision"]["value"] for way in answers["aggregation"]["ways"]}
tenth_angle = np.median(180 * (1 - p_true[:, -1]))
print(json.dumps({page: [eval('f\"\"\"' + text + '\"\"\"') for text in texts] for page, texts in stated.items()}))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory, root):
    """Run the notebook in a kernel; return what each cell of code printed, and the folder with the figures."""
    drawn = tmp_path_factory.mktemp("figures")
    book = nbformat.from_dict(tutorial.notebook())
    nbformat.validate(book)
    book.cells = [cell for cell in book.cells if tutorial.TENSORFLOW or not cell.source.startswith("import tensorflow")]
    elsewhere = f"from docs.tutorial import draw\nfrom pathlib import Path\ndraw.FOLDER = Path({str(drawn)!r})"
    book.cells.insert(1, nbformat.v4.new_code_cell(elsewhere))
    book.cells.append(nbformat.v4.new_code_cell(f"stated = {STATED!r}{EVALUATED}"))
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


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_prose_states_the_figures_that_the_run_computes(path, run):
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    prose = " ".join(prose.split())
    computed = json.loads(next(shown for code, shown in run[0].items() if code.startswith("stated = ")))
    for sentence in computed.get(path.stem, []):
        assert sentence in prose
        prose = prose.replace(sentence, " ")
    assert set(re.findall(r"\d+\.\d+", prose)) <= GIVEN


def printed(page, line):
    """Return the decimals in the line of output of a page that begins so."""
    blocks = (match["output"] or "" for match in tutorial.BLOCK.finditer((tutorial.FOLDER / page).read_text("utf-8")))
    (found,) = (one for one in "".join(blocks).splitlines() if one.strip().startswith(line))
    return [float(number) for number in re.findall(r"\d+\.\d+", found)]


def test_the_comparisons_in_the_prose_hold_for_the_figures_that_are_printed():
    *_, recalls, shares = zip(*(printed("5-euclidean.md", f"w = {w} R") for w in (1, 2, 4)), strict=True)
    families = ("hyperplanes: p", *(f"p-stable, w = {2**i}" for i in range(4)))
    rho = [printed("solutions.md", family)[-1] for family in families]
    recall, share = printed("solutions.md", "hyperplanes: recall")
    sketches = printed("7-faster.md", "200 re-ranked")[0]
    of_tables, of_exact = printed("solutions.md", "LSH")
    one_probe, two_probes = printed("7-faster.md", "T = 1")[0], printed("7-faster.md", "T = 2")[0]
    real, generated = printed("solutions.md", "data/audioset-small")[0], printed("solutions.md", "data/sample")[0]
    claims = [
        ("5-euclidean", "For about the same recall, w = R looks at far more clips", shares[0] > 1.5 * max(shares[1:])),
        ("5-euclidean", "for about the same recall", max(recalls) - min(recalls) < 0.03),
        ("5-euclidean", "hyperplanes separate near from random better, at any width", rho[0] < min(rho[1:])),
        ("6-tuning", "recall is lower", printed("6-tuning.md", "on test")[0] < printed("6-tuning.md", "L = 32")[0]),
        ("7-faster", "found about as much", abs(printed("4-tables.md", "L = 32, K =  8")[1] - two_probes) < 0.03),
        ("solutions", "fewer clips than those of p-stable projections", share < min(shares)),
        ("solutions", "for more recall", recall > max(recalls)),
        ("solutions", "Less is lost than recall suggests", of_exact - of_tables < of_exact * (1 - one_probe)),
        ("solutions", "Hyperplanes have the smallest", rho[0] < min(rho[1:])),
        ("solutions", "More neighbours are found", printed("solutions.md", "200 re-ranked, rotated")[0] > sketches),
        ("solutions", "None is lost: recall rises", printed("solutions.md", "recall")[0] > sketches),
        ("solutions", "larger, and every setting finds less", generated > real),
    ]
    for page, sentence, holds in claims:
        prose = " ".join((tutorial.FOLDER / f"{page}.md").read_text(encoding="utf-8").split())
        assert sentence.lower() in prose.lower()
        assert holds, sentence


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
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


def test_all_pages_have_at_most_9000_words_besides_their_code():
    pages = (path.read_text(encoding="utf-8") for path in PAGES)
    prose = (re.sub(r"^```python.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL) for page in pages)
    assert sum(len(page.split()) for page in prose) <= 9_000


def test_the_number_of_lines_of_code_is_what_the_readme_says(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tutorial", "lines"])
    assert tutorial.main() == 0
    *chapters, total = (int(line.split()[0]) for line in capsys.readouterr().out.splitlines())
    assert sum(chapters) == total
    stated = re.search(r"some (\d+) lines of code", (tutorial.FOLDER / "README.md").read_text(encoding="utf-8"))
    assert abs(total - int(stated[1])) <= 5


def test_every_term_of_the_library_is_explained_in_bold_where_it_first_stands():
    """The terms that pages, commands and documentation use; a plural or a longer term counts; titles and links do not.

    In the table of contents, `README.md`, they stand in titles and links alone.
    """
    terms = {"clip", "frame", "feature", "label", "split", "k", "exact search", "bit", "key", "bucket", "table"}
    terms |= {"candidate", "re-rank", "recall", "bucket width", "probe", "sketch"}
    not_prose = re.compile(r"^```.*?^```$|^#.*?$|`[^`]*`|!?\[.*?\]\(.*?\)", flags=re.MULTILINE | re.DOTALL)
    contents, *chapters = (path.read_text(encoding="utf-8") for path in (PAGES[-1], *tutorial.CHAPTERS))
    prose = " ".join(not_prose.sub(" ", "\n".join(chapters)).split())
    for term in terms:
        uses = re.compile(rf"(?<![\w-]){term}(s|es)?(?![\w-])", flags=re.IGNORECASE * (len(term) > 1))
        start = uses.search(prose).start()
        assert prose[:start].count("**") % 2 == 1, prose[start - 50 : start + 50]
        assert not uses.search(not_prose.sub(" ", contents)), term
    for name in ("n_tables", "n_bits", "n_probes", "bucket_width"):  # as arguments of the library are called
        assert f"`{name}`" in "\n".join(chapters), name


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
