"""Rules for source files: length, banned calls, and texts that must not name machines or package registries."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.meta.sources import MODULES, ROOT, trees

MAX_LINES = 300
BANNED_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
BANNED_CALLS = {"eval", "exec"}
BANNED_ATTRIBUTES = {"extractall", "ignore_errors"}
BANNED_WHEN_TRUE = {"unsafe_allow_html", "fastmath", "parallel", "allow_pickle", "unsafe_allow_javascript"}


def test_a_module_has_at_most_300_lines():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def banned(tree):
    """Yield the banned constructs of a module, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            yield from (f"line {node.lineno}: {name}" for name in modules if name.split(".")[0] in BANNED_MODULES)
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: a bare except"
        elif isinstance(node, ast.Attribute) and node.attr in BANNED_ATTRIBUTES:
            yield f"line {node.lineno}: {node.attr}"
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
                yield f"line {node.lineno}: {node.func.id}"
            for keyword in node.keywords:
                literally_false = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                chosen_flags = keyword.arg == "fastmath" and not isinstance(keyword.value, ast.Constant)
                if keyword.arg in BANNED_WHEN_TRUE and not literally_false and not chosen_flags:
                    yield f"line {keyword.value.lineno}: {keyword.arg} is not False"


def test_a_module_has_no_banned_construct():
    assert [(name, found) for name, tree in trees().items() for found in banned(tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "archive.extractall(path)",
        "st.markdown(text, unsafe_allow_html=True)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "njit(fastmath=True)",
        "njit(parallel=True)",
        "eval(text)",
        "try:\n    pass\nexcept:\n    pass",
    ],
)
def test_a_banned_construct_is_found(code):
    assert len(list(banned(ast.parse(code)))) == 1


@pytest.mark.parametrize("code", ["np.load(path, allow_pickle=False)", "njit(nogil=True, fastmath=FAST)"])
def test_safe_forms_are_allowed(code):
    assert list(banned(ast.parse(code))) == []


def places_of(word, tree, place):
    """Yield where a module names `word` as an attribute, a variable or an import: the dotted name of the function."""
    for node in ast.iter_child_nodes(tree):
        inside = f"{place}.{node.name}" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else place
        if word in {getattr(node, field, None) for field in ("attr", "id", "name")}:
            yield inside
        yield from places_of(word, node, inside)


def test_only_one_function_switches_pages_so_that_none_loses_the_settings():
    found = [place for name in MODULES for place in places_of("switch_page", trees()[name], name)]
    assert found == ["ui.widgets.links.open_page"]


def test_only_one_function_runs_a_page_again_so_that_no_link_is_lost():
    uses = [
        (name, node) for name in MODULES for node in ast.walk(trees()[name]) if getattr(node, "attr", "") == "rerun"
    ]
    assert [name for name, node in uses if getattr(node.value, "id", "") != "session"] == ["ui.model.session"]
    assert len(uses) > 1


BUTTONS = {"button", "form_submit_button", "download_button", "link_button"}


def buttons_whose_value_is_read(tree):
    """Yield the lines with a button that is not a statement of its own."""
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        named = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
        if named in BUTTONS and id(node) not in statements:
            yield node.lineno


def test_no_page_reads_the_value_of_a_button_which_is_lost_when_a_message_interrupts_the_run():
    pages = [name for name in MODULES if name.startswith("ui.")]
    assert [(name, line) for name in pages for line in buttons_whose_value_is_read(trees()[name])] == []


@pytest.mark.parametrize("code", ["if st.button('x'): work()", "pressed = place.button('x')", "a and button('x')"])
def test_a_button_whose_value_is_read_is_found(code):
    assert list(buttons_whose_value_is_read(ast.parse(code))) == [1]
    assert list(buttons_whose_value_is_read(ast.parse("st.button('x', on_click=work)"))) == []


@pytest.mark.parametrize("code", ["st.switch_page(page)", "from streamlit import switch_page", "go = st.switch_page"])
def test_a_switch_of_pages_is_found(code):
    assert list(places_of("switch_page", ast.parse(code), "module")) == ["module"]


# These write in a folder that becomes visible as a whole, in a temporary one, in an atomic file, a journal that a
# killed run continues, or the null device.
WRITERS = {
    "benchmarks.large_collection",
    "benchmarks.methods.glass",
    "benchmarks.peers.cache",
    "benchmarks.search_problem",
    "benchmarks.visitors.soak",
    "data_prep.dataset.hashed_file",
    "data_prep.dataset.staging",
    "data_prep.download.journal",
    "data_prep.sample.build",
    "data_prep.sounds.command",
    "data_prep.sounds.progress_journal",
    "earshot_common.atomic",
    "lsh.command_line.files",
}
WRITING = re.compile(
    r"np\.savez?\(|\.(write_text|write_bytes|tofile)\(|(?<!wave)(?<!tarfile)(?<!archive)\.(fd)?open\([^()]*'[wax]b?\+?'"
)


def test_only_a_few_modules_write_files_by_themselves():
    assert {name for name, tree in trees().items() if WRITING.search(ast.unparse(tree))} == WRITERS


CLOCKS = {"perf_counter", "perf_counter_ns", "process_time", "thread_time", "clock_gettime"}


def test_no_test_reads_a_clock_to_judge_speed():
    found = {
        f"{path.name}: {name}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in [getattr(node, "attr", getattr(node, "id", None))]
        if name in CLOCKS
    }
    assert found == set()


@pytest.fixture(scope="module")
def tracked_names():
    """Return the paths of all files under version control."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy is not under version control, so there is no list of its files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def tracked(tracked_names):
    """Return the texts of all files under version control, by path."""
    contents = {name: (ROOT / name).read_bytes() for name in tracked_names}
    return {name: data.decode("utf-8") for name, data in contents.items() if b"\0" not in data}


# Of files without a suffix there are the Makefile, the licence, .gitignore and .ci/run.
KINDS = "cff conf css js json lsh md npy parquet png py sh svg tfrecord toml txt typed webp yml"


def test_every_tracked_file_is_of_a_kind_that_the_project_has(tracked_names):
    assert [name for name in tracked_names if Path(name).suffix[1:] not in [*KINDS.split(), ""]] == []


# Built from parts, so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile("|".join("/" + folder + "/" for folder in ("work", "home", "root", "Users", "mnt", "tmp")))
REGISTRY = re.compile("|".join(["index-" + "url +[=h]", "python" + "hosted", "/" + "simple/", "pypi" + r"\.org"]))


def test_no_tracked_text_names_a_folder_of_a_particular_machine(tracked):
    found = {
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked.items()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATHS.search(line)
    }
    assert found == set()


def test_no_tracked_text_names_a_package_registry(tracked):
    found = {
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked.items()
        for number, line in enumerate(text.splitlines(), 1)
        if REGISTRY.search(line)
    }
    assert found == set()


def test_every_tracked_text_ends_with_a_line_break_and_python_files_have_no_tabs(tracked):
    assert [name for name, text in tracked.items() if text and not text.endswith("\n")] == []
    assert [name for name, text in tracked.items() if name.endswith(".py") and "\t" in text] == []
