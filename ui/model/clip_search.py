"""Search by name: labels, titles, file and folder names, metadata and ids, in any case of letters, and misspelt.

What a text finds is offered in groups, one per kind. A choice is a short text, as it stands in the URL: `KIND=NAME` for
what has exactly this name, `KIND~TEXT` for all that contains the text, `clip=ID` for a clip, and `first~TEXT` for the
first of all that is offered.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from data_prep.dataset import Clip, Dataset, clip_names
from data_prep.dataset.schema import EXTRA_PREFIX
from ui.model.loading import splits_to_start_in

OFFERED = 6  # names of a group at most
FUZZY_FROM = 4  # characters of a text that is compared with names spelt otherwise
FUZZY_SCORE, FUZZY_LABEL = 75, 70  # of names and of labels at least, of 100 for equal
FUZZY_ROWS = 300_000  # names that are compared at most, of each kind and split: the first

_HEADINGS = {"label": "Labels", "title": "Titles", "file": "Files", "folder": "Folders", "id": "Ids"}
_LISTS = ("label", "folder", EXTRA_PREFIX)  # kinds whose names many clips share


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a text finds: what chooses it, its name as in the data, and its number of clips."""

    choice: str
    name: str
    n_clips: int


@dataclass(frozen=True, slots=True)
class Group:
    """What a text finds of one kind, best first: `total` names or clips, of which `offers` are some.

    everything: what chooses all of them, "" where they are not listed together. match: how well the best one matches,
    from 0, the whole name.
    """

    heading: str
    total: int
    offers: tuple[Offer, ...]
    everything: str
    match: int


@dataclass(frozen=True, slots=True)
class Hits:
    """The clips of a choice, best matches first: of each group the split, its size, and its rows as marks.

    Marks are packed, uint8[n / 8, rounded up], one bit per row of the split. No clip is in two groups.
    """

    groups: tuple[tuple[str, int, npt.NDArray[np.uint8]], ...]

    @property
    def total(self) -> int:
        """Return the number of clips."""
        return sum(size for _, size, _ in self.groups)

    def clip(self, dataset: Dataset, i: int) -> Clip:
        """Return clip `i`; IndexError when there are fewer."""
        for split, size, marks in self.groups:
            if i < size:
                return dataset.clip(split, _nth(marks, i))
            i -= size
        raise IndexError(f"there are only {self.total} hits")


def suggest(dataset: Dataset, text: str) -> tuple[Group, ...]:
    """Return what a text finds, the group with the best match first."""
    wanted = clip_names.normalised(text)
    return _suggest(dataset.fingerprint, wanted, dataset) if wanted else ()


def resolve(dataset: Dataset, choice: str) -> str:
    """Return a choice with `first~TEXT` replaced by what it stands for; unchanged where the text finds nothing.

    An id in full stands for its clip; else the first group for all that is in it, or for its only member.
    """
    if not choice.startswith("first~"):
        return choice
    text = choice.removeprefix("first~")
    clip = dataset.find_clip(text.strip()[: clip_names.MAX_TEXT])
    if clip:
        return f"clip={clip.clip_id}"
    groups = suggest(dataset, text)
    if not groups:
        return f"first~{clip_names.normalised(text)}"
    first = groups[0]
    is_one = first.total == 1 or not first.everything or (first.match == 0 and first.offers[0].n_clips > 1)
    return first.offers[0].choice if is_one else first.everything


def text_of(choice: str) -> str:
    """Return the name or the text of a choice."""
    return re.split("[=~]", choice, maxsplit=1)[-1]


def list_clips(dataset: Dataset, choice: str) -> Hits:
    """Return the clips of a choice; none where this collection has no such kind or name."""
    return _list_clips(dataset.fingerprint, choice, dataset)


