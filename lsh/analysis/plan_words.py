"""Why a way was chosen, in sentences with numbers."""

from collections.abc import Sequence

from lsh.analysis.trials import FEW_ROWS, Contender, Wish

Timed = tuple[Contender, float]


def why(wish: Wish, best: Contender, ms: float, ranked: Sequence[Timed], n_settings: int) -> str:
    """Say what was chosen, what it achieves, what the others would cost, and whether it pays at all.

    ranked: those that were timed, with their milliseconds a query, fastest first, exact search among them; n_settings:
    how many settings reach the wish beside exact search.
    """
    others = _best_of_each_kind(best, ranked)
    said = [_choice(wish, best, ms, n_settings), _beside_exact(best, ms, ranked)]
    if others:
        listed = "; ".join(f"{contender.way} {taken:.3f} ms" for contender, taken in others)
        said.append(f"The others at this recall: {listed}.")
    if wish.recall == 1:
        said.append("Recall 1 is what exact search alone can promise.")
    elif len(wish.exact.X) > FEW_ROWS:
        said.append("Hash tables and a scan of all sketches were not tried on so many vectors.")
    return " ".join(sentence for sentence in said if sentence)


def _choice(wish: Wish, best: Contender, ms: float, n_settings: int) -> str:
    name = str(best.way)
    if best.way.kind == "exact":
        return f"Exact search, {ms:.3f} ms a query, is the cheapest way to recall {wish.recall:g} here."
    return (
        f"{name[0].upper()}{name[1:]}: the cheapest of {n_settings} settings that reach recall {wish.recall:g} on "
        f"{len(wish.Q):,} validation queries, with a margin for chance and for other queries: recall "
        f"{best.recall:.3f} ± {best.recall_error:.3f}, {best.candidates:.1%} of the collection looked at, "
        f"{ms:.3f} ms a query, {best.index_bytes / 1e6:.1f} MB beside the vectors."
    )


def _beside_exact(best: Contender, ms: float, ranked: Sequence[Timed]) -> str:
    if best.way.kind == "exact":
        return ""
    exact_ms = next(taken for contender, taken in ranked if contender.way.kind == "exact")
    return f"It pays: exact search takes {exact_ms:.3f} ms, {exact_ms / ms:.1f} times as long."


def _best_of_each_kind(best: Contender, ranked: Sequence[Timed]) -> list[Timed]:
    """Return the fastest of each other index that was timed, without exact search."""
    fastest: dict[int, Timed] = {}
    for contender, taken in ranked:
        if contender.way.kind != "exact":
            fastest.setdefault(id(contender.index), (contender, taken))
    fastest.pop(id(best.index), None)
    return list(fastest.values())
