"""Every public kernel has a slow reference implementation of its name, and a test that uses it."""

import ast

from tests.meta.sources import ROOT, trees


def kernels():
    """Return the names of all public compiled functions."""
    return [
        node.name
        for name, tree in trees().items()
        if name.startswith("lsh.")
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if {ast.unparse(decorator) for decorator in node.decorator_list} & {"kernel", "fast_kernel"}
    ]


def test_the_kernels_are_found():
    assert {"nearest", "search_tables", "search_buckets", "encode"} <= set(kernels())


def test_every_kernel_has_a_reference_of_its_name_that_a_test_compares_it_with():
    twins = ast.parse((ROOT / "tests" / "reference.py").read_text(encoding="utf-8"))
    references = {node.name for node in twins.body if isinstance(node, ast.FunctionDef)}
    tests = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests/lsh/kernels").glob("test_*.py")]
    used = {ast.unparse(node) for tree in tests for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(kernels()) - references == set()
    assert {name for name in kernels() if f"reference.{name}" not in used} == set()
