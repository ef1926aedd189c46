"""Data of a clip's card: title, labels, nearness, and the sentences that explain why LSH found or missed it."""

from collections.abc import Collection

import numpy as np
import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui.format import degrees, join_words, nth_nearest, percent, plural
from ui.model import media
from ui.model.answer import Answer, Match
from ui.model.loading import PageContext
from ui.model.state import Settings
from ui.model.text import clean

_MAX_LABELS = 6


def title(dataset: Dataset, clip: Clip) -> str:
    """Return a clip's labels as its title; of one's own sounds, the file name first."""
    names = [clean(dataset.label_names[label], 80) for label in clip.labels[:_MAX_LABELS]]
    if dataset.media == "file":
        names.insert(0, file_name(clip))
    return " · ".join(names) or "no label"


def file_name(clip: Clip) -> str:
    """Return the name of the file of a clip of one's own sounds."""
    return clean(clip.media.rsplit("/", 1)[-1], 80)


def card_data(context: PageContext, query: Clip, answer: Answer, gone: Collection[str]) -> dict[str, object]:
    """Return the cards of the three lists by clip id, and each list as clip ids in order."""
    clips = {row: context.dataset.clip("train", row) for row in answer.matches}
    found, exact = answer.found.rows.tolist(), answer.exact.rows.tolist()
    distances = dict(zip(exact + found, [*answer.exact.distances, *answer.found.distances], strict=True))
    cards = {
        clip.clip_id: {
            **clip_data(context.dataset, clip, query, clip.clip_id in gone),
            "rank": found.index(row) + 1 if row in found else None,
            "truth": exact.index(row) + 1 if row in exact else None,
            "aside": _aside(row, found, exact),
            "near": nearness(context, float(distances[row])),
            "met": bool(answer.matches[row].tables),
            "how": _how(answer.matches[row], context.settings),
            "why": explain_match(answer.matches[row], context.settings, float(distances[row])),
        }
        for row, clip in clips.items()
    }
    lists = {"found": found, "exact": exact, "missed": answer.missed}
    return {"cards": cards, "lists": {name: [clips[row].clip_id for row in rows] for name, rows in lists.items()}}


def clip_data(dataset: Dataset, clip: Clip, query: Clip, gone: bool) -> dict[str, object]:
    """Return the part of a card's data that is about the clip alone; labels shared with the query come first."""
    labels = sorted(clip.labels, key=lambda label: label not in query.labels)[:_MAX_LABELS]
    return {
        "title": title(dataset, clip),
        "labels": [
            *([{"name": file_name(clip), "shared": False}] if dataset.media == "file" else []),
            *({"name": clean(dataset.label_names[i], 80), "shared": i in query.labels} for i in labels),
        ],
        "media": media.source(dataset, clip),
        "gone": "This video is gone from YouTube." if gone else None,
    }


def _aside(row: int, found: list[int], exact: list[int]) -> str:
    """Return the true rank of a found clip where it differs from its rank in the list."""
    if row not in exact:
        return "not in the exact 10"
    truth = exact.index(row) + 1
    return nth_nearest(truth) if row in found and found.index(row) + 1 != truth else ""


def nearness(context: PageContext, distance: float) -> dict[str, object]:
    """Return how near a clip is: a number, the filled fraction of a bar, and a sentence."""
    if context.settings.metric == "cosine":
        similarity = 1 - distance
        return {
            "value": f"{similarity:.2f}",
            "share": max(0.0, similarity),
            "words": f"cosine similarity {similarity:.2f}",
        }
    usual = _usual_distance(context.dataset.fingerprint, context.dataset)
    words = f"Euclidean distance {distance:.2f}; two clips taken at random are {usual:.2f} apart"
    return {"value": f"{distance:.2f}", "share": usual / (usual + distance), "words": words}


def _how(match: Match, s: Settings) -> str:
    tables = plural(s.n_tables, "table")
    return f"found in {len(match.tables)} of {tables}" if match.tables else f"missed: in none of {tables}"


def explain_match(match: Match, s: Settings, distance: float) -> str:
    """Explain in a few sentences why LSH found a clip or not, and how probable that was by theory."""
    p, all_bits = match.bit_probability, match.bit_probability**s.n_bits
    if s.metric == "cosine":
        apart = f"Seen from the middle of the collection, the two are {degrees(180 * (1 - p))} apart"
    else:
        apart = f"The two are {distance:.2f} apart"
    theory = (
        f"{apart}, so one bit of their keys agrees with chance {p:.2f}, all {s.n_bits} with {percent(all_bits)}, "
        f"and at least one of {s.n_tables} keys with {percent(match.probability)}."
    )
    more = " Looking into more than one bucket per table raises that." if s.n_probes > 1 else ""
    return f"{_meeting(match, s)} {theory}{more}"


def _meeting(match: Match, s: Settings) -> str:
    place = "the same bucket" if s.n_probes == 1 else "a bucket that was looked into"
    if not match.tables:
        return f"In none of the {s.n_tables} tables does it share {place} with your sound, so LSH never looked at it."
    tables = "table" if len(match.tables) == 1 else "tables"
    return f"It shares {place} with your sound in {tables} {join_words(match.tables)}."


@st.cache_resource(max_entries=8, show_spinner=False)
def _usual_distance(fingerprint: str, _dataset: Dataset) -> float:  # noqa: ARG001  (the key)
    """Return the mean distance of random pairs of clips; rows are in random order, so adjacent ones will do."""
    some = np.asarray(_dataset.features("train")[:1000], dtype=np.float64)
    return float(np.linalg.norm(some[:-1] - some[1:], axis=1).mean()) or 1.0 if len(some) > 1 else 1.0
