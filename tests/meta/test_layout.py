"""Layout of the packages: folders without circles of imports, of at most 20 modules, each module named in the docs."""

import ast
import re
from collections import Counter, defaultdict

import pytest

from tests.meta.sources import MODULES, PACKAGES, ROOT, imports, trees

MAX_MODULES = 20
FOLDERS = sorted({path.parent for path in MODULES.values()} - {ROOT})
PAGES = {"listen", "ask", "teach", "crate", "tune", "race", "inside", "map", "learn", "tidy", "data"}


def node_of(name):
    """Return the node of a module: its folder, or the module itself when it lies in no folder of its package."""
    folder = ".".join(MODULES[name].parent.relative_to(ROOT).parts)
    return name if folder in {"", *PACKAGES} else folder


def arrows():
    """Return how many imports lead from one node to another."""
    found = Counter()
    for name, tree in trees().items():
        if name not in PACKAGES:  # the package's own file only gathers its public names
            found.update((node_of(name), node_of(imported)) for imported in imports(name, tree) if imported in MODULES)
    return {(start, end): n for (start, end), n in found.items() if start != end}


def circle(graph):
    """Return a list of nodes that lead from one to the next and back to the first; an empty list if there is none."""
    done = set()

    def search(path):
        for end in sorted(graph[path[-1]] - done):
            if end in path:
                return path[path.index(end) :]
            if found := search([*path, end]):
                return found
        done.add(path[-1])
        return []

    return next((found for start in sorted(graph) if start not in done and (found := search([start]))), [])


def test_imports_between_folders_form_no_circle():
    graph = defaultdict(set)
    for (start, end), n in sorted(arrows().items()):
        print(f"{start} -> {end}: {n}")
        graph[start].add(end)
    assert circle(graph) == []


@pytest.mark.parametrize(
    ("graph", "expected"), [({"a": "b", "b": "c"}, []), ({"a": "b", "b": "cd", "d": "b"}, ["b", "d"])]
)
def test_a_circle_is_found(graph, expected):
    assert circle(defaultdict(set, {start: set(ends) for start, ends in graph.items()})) == expected


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_a_folder_holds_at_most_20_modules(folder):
    assert len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) <= MAX_MODULES


def page_of(name):
    """Return the page that a module belongs to, None for a module outside `ui.pages`."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["ui", "pages"] and len(parts) > 2 else None


def test_a_page_is_imported_by_itself_and_the_app_alone():
    pairs = [(name, imported) for name, tree in trees().items() if name != "app" for imported in imports(name, tree)]
    assert [pair for pair in pairs if page_of(pair[1]) not in {None, page_of(pair[0])}] == []


def test_every_page_has_its_place():
    assert {page_of(name) for name in MODULES} - {None} == PAGES


def test_a_module_begins_with_a_docstring_that_is_a_sentence():
    """The first line says what the module holds."""
    first = {name: (ast.get_docstring(tree) or "nothing").splitlines()[0] for name, tree in trees().items()}
    assert {name: line for name, line in first.items() if not line.endswith((".", ":"))} == {}


def test_a_module_of_tests_begins_with_a_docstring_too():
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    assert [path.name for path, text in texts.items() if text and not re.match(r'r?"""\S.*[.:]("""|\n\n)', text)] == []
