"""Imports between packages, and the public names of lsh."""

import subprocess
import sys

import lsh
from tests.meta.sources import MODULES, ROOT, imports, trees

PUBLIC = [
    "Comparison",
    "Duplicates",
    "EncodedVectors",
    "Evaluation",
    "ExactSearch",
    "GraphIndex",
    "LSHError",
    "LSHIndex",
    "Plan",
    "RecallGrid",
    "SearchResult",
    "SketchIndex",
    "compare",
    "duplicates",
    "evaluate",
    "exact_search",
    "hit_probability",
    "label_precision_at_k",
    "load",
    "plan",
    "predicted_recall",
    "recall_at_k",
    "recall_grid",
    "save",
]
# What no module of a package may import. Layers, from the top: app; ui and benchmarks; lsh and data_prep, which do not
# import each other; earshot_common.
FORBIDDEN = {
    "earshot_common": {"lsh", "data_prep", "ui", "app", "benchmarks", "numpy", "streamlit", "plotly"},
    "data_prep": {"lsh", "ui", "app", "benchmarks", "streamlit", "plotly"},
    "lsh": {"data_prep", "ui", "app", "benchmarks", "streamlit", "plotly", "pandas", "pyarrow", "tensorflow"},
    "ui": {"app", "benchmarks", "tensorflow"},
    "benchmarks": {"app", "ui", "streamlit"},
    "app": {"benchmarks", "tensorflow"},
}
IMPORTS_NUMPY = ("earshot_common.array_files", "earshot_common.encoded_vectors")  # and no other of earshot_common
VISITS_THE_APP = (
    "benchmarks.visitors.streamlit_client"  # the only module of benchmarks that imports Streamlit: its messages
)
READS_DATASETS = ("lsh.__main__", "lsh.command_line.queries")  # the only modules of lsh that import data_prep
# The only modules of lsh that import PyArrow, inside functions.
READS_PARQUET = ("lsh.distributed.parts", "lsh.command_line.vector_files")


def test_the_public_names_of_lsh_are_these():
    assert lsh.__all__ == PUBLIC
    assert all(hasattr(lsh, name) for name in PUBLIC)


def test_importing_lsh_imports_nothing_of_the_app_or_of_data_prep():
    unwanted = ["dask", "distributed", "pandas", "pyarrow", "streamlit", "plotly", "tensorflow", "data_prep", "ui"]
    code = f"import sys, lsh; print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_data_prep_imports_neither_tensorflow_nor_the_app():
    names = [name for name in MODULES if name.startswith("data_prep") and not name.endswith("__main__")]
    unwanted = ["tensorflow", "streamlit", "plotly", "lsh", "ui"]
    code = f"import sys, importlib\nfor name in {names}: importlib.import_module(name)\n"
    code += f"print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_module_imports_only_from_its_own_layer_and_lower_ones():
    allowed = {
        **{key: {"data_prep"} for key in READS_DATASETS},
        **{key: {"numpy"} for key in IMPORTS_NUMPY},
        VISITS_THE_APP: {"streamlit"},
        **{key: {"pyarrow"} for key in READS_PARQUET},
    }
    for name, tree in trees().items():
        found = {imported.split(".")[0] for imported in imports(name, tree)}
        assert found & FORBIDDEN[name.split(".")[0]] - allowed.get(name, set()) == set(), name


def test_tensorflow_is_imported_inside_functions_only():
    for name, tree in trees().items():
        at_import = {imported.split(".")[0] for imported in imports(name, tree, everywhere=False)}
        assert "tensorflow" not in at_import, name
