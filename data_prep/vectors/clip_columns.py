"""Columns of the clips of a file of vectors: ids, splits, sounds, times, labels and metadata of each row."""

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from data_prep.arrays import Float64Array, Int64Array
from data_prep.dataset.label_sets import LabelSets
from data_prep.dataset.schema import EXTRA_PREFIX, UNKNOWN_END_S, ClipBatch, Label, MediaKind
from data_prep.errors import InputError
from data_prep.vectors.cells import is_list, plain
from data_prep.vectors.columns import Texts, as_extra, as_texts, is_row_number, is_text, splits_of, times_of
from data_prep.vectors.join import Joined
from data_prep.vectors.roles import Roles, find_roles, usual_names
from data_prep.vectors.vector_file import VectorFile

_MAX_LABELS = 1 << 15  # indices are int16 in the format
_URL = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_NO_NAME = re.compile(r"column_\d+|Unnamed: \d+|__index_level_\d+__|index")


@dataclass(slots=True)
class Asked:
    """What was asked for: names of columns, None where they are to be guessed.

    time_unit: "s" or "ms", None for that of the columns' names. audio_folder: to which paths of sounds are relative;
    None for the folder of the file of vectors. pool: whether the frames of a row are averaged. addresses_only: whether
    sounds are played by addresses alone, not by paths: of a file that comes from another machine, where the paths are.
    """

    vector: str | None = None
    roles: Roles = field(default_factory=Roles)
    time_unit: str | None = None
    audio_folder: Path | None = None
    pool: bool = False
    addresses_only: bool = False


