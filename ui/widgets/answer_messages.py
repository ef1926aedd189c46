"""Messages about an answer: what LSH found, what one more table would change, and settings that serve better."""

import streamlit as st

from data_prep.dataset import Dataset
from lsh import LSHError
from lsh.errors import ClusterError
from ui.format import percent, plural, signed_points
from ui.model import session, setting_metrics
from ui.model.answer import Answer, Neighbours
from ui.model.loading import DatasetContext, PageContext
from ui.model.setting_metrics import SettingMetrics
from ui.model.state import MAX_BITS, MAX_PROBES, MAX_TABLES, Settings
from ui.model.text import plain

_ALONE = "There is no other clip in this collection."
_FILTERED = "No other clip meets all of your filter. Remove a part of it above, or all of it."
TOO_MANY = 0.5  # candidates, as a fraction of the collection: above it, LSH saves nothing


def summary(context: DatasetContext, found: Answer | Neighbours) -> str:
    """Return one sentence: the share of the clips looked at, and how many of the nearest were found."""
    n, n_all = context.n_allowed, context.dataset.n_rows("train")
    if n < n_all and not _exact_of(found).rows.size:
        return f"Your filter leaves no other sound of the {n_all:,} here."
    if isinstance(found, Answer):
        return _summary_of_lsh(found, n, n_all)
    sounds = plural(len(found.rows), "sound")
    if n == n_all:
        return f"The {sounds} most like yours, of all {n:,} in this collection."
    if len(found.rows) < context.settings.k:
        return f"Your filter leaves {sounds} of {n_all:,}: all of them, the nearest first."
    return f"The {sounds} most like yours, of the {n:,} of {n_all:,} that your filter leaves."


def _summary_of_lsh(found: Answer, n: int, n_all: int) -> str:
    total = len(found.exact.rows)
    hits = total - len(found.missed)
    looked = percent(found.n_candidates / max(n, 1))
    if not found.n_candidates:
        return "LSH looked at no clip at all: every bucket of your sound was empty."
    if n == n_all:
        return f"For your sound, LSH looked at {looked} of the clips and found {hits} of the {total} nearest."
    few = f", so there are {total}, not {found.k}, to find" if total < found.k else ""
    left = f"Your filter leaves {n:,} of {n_all:,} clips{few}."
    return f"{left} For your sound, LSH looked at {looked} of these and found {hits} of the {total} nearest."


def _exact_of(found: Answer | Neighbours) -> Neighbours:
    return found.exact if isinstance(found, Answer) else found


def draw_suggestions(context: PageContext, found: Answer, now: SettingMetrics | None) -> None:
    """Draw what one more table would change, and buttons for better settings where this one finds too little."""
    if now is not None and (more := setting_metrics.one_more_table(context, now)) is not None:
        recall, looked_at = map(signed_points, more)
        st.caption(f"On average, one more table would change: {recall} recall, {looked_at} looked at.")
    elif now is not None:
        st.caption(f"All {MAX_TABLES} tables are in use.")
    _offer_settings(context, found)


def empty_list_texts(s: Settings, found: Answer | Neighbours) -> dict[str, str]:
    """Return the text shown in place of each list while it is empty."""
    if s.only and not _exact_of(found).rows.size:
        return dict.fromkeys(("found", "exact", "missed"), _FILTERED)
    if isinstance(found, Neighbours):
        return {"exact": _ALONE}
    return {
        "found": f"No other clip in {plural(s.n_tables, 'bucket')}. Use fewer bits, more tables or more probes.",
        "exact": _ALONE,
        "missed": f"Nothing missed: LSH found all {len(found.exact.rows)} of the nearest.",
    }


def unknown_clip(clip_id: str | None) -> None:
    """Draw a note for a clip of the URL that the dataset does not have."""
    if clip_id is not None:
        st.info(f"This collection has no clip **{plain(clip_id, 60)}**. Here is another one to begin with.")


def unsearchable(error: LSHError) -> None:
    """Draw a warning: this clip cannot be a query in this metric. Raises the error of a cluster, for the whole page."""
    if isinstance(error, ClusterError):
        raise error
    st.warning("This clip cannot be a query at this distance. Choose the other distance, or another sound.")
    st.caption(plain(error))


def has_validation_clips(dataset: Dataset) -> bool:
    """Return whether a dataset has validation clips to measure with; draw a note where it has none."""
    if dataset.n_rows("validation"):
        return True
    st.info(
        "This collection holds no validation clips to measure with. A folder of sounds gets some when it is prepared "
        "again; embeddings get some from a column `split`."
    )
    return False


def empty_collection() -> None:
    """Draw the page for a dataset without clips."""
    st.title("Nothing to hear here")
    st.markdown("This collection has no clips. Choose another one in the sidebar.")


def _offer_settings(context: PageContext, found: Answer) -> None:
    """Offer settings by one click where this one finds too few clips or looks at too many."""
    s, n = context.settings, context.n_allowed
    few = len(found.found.rows)
    if few < min(s.k, len(found.exact.rows)):
        missing = f"Only {few} of {s.k}: the buckets held no more clips."
        st.markdown(missing if few else "Fewer bits make buckets larger.")
        offers = [
            (session.N_BITS, "Fewer bits: K", s.n_bits, max(1, s.n_bits - max(2, s.n_bits // 3))),
            (session.N_TABLES, "More tables: L", s.n_tables, min(MAX_TABLES, 2 * s.n_tables)),
            (session.N_PROBES, "More probes:", s.n_probes, min(MAX_PROBES, 4 * s.n_probes)),
        ]
    elif found.n_candidates > TOO_MANY * n and n < context.index.n:
        st.caption("Of the few clips that a filter leaves most are compared: that is fast, and misses little.")
        return
    elif found.n_candidates > TOO_MANY * n:
        st.markdown("That is most of the collection: at this setting LSH is no shortcut.")
        offers = [
            (session.N_BITS, "More bits: K", s.n_bits, min(MAX_BITS, s.n_bits + 4)),
            (session.N_TABLES, "Fewer tables: L", s.n_tables, max(1, s.n_tables // 2)),
        ]
    else:
        return
    with st.container(horizontal=True, gap="small"):
        for key, words, now, then in offers:
            if then != now:
                st.button(f"{words} {now} → {then}", key=f"offer {key.name}", on_click=key.set, args=(then,))
