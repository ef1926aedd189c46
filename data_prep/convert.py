"""AudioSet's TFRecords and label tables in, a prepared dataset out.

The walk of a clip: archive -> shard -> verified record -> parsed by TensorFlow -> feature -> split -> writer.
Whatever is not whole stops the conversion with its file and offset; with `keep_going` the rest of that shard is left
out instead, and accounted for.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path

import numpy as np

from data_prep.ahead import read_ahead
from data_prep.archive import Shard
from data_prep.atomic import check_target
from data_prep.errors import DamageError, InputError, RecordError
from data_prep.features import mean_features
from data_prep.framing import CheckedShard, check_shard
from data_prep.labels import read_labels
from data_prep.reading import read_checked
from data_prep.report import Loss, Report
from data_prep.schema import ClipBatch
from data_prep.seen import Seen
from data_prep.segments import SegmentList
from data_prep.splits import SOURCES, split_of
from data_prep.tfrecord import MAX_FRAMES, ParsedRecords, Records, parse_records, tensorflow
from data_prep.writer import DatasetWriter, new_dataset

_NAME, _SOURCE = attrgetter("name"), attrgetter("source")
_BATCH = 4096  # records, and those of the shard that fills it up, that TensorFlow parses at once
_AHEAD = 2  # batches that wait to be written

Progress = Callable[[int, int, int], None]  # bytes read, bytes in all, clips so far
Reader = Callable[[Callable[[int, int], None]], Iterator[Shard]]  # takes what is to be told bytes read, bytes in all


def convert(
    features: Path | Reader,
    labels_csv: Path,
    out: Path,
    *,
    segments: Sequence[Path] = (),
    ontology: Path | None = None,
    frames: bool = False,
    keep_going: bool = False,
    overwrite: bool = False,
    notes: Sequence[str] = (),
    progress: Progress = lambda _done, _total, _clips: None,
) -> Report:
    """Convert an archive, a folder or one shard of AudioSet, or what a reader yields, into the prepared dataset `out`.

    `segments`: AudioSet's lists, which say what should be there; `frames` keeps the frames beside their means; `notes`
    are remarks on the input for the manifest. Raises InputError or OutputError, and then leaves nothing behind; with
    `keep_going` damage is reported instead.
    """
    check_target(out, overwrite=overwrite)
    labels = read_labels(labels_csv, ontology)
    with ThreadPoolExecutor(1) as beside:
        beside.submit(tensorflow)  # whose import takes some seconds, while the lists are read
        lists = [SegmentList(path, labels) for path in segments]
    with new_dataset(out, labels, overwrite=overwrite) as writer:
        conversion = _Conversion(writer, len(labels), lists, keep_frames=frames, keep_going=keep_going)
        report = conversion.run(features, progress)
        del conversion, lists  # some 100 bytes a clip, which the writer needs now
        report.notes += notes
        writer.finish(report.about(), skipped=[asdict(loss) for loss in report.losses], notes=report.notes)
    return report


def _checked_shards(
    features: Path | Reader, progress: Callable[[int, int], None]
) -> Generator[CheckedShard, None, None]:
    if isinstance(features, Path):
        yield from read_checked(features, progress)
    else:
        yield from map(check_shard, features(progress))


class _Conversion:
    """One run: what came in so far, and what was lost on the way."""

    def __init__(
        self,
        writer: DatasetWriter,
        n_labels: int,
        lists: Sequence[SegmentList],
        *,
        keep_frames: bool,
        keep_going: bool,
    ) -> None:
        self._writer = writer
        self._n_labels = n_labels
        self._lists = lists
        self._keep_frames = keep_frames
        self._keep_going = keep_going
        self._report = Report()
        self._seen = Seen()
        self._number_of_shard: dict[str, int] = {}
        self._clips_of_shard: Counter[str] = Counter()
        self._keys: dict[str, set[str]] = {source: set() for source in SOURCES}  # of the shards read
        self._spoilt: set[str] = set()  # shards whose records break the schema: what is wrong after that does not count

    def run(self, features: Path | Reader, progress: Progress) -> Report:
        """Convert every shard, then compare what came with what was published."""
        report = self._report
        read = [0, 0]  # bytes, and of how many

        def show(done: int, total: int) -> None:
            read[:] = done, total
            progress(done, total, report.n_clips)

        reading = _checked_shards(features, show)
        with (
            contextlib.closing(reading) as shards,
            contextlib.closing(read_ahead(self._parsed(shards), _AHEAD)) as ahead,
        ):
            for records, clips in ahead:
                self._add(records, clips)
        show(*read)  # what is read is ahead of what is counted
        if not report.n_clips:
            reasons = "".join(f"\n  {loss}" for loss in report.losses[:10])
            raise InputError(f"there is no clip that can be read: get the features again{reasons}")
        for segment_list in self._lists:
            self._compare_with(segment_list)
        for loss in report.losses:
            of_shard = loss.where in self._number_of_shard  # else it is the archive's
            loss.clips_kept = self._clips_of_shard[loss.where] if of_shard else report.n_clips
        if report.n_short:
            report.notes.append(f"{report.n_short:,} clips have fewer than {MAX_FRAMES} frames.")
        return report

    def _parsed(self, shards: Iterator[CheckedShard]) -> Iterator[tuple[Records, ParsedRecords]]:
        """Yield the records that are whole and new, parsed, a batch at a time."""
        for batch, damages in self._batches(shards):
            whole = self._parse(batch)
            for damage in damages:
                if damage.file not in self._spoilt:
                    self._lose(damage)
            if whole:
                yield whole

    def _batches(self, shards: Iterator[CheckedShard]) -> Iterator[tuple[Records, list[RecordError]]]:
        """Yield every record whose framing is whole, those of some shards at a time, and where framing is damaged."""
        batch, damages = Records([], [], []), []
        try:
            for checked in shards:
                shard = checked.shard
                self._keys[shard.source].add(shard.key)
                self._number_of_shard.setdefault(shard.name, len(self._number_of_shard))
                batch.extend(checked)
                if checked.damage:
                    damages.append(checked.damage)
                if len(batch) >= _BATCH:
                    yield batch, damages
                    batch, damages = Records([], [], []), []
        except DamageError as error:  # of the archive: nothing after it can be read
            self._lose(error)
        yield batch, damages

    def _parse(self, batch: Records) -> tuple[Records, ParsedRecords] | None:
        """Return the records that are whole and new, parsed: a bad record ends its shard, a second copy only itself."""
        while batch:
            try:
                clips = parse_records(batch, self._n_labels)
            except RecordError as error:
                self._lose(error)
                self._spoilt.add(error.file)
                places = zip(batch.shards, batch.offsets, strict=True)
                batch = batch.only([shard.name != error.file or offset < error.offset for shard, offset in places])
                continue
            new = self._new(batch, clips)
            if all(new):
                return batch, clips
            batch = batch.only(new)
        return None

    def _new(self, batch: Records, clips: ParsedRecords) -> list[bool]:
        """Say which clips did not come before, here or in an earlier batch."""
        numbers = np.fromiter(map(self._number_of_shard.__getitem__, map(_NAME, batch.shards)), np.int32, len(batch))
        if self._seen.add(clips.clip_id, numbers):
            return [True] * len(batch)
        earlier = self._seen.places(clips.clip_id)
        names, here, new = list(self._number_of_shard), dict[str, int](), []
        for i, (shard, clip_id) in enumerate(zip(batch.shards, clips.clip_id, strict=True)):
            number = int(earlier[i]) if earlier[i] >= 0 else here.get(clip_id)
            new.append(number is None)
            if number is None:
                here[clip_id] = int(numbers[i])
                continue
            reason = f"clip {clip_id!r} came before, in {names[number]}; each is expected once: remove one of the two"
            self._lose(RecordError(shard.name, batch.offsets[i], reason))
        return new

    def _add(self, records: Records, clips: ParsedRecords) -> None:
        """Hand clips to the writer, and count them."""
        sources = list(map(_SOURCE, records.shards))
        splits = [split_of(source, video_id) for source, video_id in zip(sources, clips.video_id, strict=True)]
        self._writer.add(
            ClipBatch(
                clip_id=clips.clip_id,
                split=splits,
                media=clips.video_id,
                start_s=clips.start_s,
                end_s=clips.end_s,
                labels=clips.labels,
                n_frames=clips.n_frames,
                features=mean_features(clips.frames, clips.n_frames),
                frames=clips.frames if self._keep_frames else None,
            )
        )
        for segment_list in self._lists:
            segment_list.check(clips, [i for i, source in enumerate(sources) if source == segment_list.source])
        self._clips_of_shard.update(map(_NAME, records.shards))
        self._report.by_source.update(sources)
        self._report.by_split.update(splits)
        self._report.n_frames += len(clips.frames)
        self._report.n_short += int((clips.n_frames < MAX_FRAMES).sum())

    def _compare_with(self, listed: SegmentList) -> None:
        """Note where a list and the features differ; a shard that lacks listed clips has been cut between records."""
        shortfall = listed.shortfall(self._keys[listed.source])
        for shard, video_ids in shortfall.lost.items():
            known = [loss for loss in self._report.losses if loss.where == shard]
            if not known:
                reason = f"lacks clips that {listed.file} lists, such as {video_ids[0]!r}: it may be cut, get it again"
                self._lose(DamageError(shard, 0, reason))
                known = self._report.losses[-1:]
            known[0].clips_lost = len(video_ids)
        if shortfall.without_shard:
            missing, listed_in_all = shortfall.without_shard, shortfall.n_rows
            self._note(f"{missing:,} of the {listed_in_all:,} clips that {listed.file} lists have no shard here")
        if listed.unlisted:
            self._note(f"{listed.unlisted:,} clips are not listed in {listed.file}")
        if listed.other_times:
            self._note(f"{listed.other_times:,} clips have other times than {listed.file} says: the features' are kept")
        if listed.other_labels:
            self._note(
                f"{listed.other_labels:,} clips have other labels than {listed.file} says: the features' are kept"
            )

    def _note(self, sentence: str) -> None:
        self._report.notes.append(f"{sentence}.")

    def _lose(self, error: DamageError) -> None:
        """Stop at damage, or write it down and go on."""
        if not self._keep_going:
            raise error
        self._report.losses.append(Loss(error.file, error.offset, error.reason))
