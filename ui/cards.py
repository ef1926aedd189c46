"""What stands on a neighbour's card, in words a listener understands."""

from collections.abc import Collection

import numpy as np
import streamlit as st

from data_prep.dataset import Clip, Dataset
from ui import media
from ui.answer import Answer, Match
from ui.format import degrees, nth_nearest, percent
from ui.loading import PageContext
from ui.state import Settings
from ui.text import clean

_MOST_LABELS = 6


def title(dataset: Dataset, clip: Clip) -> str:
    """Name a clip by its labels, and a person's own sound by its file's name first."""
    names = [clean(dataset.label_names[label], 80) for label in clip.labels[:_MOST_LABELS]]
    if dataset.media == "file":
        names.insert(0, file_name(clip))
    return " · ".join(names) or "no label"


def file_name(clip: Clip) -> str:
    """Return the name of the file that a person's own clip is of."""
    return clean(clip.media.rsplit("/", 1)[-1], 80)


def card_data(context: PageContext, query: Clip, answer: Answer, gone: Collection[str]) -> dict[str, object]:
    """Return every card of the three lists by clip id, and the lists as clip ids in their order."""
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
    """Return what a card shows of a clip: its labels (those of the query first), how it looks, whether it is gone."""
    labels = sorted(clip.labels, key=lambda label: label not in query.labels)[:_MOST_LABELS]
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
    """Say what the list in view does not show: where a found clip stands in truth."""
    if row not in exact:
        return "not in the exact 10"
    truth = exact.index(row) + 1
    return nth_nearest(truth) if row in found and found.index(row) + 1 != truth else ""


def nearness(context: PageContext, distance: float) -> dict[str, object]:
    """Return how near a clip is: a number, the share of a bar, and words."""
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
    tables = "table" if s.n_tables == 1 else "tables"
    return (
        f"found in {len(match.tables)} of {s.n_tables} {tables}"
        if match.tables
        else f"missed: in none of {s.n_tables} {tables}"
    )


def explain_match(match: Match, s: Settings, distance: float) -> str:
    """Tell in a few sentences why LSH met a clip or not, and how likely that was by theory."""
    p, all_bits = match.bit_probability, match.bit_probability**s.n_bits
    if s.metric == "cosine":
        apart = f"Seen from the middle of the collection, the two are {degrees(180 * (1 - p))} apart"
    else:
        apart = f"The two are {distance:.2f} apart"
    theory = (
        f"{apart}, so one bit of their keys agrees with chance {p:.2f}, all {s.n_bits} with {percent(all_bits)}, "
        f"and at least one of {s.n_tables} keys with {percent(match.probability)}."
    )
    more = " Looking into more than one bucket a table raises that." if s.n_probes > 1 else ""
    return f"{_meeting(match, s)} {theory}{more}"


def _meeting(match: Match, s: Settings) -> str:
    place = "the same bucket" if s.n_probes == 1 else "a bucket that was looked into"
    if not match.tables:
        return f"In none of the {s.n_tables} tables does it share {place} with your sound, so LSH never looked at it."
    names = [str(table) for table in match.tables]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"It shares {place} with your sound in table{'s' if len(names) > 1 else ''} {listed}."


@st.cache_resource(max_entries=8, show_spinner=False)
def _usual_distance(fingerprint: str, _dataset: Dataset) -> float:  # noqa: ARG001  (the key)
    """Return the mean distance of clips taken at random: rows are in random order, so neighbouring rows will do."""
    some = np.asarray(_dataset.features("train")[:1000], dtype=np.float64)
    return float(np.linalg.norm(some[:-1] - some[1:], axis=1).mean()) or 1.0 if len(some) > 1 else 1.0