@st.cache_resource(max_entries=32, show_spinner=False)
def _list_clips(fingerprint: str, choice: str, _dataset: Dataset) -> Hits:  # noqa: ARG001  (the key)
    kind = next((kind for kind in clip_names.kinds_of(_dataset) if choice.startswith((f"{kind}=", f"{kind}~"))), None)
    if kind is None or not (text := choice[len(kind) + 1 :]):
        return Hits(())
    is_name = choice[len(kind)] == "="
    splits = splits_to_start_in(_dataset)
    if kind == "label":
        labels = _labels_of(_dataset, text, whole=is_name)
        masks = [{split: _dataset.has_label(split, some) for split in splits} for some in labels]
    else:
        is_text = clip_names.is_text(_dataset, kind)
        wanted = clip_names.normalised(text)
        patterns = [None] if is_name else clip_names.patterns_for(kind, wanted, is_text=is_text)
        masks = [clip_names.rows_of(_dataset, splits, kind, pattern, text) for pattern in patterns]
    seen = {split: np.zeros(_dataset.n_rows(split), bool) for split in splits}
    groups = []
    for of_split in masks:
        for split in splits:
            mask = of_split[split] & ~seen[split]
            seen[split] |= mask
            if size := int(np.count_nonzero(mask)):
                groups.append((split, size, np.packbits(mask)))
    return Hits(tuple(groups))


@st.cache_resource(max_entries=64, show_spinner=False)
def _suggest(fingerprint: str, wanted: str, _dataset: Dataset) -> tuple[Group, ...]:  # noqa: ARG001  (the key)
    found = [_labels(_dataset, wanted)]
    kinds = [kind for kind in clip_names.kinds_of(_dataset) if kind != "label"]
    found += [_names(_dataset, kind, wanted) for kind in kinds]
    if not any(found) and len(wanted) >= FUZZY_FROM:
        found += [
            _alike(_dataset, kind, wanted) for kind in kinds if kind != "id" and clip_names.is_text(_dataset, kind)
        ]
    return tuple(sorted((group for group in found if group), key=lambda group: group.match))


def _labels(dataset: Dataset, wanted: str) -> Group | None:
    """Return the labels that clips have and a text names; after them, where they are few, some spelt alike."""
    counts: Counter[str] = Counter()
    for split in splits_to_start_in(dataset):
        for name, count in zip(dataset.label_names, dataset.label_counts(split).tolist(), strict=True):
            counts[name] += count  # names of labels need not be unique
    names = sorted((name for name in counts if counts[name]), key=lambda name: (-counts[name], name))
    patterns = clip_names.patterns_for("label", wanted)
    best = {name: clip_names.match_of(patterns, name) for name in names}
    found = sorted((name for name in names if best[name] < clip_names.NO_MATCH), key=best.__getitem__)
    total, match = len(found), best[found[0]] if found else clip_names.NO_MATCH
    if len(wanted) >= FUZZY_FROM and len(found) < OFFERED:
        rest = [name for name in names if best[name] == clip_names.NO_MATCH]
        scores = {name: _score(wanted.lower(), name.lower()) for name in rest}
        alike = sorted((name for name in rest if scores[name] >= FUZZY_LABEL), key=lambda name: -scores[name])
        found += alike[: OFFERED - len(found)]
    if not found:
        return None
    offers = tuple(Offer(f"label={name}", name, counts[name]) for name in found[:OFFERED])
    return Group("Labels", total or len(found), offers, f"label~{wanted}" if total > 1 else "", match)


def _names(dataset: Dataset, kind: str, wanted: str) -> Group | None:
    """Return the names of a kind that contain a text: of clips, or of what many clips share."""
    patterns = clip_names.patterns_for(kind, wanted, is_text=clip_names.is_text(dataset, kind))
    shared: Counter[str] = Counter()
    clips: list[tuple[int, str, int]] = []  # how well it matches, split and row of the best ones
    total = 0
    for split, rows, values in clip_names.blocks(dataset, splits_to_start_in(dataset), kind):
        places = clip_names.places_of(values, patterns[-1])
        found = values.take(pa.array(places, pa.int64()))
        if kind.startswith(_LISTS):
            counted: Any = pc.value_counts(clip_names.folders(found, patterns[-1]) if kind == "folder" else found)
            for value, count in zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True):
                shared[value] += count
        else:
            total += len(places)
            best = [
                (q, split, int(rows[places[i]]))
                for q in range(3)
                for i in clip_names.places_of(found, patterns[q])[:OFFERED]
            ]
            known = {clip[1:]: clip for clip in sorted([*clips, *best], reverse=True)}
            clips = sorted(known.values(), key=lambda clip: clip[0])[:OFFERED]
    if kind.startswith(_LISTS):
        suffix = "/" if kind == "folder" else ""
        quality = {value: clip_names.match_of(patterns, value + suffix) for value in shared}
        names = sorted(shared, key=lambda value: (quality[value], -shared[value], value))
        offers = tuple(Offer(f"{kind}={value}", value, shared[value]) for value in names[:OFFERED])
        total, match = len(names), quality[names[0]] if names else clip_names.NO_MATCH
    else:
        offers = tuple(_clip_offer(dataset, kind, split, row) for _, split, row in clips)
        match = clips[0][0] if clips else clip_names.NO_MATCH
    return Group(_heading(kind), total, offers, f"{kind}~{wanted}" if total > 1 else "", match) if offers else None


