"""`python -m data_prep audioset` killed at any moment, and run again: it resumes, and the dataset is the same."""

import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep.audioset.fetch import download_audioset
from data_prep.download.journal import read_journal
from tests.data_prep.faulty_server import serve
from tests.data_prep.small_audioset import ARCHIVE, content, publish, ranges
from tests.stress import IS_STRESS

pytestmark = pytest.mark.tensorflow  # its import costs seconds: one worker pays them

# Notes its progress after every shard, as it would do in an archive of the real size.
OFTEN = """
import sys
from data_prep import __main__
from data_prep.audioset import stream
from data_prep.download import gunzip, resumable
stream._RECORD_EVERY_S, gunzip._SPACING, resumable._RECORD_EVERY_BYTES = 0, 1 << 14, 1 << 14
sys.exit(__main__.main(["audioset", *sys.argv[1:]]))
"""
# Of the archive, noted before the next kill; -1: as soon as it is asked for. A process takes seconds to start.
SHARES = {"balanced": (0.3,), "full": (-1, 0.3)}
if IS_STRESS:
    SHARES = dict.fromkeys(SHARES, (-1, 0.0, 0.2, 0.5))
# Is killed when the dataset is all but written.
AT_THE_END = """
import os, signal
from data_prep.dataset import writer
writer.write_file = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


def start(root: Path, code: str, *words: object, mirror: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, words)]
    environment = {"PATH": "", "EARSHOT_AUDIOSET": mirror}
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def noted(work: Path) -> int:
    """Return how far the work is by its own notes, in bytes of the tar or of the archive."""
    balanced = read_journal(work / "shards.json") or {"offset": 0}
    full = read_journal(work / ".features.tar.gz.part.json") or {"bytes": 0}
    return max(balanced["offset"], full["bytes"])


@pytest.mark.parametrize("subset", ["balanced", "full"])
def test_kills_at_any_moment_cost_only_what_was_not_yet_recorded(root: Path, tmp_path: Path, subset: str) -> None:
    files = publish(tmp_path)
    size = len(files[ARCHIVE]) if subset == "full" else len(gzip.decompress(files[ARCHIVE]))  # of what `noted` counts
    work, words = tmp_path / "data/.d.download", ("--subset", subset, "--out", tmp_path / "data/d")
    with serve(files) as site:
        mirror = f"{site.address}/v1"
        download_audioset(subset, tmp_path / "undisturbed/d", mirrors=[mirror])  # type: ignore[arg-type]
        site.requests.clear()
        site.pause = 0.02
        for share in SHARES[subset]:
            process = start(root, OFTEN, *words, mirror=mirror)
            n_asked = len(ranges(site))
            while process.poll() is None and (len(ranges(site)) == n_asked or noted(work) <= share * size):
                time.sleep(0.002)
            process.kill()
            assert process.wait() == -signal.SIGKILL
            assert not (tmp_path / "data/d").exists()
        site.pause = 0
        process = start(root, AT_THE_END + OFTEN, *words, mirror=mirror)
        assert process.wait() == -signal.SIGKILL
        starts = ranges(site)
        site.requests.clear()
        download_audioset(subset, tmp_path / "data/d", mirrors=[mirror])  # type: ignore[arg-type]
        assert site.requests == []
    assert starts == sorted(starts)
    assert starts[-1] > 0.2 * len(files[ARCHIVE])
    assert content(tmp_path / "data/d") == content(tmp_path / "undisturbed/d")
    assert list((tmp_path / "data").iterdir()) == [tmp_path / "data/d"]


@pytest.mark.usefixtures("parsed_here")
def test_a_full_disk_is_one_message_and_the_next_run_resumes(root: Path, tmp_path: Path) -> None:
    import resource

    files = publish(tmp_path)
    with serve(files) as site:
        done = subprocess.run(
            [sys.executable, "-m", "data_prep", "audioset", "--out", str(tmp_path / "data/d")],
            cwd=root,
            # No .pyc files, which the limit would cut: neither by this process nor by those that it starts.
            env={"PATH": "", "EARSHOT_AUDIOSET": f"{site.address}/v1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        )
        assert done.returncode == 2
        message = done.stderr.replace("\r", "\n").splitlines()[-1]
        assert message.startswith(f"error: cannot write {tmp_path}/data/")
        assert "File too large; there is not enough room on its disk: free some" in message
        assert "Traceback" not in done.stderr
        download_audioset("balanced", tmp_path / "data/d", mirrors=[f"{site.address}/v1"])
