"""Code of the tutorial for an idea of a page: its lines with the visitor's values, the whole program, and `lsh`'s own.

The lines are read from the blocks of docs/tutorial. What is filled in replaces the right side of an assignment of the
tutorial, such as `L, K = 16, 8`, so that the program runs as the tutorial does.
"""

import ast
import inspect
import json
import re
import symtable
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import streamlit as st

from lsh import LSHError
from lsh.analysis import inspecting
from lsh.families.pstable import PStable
from lsh.kernels.buckets import find_bucket_by_head
from lsh.kernels.hashing import bucket_numbers
from lsh.kernels.probing import probe_keys
from lsh.kernels.table_search import mark_candidates
from ui.format import join_words
from ui.model import commands, media
from ui.model.query_view import QueryView
from ui.model.state import K_NEIGHBOURS
from ui.paths import ROOT

FOLDER = ROOT / "docs" / "tutorial"
_BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
SHOWN_NUMBERS = 4  # of the query's feature


class Statement(NamedTuple):
    """A statement of the tutorial: its chapter, the names that it defines and those that it reads, and its lines."""

    chapter: int
    defines: tuple[str, ...]
    reads: frozenset[str]
    lines: str

    @property
    def target(self) -> str:
        """Return what is assigned to, as it is written: `L, K`; for functions and imports their names."""
        return ", ".join(self.defines)

    @property
    def is_import(self) -> bool:
        """Return whether it is an import, which a program has at its top."""
        return self.lines.startswith(("import ", "from "))


class Code(NamedTuple):
    """Code of one idea.

    shown: statements of the tutorial, each by its chapter and what it defines, such as "4 build". last: an expression
    that the program prints. answer: what `lsh` finds for it, None where it does not compute the same. source: the
    functions of `lsh` that do the same. filled: further right sides, by what is assigned to. note: how the two differ.
    base: statements like those shown, which the program has, and the excerpt does not.
    """

    shown: Sequence[str]
    last: Callable[[QueryView], str] | str
    answer: Callable[[QueryView], object] | None
    source: Sequence[Callable[..., object]]
    filled: Mapping[str, str] = {}
    note: str = ""
    base: Sequence[str] = ()


def _own_answer(view: QueryView, n_probes: int) -> int:
    """Return how many clips a search compares with the query, the query itself among them."""
    s = view.settings
    return int(inspecting.candidates(view.index, view.query, s.n_tables, s.n_bits, n_probes).sum())


def _n_found(view: QueryView) -> str:
    return f"{sum(view.found)} of {len(view.true_rows)}"


_OWN_BUCKETS = "candidates(tables, bit_keys(q[None] - centre, some))"
_FOUND = 'f"{{np.isin(true, {}).sum()}} of {{len(true)}}"'
FOUND = Code(
    ("4 bit_keys", "4 candidates", "4 some", "4 tables"),
    _FOUND.format(_OWN_BUCKETS),
    _n_found,
    (mark_candidates, find_bucket_by_head),
)
FOUND_BY_PROBES = Code(
    ("7 probes", "7 multi_probe"),
    lambda view: _FOUND.format(f"multi_probe(q, tables, some, {view.settings.n_probes})"),
    _n_found,
    (probe_keys,),
    base=("4 some", "4 tables"),
)
SEARCH = Code(
    ("4 bit_keys", "4 candidates", "4 some", "4 tables"),
    f"len({_OWN_BUCKETS})",
    lambda view: _own_answer(view, 1),
    (mark_candidates, find_bucket_by_head),
)
PROBES = Code(
    ("7 probes", "7 multi_probe"),
    lambda view: f"len(multi_probe(q, tables, some, {view.settings.n_probes}))",
    lambda view: _own_answer(view, view.settings.n_probes),
    (probe_keys,),
    base=("4 some", "4 tables"),
)
EUCLIDEAN_QUERY = "load(SPLIT)[None, ROW] - middle"  # float32[1, d]
EUCLIDEAN = Code(
    ("5 piece_keys", "4 L, K"),
    lambda view: f"len(find(*(piece_keys(v, L, K, {view.index.bucket_width!r}) for v in (X, {EUCLIDEAN_QUERY})))[0])",
    lambda view: _own_answer(view, 1),
    (PStable.draw, bucket_numbers),
    note="The number of clips looked at with one probe, by the hash functions for Euclidean distance.",
    base=("5 X, Q",),
)


def draw(view: QueryView, code: Code) -> None:
    """Draw the code of an idea, folded; nothing for a clip that cannot be searched for at the distance of the code."""
    try:
        mine, complete = excerpt(view, code), whole(view, code)
    except LSHError:
        return
    with st.container(key="tutorial-code"), st.expander("The code", icon=":material/code:"):
        lines, program, own = st.tabs(["With your sound", "All of it, to run", "In the library"])
        numbers = sorted({one.split()[0] for one in code.shown})
        chapters = f"chapter{'s' * (len(numbers) > 1)} {join_words(numbers)}"
        with lines:
            st.code(mine, language="python", wrap_lines=True)
            st.caption(f"From the tutorial in docs/tutorial, {chapters}. {code.note or _own_row(view)}")
        with program:
            st.code(complete, language="python", height=400)
            st.caption("Copy it into a file in the folder of the repository, and run it there with the app's Python.")
        with own:
            for function in code.source:
                name = f"{function.__module__}.{getattr(function, '__qualname__', function.__module__)}"
                st.markdown(f"`{name}`")
                st.code(source_of(function), language="python", wrap_lines=True)


