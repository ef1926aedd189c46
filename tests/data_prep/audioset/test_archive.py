"""Shards from an archive, a folder or single files; damaged and malicious archives are refused."""

import gzip
import tarfile
from pathlib import Path

import numpy as np
import pytest

from data_prep.audioset import archive
from data_prep.audioset.archive import MAX_SHARD_BYTES, read_shards
from data_prep.errors import DamageError, InputError
from tests.data_prep.audioset_files import tar_bytes, write_archive, write_folder
from tests.stress import IS_STRESS

SHARDS = {"bal_train/-A.tfrecord": b"A" * 700, "bal_train/-a.tfrecord": b"a" * 300, "eval/zz.tfrecord": b"z" * 1024}
TOP = "audioset_v1_embeddings"


def read(path: Path) -> dict[str, bytes]:
    return {shard.name: shard.data for shard in read_shards(path)}


def archive_of(path: Path, tar: bytes) -> Path:
    path.write_bytes(gzip.compress(tar))
    return path


def test_an_archive_gives_its_shards_in_order_though_names_differ_only_by_case(tmp_path: Path) -> None:
    shards = list(read_shards(write_archive(tmp_path / "features.tar.gz", SHARDS)))
    assert [(shard.name, shard.data) for shard in shards] == list(SHARDS.items())
    assert [(shard.source, shard.key) for shard in shards] == [("bal_train", "-A"), ("bal_train", "-a"), ("eval", "zz")]


def test_a_folder_gives_the_same_shards_as_the_archive(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    assert read(write_folder(tmp_path / "unpacked", SHARDS)) == read(archive)


@pytest.mark.parametrize("inner", ["bal_train", "."])
def test_a_folder_may_be_a_split_or_hold_splits(tmp_path: Path, inner: str) -> None:
    write_folder(tmp_path / TOP, {"bal_train/ab.tfrecord": b"x"})
    assert read(tmp_path / TOP / inner) == {"bal_train/ab.tfrecord": b"x"}


def test_one_shard_takes_its_split_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path, {"eval/ab.tfrecord": b"x"})
    monkeypatch.chdir(tmp_path / "eval")
    assert read(Path("ab.tfrecord")) == {"eval/ab.tfrecord": b"x"}


def test_a_shard_in_an_unknown_folder_is_refused_with_the_layout_expected(tmp_path: Path) -> None:
    write_folder(tmp_path, {"music/ab.tfrecord": b"x"})
    with pytest.raises(InputError, match=r"folder 'music'.*expected audioset_v1_embeddings/\{bal_train"):
        read(tmp_path / "music" / "ab.tfrecord")


def test_progress_ends_at_the_size_of_the_archive(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "features.tar.gz", SHARDS)
    for source in (archive, write_folder(tmp_path / "unpacked", SHARDS)):
        seen: list[tuple[int, int]] = []
        list(read_shards(source, lambda done, total, seen=seen: seen.append((done, total))))
        assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.parametrize("name", ["features.tar", "features.tar.gz"])
def test_a_tar_file_that_is_not_gzipped_gives_the_same_shards(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path / "gzipped.tar.gz", SHARDS)
    plain = tmp_path / name
    plain.write_bytes(gzip.decompress(archive.read_bytes()))
    seen: list[tuple[int, int]] = []
    shards = list(read_shards(plain, lambda done, total: seen.append((done, total))))
    assert shards == list(read_shards(archive))
    assert 0 < seen[0][0] < seen[-1][0] <= seen[-1][1] == plain.stat().st_size


@pytest.mark.parametrize("size", [600, 1100, 4000])
def test_a_tar_file_that_is_not_gzipped_and_cut_is_refused(tmp_path: Path, size: int) -> None:
    archive = write_archive(tmp_path / "gzipped.tar.gz", SHARDS)
    (tmp_path / "features.tar").write_bytes(gzip.decompress(archive.read_bytes())[:size])
    with pytest.raises(DamageError, match="cut before its end mark"):
        read(tmp_path / "features.tar")


HIDDEN = ["eval/._ab.tfrecord", "eval/.ab.tfrecord", ".Trash/eval/ab.tfrecord", "eval/.DS_Store", "__MACOSX/eval/._ab"]


def test_hidden_files_of_a_folder_and_of_an_archive_are_passed_over(tmp_path: Path) -> None:
    shards = SHARDS | dict.fromkeys(HIDDEN, b"litter")
    folder = write_folder(tmp_path / ".hidden above" / "unpacked", shards)
    assert read(folder) == read(write_archive(tmp_path / "features.tar.gz", shards)) == SHARDS


def test_a_shard_with_the_suffix_of_gzip_is_found(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"eval/ab.tfrecord.gz": b"x", "eval/ab.txt": b"y"})
    (shard,) = read_shards(folder)
    assert (shard.name, shard.key) == ("eval/ab.tfrecord.gz", "ab")
    assert list(read_shards(folder / "eval/ab.tfrecord.gz")) == [shard]


def test_folders_desktop_files_and_comments_in_an_archive_are_skipped(tmp_path: Path) -> None:
    folder, comment = tarfile.TarInfo(f"{TOP}/eval"), tarfile.TarInfo("PaxHeaders/ab")
    folder.type, comment.type = tarfile.DIRTYPE, tarfile.XHDTYPE
    members = [
        (folder, b""),
        (comment, b"30 mtime=1700000000.123456789\n"),
        (f"{TOP}/eval/._ab.tfrecord", b"litter"),
        (f"{TOP}/eval/.DS_Store", b"litter"),
        (f"{TOP}/eval/ab.tfrecord", b"sound"),
    ]
    assert read(archive_of(tmp_path / "a.tar.gz", tar_bytes(members))) == {"eval/ab.tfrecord": b"sound"}


