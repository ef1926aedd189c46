"""The plug-ins: one file a method, named as the method with underscores. A file that begins with _ is a helper."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.methods._base import Method

LSH = ("lsh-sketch", "lsh-tables")  # what "lsh" stands for: the better of our own indexes


def names() -> list[str]:
    """Return the name of every method."""
    return sorted(m.name.replace("_", "-") for m in iter_modules(__path__) if not m.name.startswith("_"))


def load(name: str) -> type[Method]:
    """Return the class of a method; raise MethodError when its package is not installed."""
    if name not in names():
        raise BenchmarkError(f"there is no method {name!r}; expected lsh, all, or some of {', '.join(names())}")
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    (method,) = (c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__)
    if not issubclass(method, Method):
        raise TypeError(f"{module.__name__} must define one class, a Method")
    if method.needs and find_spec(method.needs) is None:
        raise MethodError(f"the package {method.needs} is not installed")
    return method


def chosen(text: str) -> list[str]:
    """Return the methods that a comma-separated list names, each once: "lsh" and "all" stand for several."""
    wanted: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        several = names() if name == "all" else list(LSH) if name == "lsh" else [name]
        if not set(several) <= set(names()):
            raise BenchmarkError(f"there is no method {name!r}; expected lsh, all, or some of {', '.join(names())}")
        wanted += several
    return list(dict.fromkeys(wanted))
