"""Learn: the lines of the tutorial for each chapter, and the functions of `lsh` that do the same."""

from lsh import duplicates, hit_probability, label_precision_at_k
from lsh.analysis import inspecting
from lsh.analysis.fusion import pool
from lsh.analysis.timing import interleaved, ms_per_query
from lsh.exact import ExactSearch
from lsh.families.hyperplane import Hyperplanes
from lsh.hasher import Hasher
from lsh.kernels.hashing import pack
from lsh.kernels.recall_grid import count_grid
from lsh.kernels.self_join import prefix_pairs
from ui.figures.marks import Grid
from ui.model import query_view, recall_grid
from ui.model.loading import is_large
from ui.model.query_view import QueryView
from ui.pages.learn import label_quality
from ui.pages.learn.basics import angles_of
from ui.pages.learn.trade_off import WANTED
from ui.widgets import tutorial_code
from ui.widgets.tutorial_code import Code


def draw(chapter: str, view: QueryView) -> None:
    """Draw the code of a chapter."""
    tutorial_code.draw(view, code_of(chapter, view))


def code_of(chapter: str, view: QueryView) -> Code:
    """Return the code of a chapter under the distance in force."""
    if view.settings.metric == "euclidean" and chapter in {"Missed", "More ideas"}:
        return tutorial_code.EUCLIDEAN
    if chapter == "Missed" and view.settings.n_probes > 1:
        return tutorial_code.FOUND_BY_PROBES
    return CODE[chapter]


def _usual_angle(view: QueryView) -> str:
    return f"{angles_of(view).usual:.1f}"


def _nearest(view: QueryView) -> list[int]:
    return query_view.under(view, "cosine").true_rows


def _one_bit(view: QueryView) -> str:
    return f"{1 - angles_of(view).tenth / 180:.3f}"


def _whole_key(view: QueryView) -> str:
    return f"{(1 - angles_of(view).tenth / 180) ** view.settings.n_bits:.4f}"


def _any_table(view: QueryView) -> str:
    s = view.settings
    return f"{float(hit_probability(1 - angles_of(view).tenth / 180, s.n_tables, s.n_bits)):.4f}"


def _sharing_a_long_key(view: QueryView) -> int:
    cosine = query_view.under(view, "cosine")
    return int(inspecting.candidates(cosine.index, cosine.query, 8, 16).sum())


def _measured(view: QueryView) -> Grid | None:
    """Return recall and cost of every setting with one probe, where the page measures them of all clips."""
    context = view.context
    if view.settings.metric == "euclidean" or is_large(context.dataset) or not context.dataset.n_rows("validation"):
        return None
    return recall_grid.measure(context).one_probe


def _recall(view: QueryView) -> str | None:
    measured, s = _measured(view), view.settings
    return None if measured is None else f"{measured.at(s.n_tables, s.n_bits)[0]:.4f}"


def _most_bits(view: QueryView) -> int | None:
    measured = _measured(view)
    return None if measured is None else int((measured.recall[view.settings.n_tables - 1] >= WANTED).sum())


def _label_precision(view: QueryView) -> float | None:
    dataset = view.context.dataset
    if view.settings.metric == "euclidean" or is_large(dataset) or not dataset.n_rows("validation"):
        return None
    return round(label_quality.measure(view.context).exact_precision, 4)


CODE = {
    "Alike": Code(
        ("2 unit", "2 angle", "3 hashed", "3 to_all"),
        'f"{np.median(to_all):.1f}"',
        _usual_angle,
        (Hasher.family_distance,),
    ),
    "Brute force": Code(("2 unit", "2 nearest", "2 true"), "true.tolist()", _nearest, (ExactSearch.search,)),
    "One bit": Code(
        ("3 planes", "3 to_all", "3 forty", "3 law", "3 agree"),
        'f"{agree[law.argmin()]:.3f}"',
        _one_bit,
        (Hyperplanes.draw, Hyperplanes.hash, Hyperplanes.collision_probability),
        {"forty": "true"},
        "Counted with 10,000 planes drawn anew; beside it the law.",
    ),
    "K bits": Code(
        ("3 to_all", "4 hit_probability", "4 bit_keys", "4 L, K"),
        'f"{hit_probability(1 - to_all[true].max() / 180, 1, K):.4f}"',
        _whole_key,
        (pack,),
    ),
    "L tables": Code(
        ("3 to_all", "4 hit_probability", "4 build", "4 L, K"),
        'f"{hit_probability(1 - to_all[true].max() / 180, L, K):.4f}"',
        _any_table,
        (hit_probability,),
    ),
    "Missed": tutorial_code.FOUND,
    "Trade-off": Code(
        ("6 common_prefix", "6 found_at", "4 L, K"),
        'f"{found_at(all_keys[:, truth], keys[:, :, None])[L - 1, :, :, K - 1].mean():.4f}"',
        _recall,
        (count_grid,),
    ),
    "More ideas": tutorial_code.PROBES,
    "Duplicates": Code(
        ("4 bit_keys", "4 build", "4 planes"),
        "len(find(*(bit_keys(vectors, planes[:8, :16]) for vectors in (hashed, q[None] - centre)))[0])",
        _sharing_a_long_key,
        (duplicates, prefix_pairs),
        note="How many clips share a key of 16 bits with your sound in one of 8 tables; your own counts if it is one.",
        base=("4 find",),
    ),
    "Question 1": Code(
        ("6 WANTED", "6 longest_key", "6 found_at", "4 L, K"),
        "(found_at(all_keys[:, truth], keys[:, :, None]).mean(axis=(1, 2)) >= WANTED).sum(axis=1)[L - 1]",
        _most_bits,
        (count_grid,),
    ),
    "Question 2": Code(
        ("2 unit", "2 nearest"),
        "ms_per_query([lambda q: nearest(train, q[0])], np.array([q] * 50))",
        None,
        (ms_per_query, interleaved),
        note="Times differ from machine to machine: here in milliseconds.",
        base=("2 ms_per_query",),
    ),
    "Question 3": Code(
        ("2 label_precision", "2 nearest", "4 truth"),
        'np.mean([label_precision(rows, labels_of["validation", row]) for rows, row in zip(truth, sample)]).round(4)',
        _label_precision,
        (label_precision_at_k,),
    ),
    "Question 4": Code(
        ("1 read_clip", "1 by_hand", "1 feature"),
        "{clip: feature(frames)[:4] for clip, frames in by_hand.items()}",
        None,
        (pool,),
        note="Three clips of AudioSet with their frames, which not every collection keeps; the first numbers of each.",
    ),
}