def _alike(dataset: Dataset, kind: str, wanted: str) -> Group | None:
    """Return names of a kind that are spelt nearly as a text, or contain something that is."""
    from rapidfuzz import fuzz, process

    scores: dict[str, tuple[float, str, int]] = {}
    for split, rows, values in clip_names.blocks(dataset, splits_to_start_in(dataset), kind, FUZZY_ROWS):
        names = clip_names.compared(kind, values)
        lower = pc.utf8_lower(names).to_pylist()
        best = process.extract(
            wanted.lower(), lower, scorer=fuzz.partial_ratio, score_cutoff=FUZZY_SCORE, limit=4 * OFFERED
        )
        for _, score, place in best:
            name = names[place].as_py()
            if len(name) >= FUZZY_FROM and score > scores.get(name, (0,))[0]:
                scores[name] = score, split, int(rows[place])
    names_found = sorted(scores, key=lambda name: (-scores[name][0], name))[:OFFERED]
    if kind.startswith(_LISTS):
        counts = {name: list_clips(dataset, f"{kind}={name}").total for name in names_found}
        offers = tuple(Offer(f"{kind}={name}", name, n) for name, n in counts.items() if n)
    else:
        offers = tuple(_clip_offer(dataset, kind, *scores[name][1:]) for name in names_found)
    return Group(f"{_heading(kind)} spelt alike", len(offers), offers, "", clip_names.NO_MATCH) if offers else None


def _heading(kind: str) -> str:
    return _HEADINGS.get(kind) or kind.removeprefix(EXTRA_PREFIX)


def _clip_offer(dataset: Dataset, kind: str, split: str, row: int) -> Offer:
    clip = dataset.clip(split, row)
    name = {"title": clip.title or "", "file": clip.media, "id": clip.clip_id}[kind]
    return Offer(f"clip={clip.clip_id}", name, 1)


def _labels_of(dataset: Dataset, text: str, *, whole: bool) -> list[list[int]]:
    """Return the indices of the labels of a name; or of those that contain a text, by how well they match."""
    if whole:
        return [[i for i, name in enumerate(dataset.label_names) if name == text]]
    quality = [
        clip_names.match_of(clip_names.patterns_for("label", clip_names.normalised(text)), name)
        for name in dataset.label_names
    ]
    return [[i for i, one in enumerate(quality) if one == best] for best in range(clip_names.NO_MATCH)]


def _nth(marks: npt.NDArray[np.uint8], i: int) -> int:
    """Return the place of the i-th bit that is set, from 0, in packed bits."""
    byte = int(np.searchsorted(np.cumsum(np.bitwise_count(marks), dtype=np.int32), i, side="right"))
    before = int(np.bitwise_count(marks[:byte]).sum(dtype=np.int64))
    return 8 * byte + int(np.flatnonzero(np.unpackbits(marks[byte : byte + 1]))[i - before])


def _score(wanted: str, name: str) -> float:
    """Return how alike two texts are, 0 to 100; less where only a part of the name is."""
    from rapidfuzz import fuzz

    return max(fuzz.ratio(wanted, name), 0.8 * fuzz.partial_ratio(wanted, name))
