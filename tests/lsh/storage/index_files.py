"""Small indexes of every kind, their answers, and functions that decode and encode their files.

The file format is implemented here a second time, from docs/FORMAT.md and independently of `lsh.storage`.
"""

import functools
import hashlib
import json
import struct

import numpy as np

import lsh
from lsh import LSHIndex
from lsh.errors import IndexFileError
from lsh.sketch_index import SketchIndex
from lsh.storage.container import FORMAT_VERSION

MAGIC = b"\x89LSH\r\n\x1a\n"
KINDS = ("tables-cosine", "tables-euclidean", "filtered-cosine", "sketches-cosine", "sketches-euclidean")
N, DIM = 23, 5


def vectors(n=N, dim=DIM, seed=0):
    """Return clustered vectors with a duplicate and a row of zeros among them."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((4, dim))[rng.integers(0, 4, n)] + 0.3 * rng.standard_normal((n, dim))
    if n > 2:
        X[n // 2] = X[0]
        X[n - 1] = 0
    return X.astype(np.float32)


def fit(kind, X, seed=0):
    """Return a new index of one of KINDS."""
    family, metric = kind.split("-")
    if family == "sketches":
        return SketchIndex(metric, seed=seed).fit(X)
    return LSHIndex(
        metric, n_tables=2, n_bits=9, seed=seed, **({"sketches": True, "family": "itq"} if family == "filtered" else {})
    ).fit(X)


@functools.cache
def make(kind, seed=0):
    """Return the index of one of KINDS over `vectors()`: always the same object, since it is read-only."""
    return fit(kind, vectors(), seed)


def answers(index, Q=None):
    """Return all that a few searches give, in one comparable value."""
    Q = np.random.default_rng(1).standard_normal((6, index.exact.X.shape[1])).astype(np.float32) if Q is None else Q
    settings = [{}, {"n_tables": 1, "n_bits": 3}, {"n_bits": 5, "n_probes": 3}] if isinstance(index, LSHIndex) else []
    settings += [{"n_bits": 2, "n_reranked": 4}] if isinstance(index, LSHIndex) and index.params.sketches else []
    few = {"n_kept": 4} if index.kind == "graph" else {"n_probes": 1, "n_reranked": 4}
    found = [index.search(Q, k=4, **chosen) for chosen in settings or [few, {}]]
    return [(f.ids.tolist(), f.distances.tolist(), f.n_candidates.tolist()) for f in found]


def overwrite(path, data):
    """Put bytes into a file in place: one that is emptied first would be waited for by the disk."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(data)
        file.truncate()


def refusal(path, **options):
    """Return (why a file is refused or None, the index or None)."""
    try:
        return None, lsh.load(path, **options)
    except IndexFileError as error:
        return str(error), None


def aligned(offset):
    return -(-offset // 64) * 64


def take_apart(data):
    """Return the header as a tree and the arrays, which may be changed, of a file's bytes."""
    (length,) = struct.unpack_from("<I", data, 12)
    header = json.loads(data[48 : 48 + length])
    start = aligned(48 + length)
    arrays = {
        entry["name"]: np.frombuffer(data, entry["dtype"], int(np.prod(entry["shape"])), start + entry["offset"])
        .reshape(entry["shape"])
        .copy()
        for entry in header["arrays"]
        if entry["offset"] is not None
    }
    return header, arrays


def put_together(header, arrays, version=FORMAT_VERSION):
    """Return a file that says of its arrays what they are: dtypes, shapes, places and sums."""
    body, entries = b"", []
    for name, array in arrays.items():
        body = body.ljust(aligned(len(body)), b"\0")
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        shape = list(array.shape)
        entries.append({"dtype": array.dtype.str, "name": name, "offset": len(body), "sha256": digest, "shape": shape})
        body += array.tobytes()
    return with_header({**header, "arrays": entries}, body, version)


def with_header(header, body, version=FORMAT_VERSION):
    """Return a file with any header (a tree, or its bytes), rightly hashed."""
    text = header
    if not isinstance(header, bytes):
        text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    front = MAGIC + struct.pack("<II", version, len(text))
    front += hashlib.sha256(front + text).digest() + text
    return front.ljust(aligned(len(front)), b"\0") + body


def body_of(data):
    """Return the bytes of the arrays."""
    (length,) = struct.unpack_from("<I", data, 12)
    return data[aligned(48 + length) :]