def excerpt(view: QueryView, code: Code) -> str:
    """Return the lines of an idea with the visitor's values, without what they build on."""
    chosen, values = {_find(name) for name in code.shown}, filled(view, code)
    needed = _needed(code, values, _last(view, code))
    return _written([one for one in needed if one.target in values or one in chosen], values, view, code)


def whole(view: QueryView, code: Code) -> str:
    """Return the program that computes an idea from the dataset's files, with NumPy and pyarrow."""
    values = filled(view, code)
    return _written(_needed(code, values, _last(view, code)), values, view, code)


def filled(view: QueryView, code: Code) -> dict[str, str]:
    """Return the right sides that hold the visitor's values, by what is assigned to."""
    s, clip, params = view.settings, view.clip, view.index.params
    values = {
        "DATASET": json.dumps(commands.folder(view.context.dataset.path), ensure_ascii=False),
        "SPLIT, ROW": f'"{clip.split}", {clip.row}',
        "L, K": f"{s.n_tables}, {s.n_bits}",
        "L_MAX, K_MAX, SEED": f"{params.n_tables}, {params.n_bits}, {s.seed}",
    }
    if view.own_row >= 0:  # the query itself is not one of its neighbours
        values["true"] = f"np.array([row for row in nearest(train, q, {K_NEIGHBOURS + 1}) if row != ROW])"
    return values | dict(code.filled)


def source_of(function: Callable[..., Any]) -> str:
    """Return the source of a function of `lsh`, which numba may have compiled."""
    return inspect.cleandoc("\n" + inspect.getsource(getattr(function, "py_func", function)))


def _own_row(view: QueryView) -> str:
    return "Your sound is in the collection, so it shares its own buckets." if view.own_row >= 0 else ""


def _last(view: QueryView, code: Code) -> str:
    return code.last if isinstance(code.last, str) else code.last(view)


def _written(statements: Sequence[Statement], values: Mapping[str, str], view: QueryView, code: Code) -> str:
    """Return statements and the last line as a program: functions stand apart from what comes before and after."""
    numbers = ", ".join(f"{value:.3f}" for value in view.query[:SHOWN_NUMBERS])
    title = media.title(view.context.dataset, view.clip)
    imports = sorted(one.lines for one in statements if one.is_import)
    parts: list[str] = [*imports, *[""] * bool(imports)]
    after_function = False
    for one in statements:
        if one.is_import:
            continue
        is_function = one.lines.startswith("def ")
        text = f"{one.target} = {values[one.target]}" if one.target in values else one.lines
        if one.target == "SPLIT, ROW":
            text += f"  # {title}: {numbers}, ..."
        parts += ["", ""] * bool(parts and (is_function or after_function)) + [text]
        after_function = is_function
    answer = code.answer(view) if code.answer else None
    last = f"print({_last(view, code)})" + (f"  # lsh: {answer}" if answer is not None else "")
    return "\n".join([*parts, *["", ""] * after_function, last])


def _needed(code: Code, values: Mapping[str, str], last: str) -> list[Statement]:
    """Return the statements that are shown and those that they and the last line need, in the tutorial's order."""
    program = statements()
    reads = [_read(values[one.target]) if one.target in values else one.reads for one in program]
    wanted = {program.index(_find(name)) for name in (*code.shown, *code.base)}
    end = max(wanted) + 1
    of_last = _read(last) - {name for i in wanted for name in program[i].defines}
    todo = [(end, name) for name in of_last] + [(i, name) for i in wanted for name in reads[i]]
    done = set(todo)
    while todo:
        before, name = todo.pop()
        at = next((i for i in range(before - 1, -1, -1) if name in program[i].defines), None)
        if at is not None:
            wanted.add(at)
            new = {(at, read) for read in reads[at]} - done
            done |= new
            todo += new
    return [program[i] for i in sorted(wanted)]


def _find(name: str) -> Statement:
    """Return the first statement of a chapter that defines what is named, such as "4 build"."""
    chapter, target = name.split(" ", 1)
    return next(one for one in statements() if one.chapter == int(chapter) and one.target == target)


@cache
def statements() -> list[Statement]:
    """Return the imports, functions and assignments of the tutorial, in order."""
    found = []
    for path in sorted(FOLDER.glob("[1-9]-*.md")):
        for block in _BLOCK.findall(path.read_text(encoding="utf-8")):
            lines = block.splitlines()
            for node in ast.parse(block).body:
                defines = _defined(node)
                if defines:
                    text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                    found.append(Statement(int(path.name[0]), defines, _read(text), text))
    return found


def _defined(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, ast.FunctionDef):
        return (node.name,)
    if isinstance(node, ast.Import | ast.ImportFrom):
        return tuple((alias.asname or alias.name).split(".")[0] for alias in node.names)
    targets = [one for target in node.targets for one in ast.walk(target)] if isinstance(node, ast.Assign) else []
    return tuple(one.id for one in targets if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))


def _read(source: str) -> frozenset[str]:
    """Return the global names that a piece of a program reads."""
    top = symtable.symtable(source, "tutorial", "exec")
    reads = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    todo = top.get_children()
    while todo:
        inner = todo.pop()
        todo += inner.get_children()
        reads |= {symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return frozenset(reads)
