"""Code of the tutorial on the pages: it runs as it is shown, and finds what the pages show."""

import contextlib
import io
import re
import shutil

import pytest

from tests.ui.apptest import opened, said
from tools.count import code_lines
from ui.model import loading
from ui.model.loading import PageContext
from ui.model.query_view import look_up
from ui.model.state import Settings
from ui.pages.inside import page as inside_page
from ui.pages.inside import tutorial_lines as inside_lines
from ui.pages.learn import page as learn_page
from ui.pages.learn import tutorial_lines as learn_lines
from ui.widgets import tutorial_code

IDEAS = [("learn", chapter.name) for chapter in learn_page.CHAPTERS]
IDEAS += [("inside", step.name) for step in inside_page.STEPS]
WITHOUT_ANSWER = {"Question 2", "Question 4", "Sketches"}  # a time, and what the library computes in another way
NUMBER = re.compile(r"-?\d+\.\d+|\d+")


@pytest.fixture
def small(collection, home):
    return shutil.copytree(collection, home / "small")


def view_of(path, metric, split, row, probes):
    dataset = loading.dataset_at(path)
    settings = Settings("small", metric=metric, n_tables=5, n_bits=4, n_probes=probes, seed=3)
    context = PageContext(settings, dataset, loading.index_for(dataset, settings))
    return look_up(context, dataset.clip(split, row))


def code_of(page, name, view):
    return inside_lines.code_of(name, view) if page == "inside" else (view, learn_lines.code_of(name, view))


def printed(program):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, "program", "exec"), {})  # noqa: S102 - our own
    return out.getvalue().strip()


@pytest.mark.parametrize(
    ("metric", "split", "row", "probes"),
    [("cosine", "test", 2, 1), ("cosine", "train", 5, 3), ("euclidean", "test", 1, 1)],
)
@pytest.mark.parametrize(("page", "name"), IDEAS)
def test_the_program_of_an_idea_prints_what_the_library_finds(
    small, root, monkeypatch, page, name, metric, split, row, probes
):
    view, code = code_of(page, name, view_of(small, metric, split, row, probes))
    monkeypatch.setattr(tutorial_code.commands, "folder", str)
    monkeypatch.chdir(root)
    program = tutorial_code.whole(view, code)
    found = printed(program)
    comment = program.splitlines()[-1].partition("  # lsh: ")[2]
    assert bool(comment) == (
        name not in WITHOUT_ANSWER and not (metric == "euclidean" and name in {"Trade-off", "Question 1", "Question 3"})
    )
    if comment:
        tolerance = 0.03 if name == "One bit" else 0.0011  # of 10,000 planes; else of rounding
        mine, theirs = (NUMBER.findall(text) for text in (found, comment))
        assert len(mine) == len(theirs)
        assert [float(value) for value in mine] == pytest.approx([float(value) for value in theirs], abs=tolerance)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("probes", [1, 3])
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_idea_shows_five_to_fifteen_lines_of_the_tutorial(small, metric, probes, split):
    for page, name in IDEAS:
        view, code = code_of(page, name, view_of(small, metric, split, 2, probes))
        text = tutorial_code.excerpt(view, code)
        assert 5 <= code_lines(text) <= 15, f"{page}, {name}:\n{text}"
        assert len(text.splitlines()) < len(tutorial_code.whole(view, code).splitlines())


@pytest.mark.parametrize(("page", "parameter", "name"), [("learn", "chapter", "Missed"), ("inside", "step", "Key")])
def test_a_page_shows_the_lines_the_program_and_the_function_of_the_library(small, page, parameter, name):
    app = opened(page, **{parameter: name}, L="5", K="4", probes="1", seed="3")
    lines, program, *own = [element.value for element in app.code]
    assert "L, K = 5, 4\n" in lines
    assert "def bit_keys(vectors, planes):" in lines
    assert program.endswith(lines.splitlines()[-1])
    answer = lines.partition("# lsh: ")[2]
    shown = said(app)
    assert f"**{answer.replace(' of ', ' of the ')}**" in shown or f"key of your sound is **{answer}**" in shown
    assert all(text.startswith(("@kernel\ndef ", "def ")) and "http" not in text for text in own)
    assert own


def test_compiled_functions_and_methods_are_shown_as_they_are_written():
    from lsh.families.hyperplane import Hyperplanes
    from lsh.kernels.hashing import pack

    assert tutorial_code.source_of(pack).startswith("@kernel\ndef pack(")
    assert tutorial_code.source_of(Hyperplanes.hash).startswith("def hash(self")