@pytest.mark.parametrize(
    "name",
    [
        "../bal_train/ab.tfrecord",
        "bal_train/../../ab.tfrecord",
        "/bal_train/ab.tfrecord",
        "C:/bal_train/ab.tfrecord",
        "..\\bal_train\\ab.tfrecord",
        "bal_train//ab.tfrecord",
        "bal_train/\N{CYRILLIC SMALL LETTER A}b.tfrecord",
        "bal_train/a\nb.tfrecord",
    ],
)
def test_a_member_with_a_path_that_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="not a plain path inside the archive"):
        read(archive_of(tmp_path / "a.tar.gz", tar_bytes([(name, b"x")])))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"S", b"L"])
def test_a_member_that_is_not_a_plain_file_is_refused(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo(f"{TOP}/eval/ab.tfrecord")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(InputError, match="not a plain file"):
        read(archive_of(tmp_path / "a.tar.gz", tar_bytes([(member, b"")])))


def test_a_member_that_claims_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo(f"{TOP}/eval/ab.tfrecord")
    member.size = MAX_SHARD_BYTES + 1
    with pytest.raises(InputError, match=r"claims 268,435,457 bytes"):
        read(archive_of(tmp_path / "a.tar.gz", member.tobuf()))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.99])
def test_a_cut_archive_is_refused_wherever_it_is_cut(tmp_path: Path, share: float) -> None:
    whole = write_archive(tmp_path / "features.tar.gz", {f"eval/a{i}.tfrecord": bytes([i]) * 999 for i in range(10)})
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"features\.tar\.gz"):
        read(whole)


@pytest.mark.parametrize("block", [1 << 10, 1 << 22])
def test_all_shards_before_damage_are_yielded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(archive, "_INFLATED_BYTES", block)
    rng = np.random.default_rng(1)
    many = {f"eval/{i:03d}.tfrecord": rng.bytes(5000) for i in range(200)}  # noise, which cannot be compressed
    path = write_archive(tmp_path / "features.tar.gz", many)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    shards: list[archive.Shard] = []
    with pytest.raises(DamageError, match="cut short"):
        shards.extend(read_shards(path))
    assert 95 <= len(shards) <= 100
    assert [(shard.name, shard.data) for shard in shards] == list(many.items())[: len(shards)]


def test_every_cut_of_an_archive_is_refused(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "features.tar.gz", SHARDS)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(InputError):
            read(path)


def test_every_flipped_bit_of_an_archive_is_refused_or_harmless(tmp_path: Path) -> None:
    # Harmless: the time in gzip's header, or a repetition copied from another place that holds the same bytes.
    path = write_archive(tmp_path / "features.tar.gz", SHARDS)
    data = path.read_bytes()
    for bit in range(0, 8 * len(data), 1 if IS_STRESS else 3):  # every byte, at each place within it in turn
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            shards = read(path)
        except InputError:
            continue
        assert shards == SHARDS


@pytest.mark.parametrize("size", range(512, 4096, 512))
def test_a_tar_cut_before_it_was_zipped_is_refused(tmp_path: Path, size: int) -> None:
    tar = tar_bytes((f"{TOP}/{name}", data) for name, data in SHARDS.items())
    with pytest.raises(DamageError, match="cut before its end mark"):
        read(archive_of(tmp_path / "a.tar.gz", tar[:size]))


def test_a_damaged_tar_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    tar = bytearray(tar_bytes((f"{TOP}/{name}", data) for name, data in SHARDS.items()))
    tar[512 + 1024] ^= 1  # the second member's name
    with pytest.raises(DamageError, match=r"a\.tar\.gz, at byte 1,536: no tar header"):
        read(archive_of(tmp_path / "a.tar.gz", bytes(tar)))


def test_bytes_after_the_end_mark_are_refused(tmp_path: Path) -> None:
    tar = tar_bytes([(f"{TOP}/eval/ab.tfrecord", b"x")])
    with pytest.raises(DamageError, match="continues after its end mark"):
        read(archive_of(tmp_path / "a.tar.gz", tar + tar))


def test_endless_bytes_after_the_end_mark_are_refused(tmp_path: Path) -> None:
    tar = tar_bytes([(f"{TOP}/eval/ab.tfrecord", b"x")])
    with pytest.raises(DamageError, match="continues after its end mark"):
        read(archive_of(tmp_path / "a.tar.gz", tar + bytes(1 << 25)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither a tar archive nor"),
        (b"PK\x03\x04 a zip", "neither a tar archive nor"),
        (gzip.compress(b"just text " * 100, mtime=0), "no tar header"),
        (gzip.compress(tar_bytes([("README", b"hello")])), "holds no shard"),
    ],
)
def test_a_file_that_is_not_an_archive_of_shards_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "features.tar.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(path)


def test_an_empty_folder_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \*\.tfrecord file: expected audioset_v1_embeddings"):
        read(tmp_path)


def test_an_archive_of_endless_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.audioset.archive.MAX_MEMBERS", 2)
    with pytest.raises(InputError, match="has more than 2 members"):
        read(write_archive(tmp_path / "features.tar.gz", SHARDS))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "eval" / "ab.tfrecord").mkdir(parents=True)
    with pytest.raises(InputError, match=r"cannot read .*eval/ab\.tfrecord: Is a directory"):
        read(tmp_path)


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist: expected"):
        read(tmp_path / "features.tar.gz")
