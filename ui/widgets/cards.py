"""Data of a clip's card: title, labels, distance, and the sentences that explain why LSH found or missed it."""

import numpy as np
import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.format import degrees, join_words, nth_nearest, percent, plural
from ui.model import media
from ui.model.answer import Answer, Match, Neighbours
from ui.model.loading import DatasetContext
from ui.model.state import Settings
from ui.model.text import clean


def card(
    context: DatasetContext, clip: Clip, query: Clip, outcome: str, distance: float | None = None, **others: object
) -> dict[str, object]:
    """Return the data of a card; labels shared with the query come first.

    outcome: what the search made of the clip, in a few words; others: further fields, such as kind and rank.
    """
    dataset = context.dataset
    labels = sorted(clip.labels, key=lambda label: label not in query.labels)[: media.MAX_LABELS]
    return {
        "title": media.title(dataset, clip),
        "name": media.name(dataset, clip),
        "folder": _folder(dataset, clip),
        "labels": [{"name": clean(dataset.label_names[i], 80), "shared": i in query.labels} for i in labels],
        "media": media.source(dataset, clip),
        "file": media.file_facts(dataset, clip),
        "distance": _nearness(context, distance),
        "outcome": outcome,
        "length": media.length(clip),
        "rank": "",
        "note": "",
        "explanation": "",
        **others,
    }


def neighbour_cards(context: DatasetContext, query: Clip, answer: Answer | Neighbours) -> dict[str, object]:
    """Return cards by clip id, and the lists as clip ids in order: three of an answer, or the nearest neighbours."""
    if isinstance(answer, Neighbours):
        return _exact_cards(context, query, answer)
    s, tables = context.settings, plural(context.settings.n_tables, "table")
    clips = {row: context.dataset.clip("train", row) for row in answer.matches}
    found, exact = answer.found.rows.tolist(), answer.exact.rows.tolist()
    distances, cards = answer.distances, {}
    compares_all = answer.n_candidates >= context.n_allowed - 1  # the query may be one of them
    by_filter = "found by comparing all" if compares_all else "found by shorter keys"
    for row, clip in clips.items():
        match, distance = answer.matches[row], distances[row]
        if match.tables:
            outcome = f"found in {len(match.tables)} of {tables}"
        else:
            outcome = by_filter if row in found else f"missed: in none of {tables}"
        cards[clip.clip_id] = card(
            context,
            clip,
            query,
            outcome,
            distance,
            found=row in found or bool(match.tables),
            rank=found.index(row) + 1 if row in found else None,
            exact_rank=exact.index(row) + 1 if row in exact else None,
            note=_note(row, found, exact, s.k),
            explanation=explain_match(match, s, distance, by_filter=row in found and not match.tables),
        )
    lists = {"found": found, "exact": exact, "missed": answer.missed}
    return {"cards": cards, "lists": {name: [clips[row].clip_id for row in rows] for name, rows in lists.items()}}


def _exact_cards(context: DatasetContext, query: Clip, neighbours: Neighbours) -> dict[str, object]:
    """Return cards that say nothing about LSH, without an outcome."""
    cards = {}
    ranked = zip(neighbours.rows.tolist(), neighbours.distances.tolist(), strict=True)
    for rank, (row, distance) in enumerate(ranked, 1):
        clip = context.dataset.clip("train", row)
        cards[clip.clip_id] = card(context, clip, query, "", distance, kind="plain", exact_rank=rank)
    return {"cards": cards, "lists": {"exact": list(cards)}}


def explain_match(match: Match, s: Settings, distance: float, *, by_filter: bool = False) -> str:
    """Explain in a few sentences why LSH found a clip or not, and how probable that was by theory.

    by_filter: the clip was found though it shares no bucket, as a search among few clips looks further.
    """
    p, tables = match.bit_probability, plural(s.n_tables, "table")
    bucket = "the same bucket" if s.n_probes == 1 else "a bucket that was looked into"
    if match.tables:
        met = "table" if len(match.tables) == 1 else "tables"
        outcome = f"It shares {bucket} with your sound in {met} {join_words(match.tables)}."
    elif by_filter:
        outcome = (
            f"It shares {bucket} with your sound in none of {tables}. But your filter leaves few clips in these, so "
            "the search went on with shorter keys, or compared all that the filter leaves."
        )
    else:
        outcome = f"It shares {bucket} with your sound in none of {tables}, so LSH never looked at it."
    if s.metric == "cosine":
        apart = f"Seen from the middle of the collection, the two are {degrees(180 * (1 - p))} apart"
    else:
        apart = f"The two are {distance:.2f} apart"
    more = " Looking into more than one bucket per table raises that." if s.n_probes > 1 else ""
    keys = plural(s.n_tables, "key")
    return (
        f"{outcome} {apart}, so one bit of their keys agrees with chance {p:.2f}, all {s.n_bits} with "
        f"{percent(p**s.n_bits)}, and at least one of {keys} with {percent(match.probability)}.{more}"
    )


def _folder(dataset: Dataset, clip: Clip) -> str:
    """Return the folder of a clip of one's own sounds, without its last part where that is a label of the clip."""
    if dataset.media != "file":
        return ""
    parents, _, last = clip.media.rpartition("/")[0].rpartition("/")
    is_label = last in {dataset.label_names[label] for label in clip.labels}
    return clean("/".join(part for part in (parents, "" if is_label else last) if part), 80)


def _note(row: int, found: list[int], exact: list[int], k: int) -> str:
    """Return the exact rank of a found clip where it differs from its rank in the list."""
    if row not in exact:
        return f"not in the exact {k}"
    rank = exact.index(row) + 1
    return nth_nearest(rank) if row in found and found.index(row) + 1 != rank else ""


def _nearness(context: DatasetContext, distance: float | None) -> dict[str, object]:
    """Return how near a clip is: a number, the filled fraction of a bar, and a text; empty without a distance."""
    if distance is None:
        return {"value": "", "unit": "", "fraction": 0, "text": ""}
    if context.settings.metric == "cosine":
        similarity = 1 - distance
        return {
            "value": f"{similarity:.2f}",
            "unit": "similarity",
            "fraction": max(0.0, similarity),
            "text": f"cosine similarity {similarity:.2f}",
        }
    usual = _usual_distance(fingerprint=context.dataset.fingerprint, _dataset=context.dataset)
    text = f"Euclidean distance {distance:.2f}; two clips taken at random are {usual:.2f} apart"
    return {"value": f"{distance:.2f}", "unit": "distance", "fraction": usual / (usual + distance), "text": text}


@st.cache_resource(max_entries=8, show_spinner=False)
def _usual_distance(fingerprint: str, _dataset: Dataset) -> float:  # noqa: ARG001  (the key)
    """Return the mean distance of random pairs of clips; rows are in random order, so adjacent ones will do."""
    some = np.asarray(_dataset.features("train")[:1000], dtype=np.float64)
    return float(np.linalg.norm(some[:-1] - some[1:], axis=1).mean()) or 1.0 if len(some) > 1 else 1.0
