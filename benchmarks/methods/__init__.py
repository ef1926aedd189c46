"""Methods to measure, by name: a class per method, a module per library; `_base` holds what they share."""

from importlib import import_module
from importlib.util import find_spec

from benchmarks.errors import BenchmarkError, MethodError
from benchmarks.methods._base import Method

LSH = ("lsh-sketch", "lsh-tables")  # the name "lsh" stands for the better of these two at each recall
_CLASSES = {
    "annoy": "annoy.Annoy",
    "exact": "lsh.Exact",
    "faiss-flat": "faiss.Flat",
    "faiss-hnsw": "faiss.HNSW",
    "faiss-hnsw-sq8": "faiss.HNSWSQ8",
    "faiss-ivf-flat": "faiss.IVFFlat",
    "faiss-ivf-pq": "faiss.PQFastScan",
    "faiss-lsh": "faiss.IndexLSH",
    "faiss-rabitq": "faiss.RaBitQ",
    "falconn": "falconn.Falconn",
    "glass": "glass.Glass",
    "hnswlib": "hnswlib.HNSWLib",
    "lsh-crosspolytopes": "lsh.CrossPolytopes",
    "lsh-graph": "lsh.Graph",
    "lsh-sketch": "lsh.Sketch",
    "lsh-tables": "lsh.Tables",
    "numpy": "numpy.NumPy",
    "puffinn": "puffinn.Puffinn",
    "pynndescent": "pynndescent.PyNNDescent",
    "rabitqlib-ivf": "rabitqlib.IVF",
    "scann": "scann.ScaNN",
    "scann-core": "scann.ScaNNCore",
    "svs": "svs.SVS",
    "symphonyqg": "rabitqlib.SymphonyQG",
    "usearch": "usearch.USearch",
    "voyager": "voyager.Voyager",
}


def names() -> list[str]:
    """Return the names of all methods, sorted."""
    return sorted(_CLASSES)


def load(name: str) -> type[Method]:
    """Return the class of a method; raise MethodError if its package is not installed."""
    module, _, kind = _CLASSES[name].partition(".")
    method: type[Method] = getattr(import_module(f"{__name__}.{module}"), kind)
    if method.needs and not method.own_folder and find_spec(method.needs) is None:
        raise MethodError(f"the package {method.needs} is not installed")
    return method


def selected(text: str) -> list[str]:
    """Return the methods in a comma-separated list, each once, where "all" stands for all of them.

    "lsh" may be among them: the better of the methods `LSH`. Raises BenchmarkError for an unknown name.
    """
    everything = ["lsh", *(name for name in names() if name not in LSH)]
    found: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if name not in {"all", "lsh", *names()}:
            raise BenchmarkError(f"there is no method {name!r}; expected lsh, all, or some of {', '.join(names())}")
        found += everything if name == "all" else [name]
    return list(dict.fromkeys(found))
