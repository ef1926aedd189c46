"""Inside: the lines of the tutorial for each step, and the functions of `lsh` that do the same."""

from contextlib import suppress

import numpy as np

from lsh import LSHError, hit_probability
from lsh.analysis import inspecting
from lsh.families.hyperplane import Hyperplanes
from lsh.families.pstable import PStable
from lsh.kernels.buckets import find_bucket, first_at_least
from lsh.kernels.hashing import pack, prepare
from lsh.kernels.probing import probe_keys
from lsh.kernels.sketching import encode, score
from ui.model import session
from ui.model.loading import metrics_of
from ui.model.query_view import QueryView, under
from ui.pages.inside import distances
from ui.widgets import tutorial_code
from ui.widgets.tutorial_code import Code

PROBED = 8


def draw(step: str, view: QueryView) -> None:
    """Draw the code of a step."""
    tutorial_code.draw(*code_of(step, view))


def code_of(step: str, view: QueryView) -> tuple[QueryView, Code]:
    """Return the code of a step, and the query under its distance: the one in force, or the other that it is about."""
    if step == "Distances" and "euclidean" in metrics_of(view.context.dataset):
        with suppress(LSHError):  # a clip of silence has no direction
            return under(view, "euclidean"), tutorial_code.EUCLIDEAN
    if view.settings.metric == "euclidean" and step not in {"Sketches", "Mean-centring"}:
        return view, S_CURVE_EUCLIDEAN if step == "S-curve" else tutorial_code.EUCLIDEAN
    return view, CODE[step]


def _table(view: QueryView) -> int:
    return min(session.TABLE.get() or 1, view.settings.n_tables) - 1


def _side(view: QueryView) -> list[int]:
    keys = inspecting.symbols_of(view.index, view.query[None], 1, view.settings.n_bits)
    return [int(bit) for bit in keys[0, 0]]


def _key(view: QueryView) -> str:
    keys = inspecting.symbols_of(view.index, view.query[None], view.settings.n_tables, view.settings.n_bits)
    return "".join(map(str, keys[0, _table(view)]))


def _bucket_sizes(view: QueryView) -> list[int]:
    s = view.settings
    return [len(own.ids) for own, *_ in inspecting.walk(view.index, view.query, s.n_tables, s.n_bits)]


def _probed_keys(view: QueryView) -> list[str]:
    s, table = view.settings, _table(view)
    buckets = inspecting.walk(view.index, view.query, table + 1, s.n_bits, PROBED)[table]
    return ["".join(map(str, bucket.symbols)) for bucket in buckets]


def _shared_bits(view: QueryView) -> list[int]:
    s = view.settings
    return [
        miss.shared for miss in inspecting.near_misses(view.index, view.query, view.true_rows, s.n_tables, s.n_bits)
    ]


def _chance_of_last(view: QueryView) -> str:
    s, index = view.settings, view.index
    last = inspecting.family_distance(index, view.query, view.true_rows).max(keepdims=True)
    p = index.hasher.family.collision_probability(np.radians(last) if s.metric == "cosine" else last)
    return f"{float(hit_probability(p, s.n_tables, s.n_bits)[0]):.4f}"


def _fullest(view: QueryView) -> int:
    return int(inspecting.bucket_sizes(view.index, _table(view), view.settings.n_bits)[0])


def _fullest_shares(view: QueryView) -> list[str] | None:
    if view.index.n > distances.MAX_ROWS:
        return None
    measured = distances.indexed_three_ways((view.context.dataset.fingerprint, view.settings.seed), view.context)
    return [f"{sizes[view.settings.n_bits - 1][0] / view.index.n:.4f}" for _, sizes, _ in measured]


S_CURVE_EUCLIDEAN = Code(
    ("4 hit_probability", "4 L, K", "5 same_piece", "5 X, Q"),
    lambda view: (
        f'f"{{hit_probability(same_piece(np.sort(np.linalg.norm(X - ({tutorial_code.EUCLIDEAN_QUERY}), axis=1))'
        f'[{len(view.true_rows) - (view.own_row < 0)}], {view.index.bucket_width!r}), L, K):.4f}}"'
    ),
    _chance_of_last,
    (hit_probability, PStable.collision_probability),
)
CODE = {
    "Planes": Code(
        ("4 planes", "3 centre", "3 hashed", "4 L, K"),
        "(planes[0, :K] @ (q - centre) > 0).astype(int).tolist()",
        _side,
        (Hyperplanes.draw, Hyperplanes.hash),
    ),
    "Key": Code(
        ("4 bit_keys", "4 some"),
        lambda view: f'f"{{bit_keys(q[None] - centre, some)[{_table(view)}, 0]:0{view.settings.n_bits}b}}"',
        _key,
        (pack,),
    ),
    "Buckets": Code(
        ("4 build", "4 some", "4 tables"),
        "[len(buckets[key]) for buckets, key in zip(tables, bit_keys(q[None] - centre, some)[:, 0].tolist())]",
        _bucket_sizes,
        (find_bucket, first_at_least),
    ),
    "Probes": Code(
        ("4 some", "7 probes"),
        lambda view: (
            f'[f"{{key:0{view.settings.n_bits}b}}" for key in probes(some[{_table(view)}] @ (q - centre), {PROBED})]'
        ),
        _probed_keys,
        (probe_keys,),
    ),
    "Sketches": Code(
        ("7 sketch", "7 sketches", "7 by_sketch"),
        "np.isin(true, by_sketch(q, 40)).sum()",
        None,
        (encode, score),
        note="128 bits, over all clips; the library's sketches have two for each dimension, and the query's four.",
    ),
    "Missed": Code(
        ("6 all_keys, keys", "6 common_prefix", "4 L, K"),
        "np.minimum(common_prefix(all_keys[:, true] ^ bit_keys(q[None] - centre, planes))[:L].max(axis=0), K).tolist()",
        _shared_bits,
        (inspecting.near_misses,),
    ),
    "S-curve": Code(
        ("3 to_all", "4 hit_probability", "4 L, K"),
        'f"{hit_probability(1 - to_all[true].max() / 180, L, K):.4f}"',
        _chance_of_last,
        (hit_probability,),
    ),
    "Bucket sizes": Code(
        ("4 build", "4 some", "4 tables"),
        lambda view: f"max(map(len, tables[{_table(view)}].values()))",
        _fullest,
        (inspecting.bucket_sizes,),
    ),
    "Distances": tutorial_code.SEARCH,
    "Mean-centring": Code(
        ("3 centre", "3 hashed", "4 bit_keys", "4 L, K"),
        '[f"{np.bincount(bit_keys(vectors, planes[:1, :K])[0]).max() / len(train):.4f}"'
        ' for vectors in (hashed, train, load("train") + 2)]',
        _fullest_shares,
        (prepare,),
    ),
}