def absolute(path: str | Path) -> Path:
    """Return a path from the root, with `~` for the home folder."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111  (links stay as they are named)


class ClipColumns:
    """The columns of the clips of a file, by row of that file.

    problems: what is wrong with rows that can be no clips, by row. said: sentences about what was found out.
    """

    def __init__(self, file: VectorFile, joined: Joined, asked: Asked) -> None:
        self._n, self._table, self._asked, self._path = file.n_rows, joined.table, asked, file.path
        self.problems = dict[int, str]()
        wanted = asked.roles
        if wanted.id is None and joined.id_name is not None:
            wanted = Roles(joined.id_name, wanted.label, wanted.title, wanted.audio, wanted.start, wanted.end)
        counting = [n for n in joined.table.column_names if _NO_NAME.fullmatch(n) and is_row_number(joined.table[n])]
        if not (file.is_headerless_birdnet or joined.is_single):
            self._table = joined.table.drop_columns([name for name in counting if name not in _all(wanted)])
        self._roles = find_roles(self._table, wanted, file.index_names, is_single=joined.is_single)
        if file.is_headerless_birdnet:
            self._roles.start, self._roles.end = self._table.column_names[:2]
            self._roles.said.append("start and end: the first two columns, as BirdNET-Analyzer wrote them")
        self.said = self._roles.said
        self._start, self._end = self._times()
        self._dropped = [name for name in joined.table.column_names if name not in self._table.column_names]
        self._id_names: list[str | None] = []
        self._ids = self._find_ids(file)
        self._splits = self._find_splits()
        self.labels, self._label_sets = self._find_labels()
        self.media_kind, self.media_folder, self._media = self._find_media()
        self._further = self._find_further(joined.text_names)

    def batch(self, rows: Int64Array, values: Any) -> ClipBatch:
        """Return the clips of some rows, int64[n], with their vectors, float32[n, dim]."""
        chosen, places = rows.tolist(), pa.array(rows)
        return ClipBatch(
            [safe_id(self._ids[row] or "") for row in chosen],
            [self._splits[row] for row in chosen],
            [self._media[row] for row in chosen],
            self._start[rows],
            self._end[rows],
            self._label_sets.take(rows),
            np.ones(len(rows), np.int32),
            values,
            further={name: column.take(places) for name, column in self._further.items()},
        )

    def uses(self) -> dict[str, str]:
        """Return what each column becomes, in words: its roles, and how its values are kept."""
        roles = self._roles
        found = {name: list[str]() for name in (*self._table.column_names, *self._dropped)}
        named = [("id", name) for name in self._id_names] + [("label", name) for name in roles.label]
        named += [("title", roles.title), ("sound", roles.audio), ("start", roles.start), ("end", roles.end)]
        for role, column in (*named, ("duration", roles.duration), ("split", roles.split)):
            if column is not None:
                found[column].append(role)
        for name, words in found.items():
            if name in self._dropped:
                words.append("left out, as it numbers the rows")
            elif f"{EXTRA_PREFIX}{name}" in self._further:
                words.append(f"kept as {_kind(self._further[f'{EXTRA_PREFIX}{name}'].type)}")
        return {name: "; ".join(words) or "left out" for name, words in found.items()}

    def _texts(self, name: str) -> Texts:
        return [text or None for text in as_texts(self._table[name])]

    def _times(self) -> tuple[Float64Array, Float64Array]:
        """Return start and end of every row in seconds; the end is a day where it is not known."""
        roles, unit = self._roles, self._asked.time_unit
        unknown = np.full(self._n, np.nan)

        def column(name: str | None) -> Float64Array:
            return unknown if name is None else times_of(name, self._table[name], unit)

        start, end = column(roles.start), column(roles.end)
        if roles.end is None and roles.duration is not None:
            end = np.where(np.isnan(start), 0, start) + column(roles.duration)
        elif roles.end is None and roles.start is not None:
            end = start + self._step(start)
        start = np.where(np.isnan(start), 0, start)
        end = np.where(np.isnan(end), np.maximum(UNKNOWN_END_S, start + 1), end)
        for row in np.flatnonzero(~((start >= 0) & (end > start) & np.isfinite(end))).tolist():
            self.problems[row] = f"its times are {start[row]:g} s to {end[row]:g} s, expected 0 <= start < end"
        return start, end

    def _step(self, start: Float64Array) -> float:
        """Return the most common distance between the starts of clips of one file; NaN where there is none."""
        name = self._roles.audio or self._roles.id
        files = self._texts(name) if name else [None] * self._n
        of_file: dict[str | None, list[float]] = defaultdict(list)
        for file, time in zip(files, start.tolist(), strict=True):
            of_file[file].append(time)
        steps = Counter(round(step, 3) for times in of_file.values() for step in np.diff(np.unique(times)).tolist())
        step = steps.most_common(1)[0][0] if steps else np.nan
        if np.isfinite(step):
            self.said.append(f"end: {step:g} s after the start, the usual distance between starts")
        return step

    def _find_ids(self, file: VectorFile) -> Texts:
        """Return the id of every row; a row without one, or with one that is there already, is a problem."""
        name, starts = self._roles.id, self._roles.start
        ids: Texts = self._texts(name) if name else [None] * self._n
        spans = name if name and _repeats(ids) else None if name else self._sounds()
        self._id_names = [name]
        if name and not (spans and starts):
            self._note_ids(ids)
            return ids
        if starts and (spans or file.is_headerless_birdnet):
            self._id_names = [spans, starts]
            bases = self._texts(spans) if spans else [file.path.name.split(".birdnet")[0]] * self._n
            self.said.append(f"ids: {f'column {spans!r}' if spans else 'the name of the file'} and the start")
            ids = [
                None if base is None else f"{base}_{_seconds(t)}" for base, t in zip(bases, self._start, strict=True)
            ]
            if _repeats(ids):
                ids = [text and f"{text}-{_seconds(t)}" for text, t in zip(ids, self._end, strict=True)]
            self._note_ids(ids)
            return ids
        self.said.append("ids: the numbers of the rows, as no column of ids was found; name one with --id")
        return [str(row) for row in range(self._n)]

    def _sounds(self) -> str | None:
        """Return a column that names the sound of every row, though several rows may be parts of one."""
        names = [self._roles.audio, *usual_names("id", self._table.column_names)]
        return next((name for name in names if name and all(self._texts(name))), None)

    def _note_ids(self, ids: Texts) -> None:
        first: dict[str, int] = {}
        for row, text in enumerate(ids):
            if text is None:
                self.problems.setdefault(row, "it has no id")
            elif first.setdefault(text, row) != row:
                self.problems.setdefault(row, f"its id {text!r:.60} is that of row {first[text]:,}")
        if len(first) * 2 < self._n and self._n - len(first) > 1:
            raise InputError(
                f"{self._path}: {self._n:,} rows have only {len(first):,} different ids, so ids do not tell them "
                "apart: if rows are parts of a sound, name the column of their start (--start), else another with --id"
            )

    def _find_splits(self) -> list[str]:
        name = self._roles.split
        found = splits_of(self._table[name]) if name else None
        if found is None or "train" not in found:
            if found is not None:
                self.said.append(f"split: column {name!r} names no row for training, so all rows are in train")
            return ["train"] * self._n
        return found

    def _find_labels(self) -> tuple[list[Label], LabelSets]:
        """Return the label table, in alphabetical order of each column, and the labels of every row."""
        index: dict[tuple[str, str], int] = {}
        rows: list[list[int]] = [[] for _ in range(self._n)]
        for name in self._roles.label:
            array = plain(self._table[name])
            lists = array.to_pylist() if is_list(array.type) else [[text] for text in self._texts(name)]
            of_rows = [[str(item) for item in items or () if item not in {None, ""}] for items in lists]
            for value in sorted({item for items in of_rows for item in items}):
                index[name, value] = len(index)
            for row, items in enumerate(of_rows):
                rows[row] += list(dict.fromkeys(index[name, item] for item in items))
        if len(index) > _MAX_LABELS:
            raise InputError(
                f"column {' and '.join(map(repr, self._roles.label))} has {len(index):,} different labels, expected at "
                f"most {_MAX_LABELS:,}: name another column with --label, or this one with --title"
            )
        values = Counter(value for _, value in index)
        labels = [
            Label(f"{name}/{value}", value if values[value] == 1 else f"{value} ({name})") for name, value in index
        ]
        return labels or [Label("none/", "no label")], LabelSets.from_rows(rows)

    def _find_media(self) -> tuple[MediaKind, str | None, list[str]]:
        """Return the kind of the sounds, the folder of paths, and the sound of every row, "" where it has none."""
        name = self._roles.audio
        given = [(text or "").strip() for text in self._texts(name)] if name else [""] * self._n
        urls = [_URL.match(text) is not None for text in given]
        if any(urls):
            others = [row for row, (text, is_url) in enumerate(zip(given, urls, strict=True)) if text and not is_url]
            if others:
                self.said.append(f"audio: {len(others):,} rows have no address of http or https, and no sound")
            media = [text if is_url else "" for text, is_url in zip(given, urls, strict=True)]
            return "url", None, [re.sub("^https?", lambda m: m[0].lower(), text, flags=re.IGNORECASE) for text in media]
        if self._asked.addresses_only and any(given):
            self.said.append("audio: files are not played here, only addresses of http or https")
            given = [""] * self._n
        if not any(given):
            return "file", None, given
        folder = self._path.parent if self._asked.audio_folder is None else absolute(self._asked.audio_folder)
        paths = [text.removeprefix("file://").replace("\\", "/") for text in given]
        rooted = [path for path in paths if path.startswith("/")]
        if rooted and self._asked.audio_folder is None and len(rooted) == sum(map(bool, paths)):
            folder = Path(os.path.commonpath([os.path.dirname(path) for path in rooted]))  # noqa: PTH120
        media = [os.path.relpath(folder / path, folder).replace("\\", "/") if path else "" for path in paths]
        outside = sum(path.startswith("../") for path in media)
        if outside:
            self.said.append(f"audio: {outside:,} paths lead out of {folder} and are not played; see --audio-folder")
        self.said.append(f"audio: paths are relative to {folder}")
        return "file", str(folder), media

    def _find_further(self, text_names: set[str]) -> dict[str, Any]:
        """Return the title and the columns of one's own, which no other column of the clips holds as they are."""
        roles, further = self._roles, dict[str, Any]()
        if roles.title is not None:
            further["title"] = pa.array(self._texts(roles.title), pa.string())
        stored = {roles.title, roles.start, roles.end, *roles.label}
        if self._ids == [safe_id(text or "") for text in self._ids]:
            stored.add(roles.id)
        if roles.audio is not None and [text or "" for text in self._texts(roles.audio)] == self._media:
            stored.add(roles.audio)
        for name in self._table.column_names:
            if name in stored:
                continue
            column = as_extra(
                self._table[name], is_text_file=name in text_names and name not in {roles.id, roles.audio}
            )
            if column is None:
                self.said.append(f"left out: column {name!r} ({self._table[name].type})")
                continue
            further[f"{EXTRA_PREFIX}{name}"] = column
        return further


def _all(roles: Roles) -> set[str | None]:
    return {roles.id, roles.title, roles.audio, roles.start, roles.end, *roles.label}


def _kind(kind: Any) -> str:
    """Return the type of a column of one's own, in a word or two."""
    if is_list(kind):
        return f"lists of {_kind(kind.value_type)}s"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    return "text" if is_text(kind) else "truth value" if pa.types.is_boolean(kind) else "number"


def _repeats(ids: Texts) -> bool:
    filled = [text for text in ids if text is not None]
    return len(set(filled)) * 10 < len(filled) * 9


def _seconds(time: float) -> str:
    return f"{time:.3f}".rstrip("0").rstrip(".")


def safe_id(text: str) -> str:
    """Return an id with letters, digits and -._~ alone: other bytes, and ~, as ~ and two digits (as in RFC 3986)."""
    safe = quote(text, safe="").replace("~", "%7E").replace("%", "~")
    return safe.replace(".", "~2E") if safe in {".", ".."} else safe
