"""Every kind of sound file is heard in the browser, with its length, whole or in ranges."""

import contextlib
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from playwright.sync_api import expect

from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from data_prep.sounds.audio import read_clips
from data_prep.vectors.collection import prepare_vectors
from tests.data_prep.sounds.sound_bytes import by_ffmpeg, by_libsndfile, patched

pytestmark = pytest.mark.browser


@cache
def as_it_is():
    """Return files that browsers play, by name. They are made when they are needed, which takes half a second."""
    return {
        "pcm.wav": by_libsndfile("WAV"),
        "24 bits.wav": by_libsndfile("WAV", "PCM_24", channels=2),
        "8 bits.wave": by_libsndfile("WAV", "PCM_U8"),
        "named.m4a": by_libsndfile("MP3"),
        "mono.mp3": by_ffmpeg("mp3", "libmp3lame", 22_050, 1),
        "phone.m4a": by_ffmpeg("ipod", "aac"),
        "video.mp4": by_ffmpeg("mp4", "aac", 48_000, 1),
        "a.flac": by_libsndfile("FLAC"),
        "24 bits.flac": by_libsndfile("FLAC", "PCM_24", channels=2),
    }


@cache
def kinds():
    """Return these files, and those that are sent as WAV."""
    later = by_ffmpeg(
        "mp3", "libmp3lame", 44_100, 1, options={"write_xing": "0"}, flags="+qscale", global_quality="300"
    )
    return as_it_is() | {
        "float.wav": by_libsndfile("WAV", "DOUBLE", peak=3.0),
        "adpcm.wav": by_libsndfile("WAV", "IMA_ADPCM"),
        "ulaw.wav": by_libsndfile("WAV", "ULAW"),
        "gsm.wav": by_libsndfile("WAV", "GSM610", rate=8_000),
        "crashed.wav": patched(by_libsndfile("WAV"), (b"data", 4), 0),
        "byte rate.wav": patched(by_libsndfile("WAV"), 28, 88_200),
        "cut.wav": by_libsndfile("WAV")[:60_000],
        "six channels.wav": by_libsndfile("WAV", channels=6),
        "high.wav": by_libsndfile("WAV", rate=384_000),
        "low.wav": by_libsndfile("WAV", rate=2_000),
        "variable.mp3": later,
        "a.aiff": by_libsndfile("AIFF"),
        "named.wav": by_libsndfile("AIFF"),
        "a.ogg": by_libsndfile("OGG"),
        "chained.ogg": by_libsndfile("OGG") * 2,
        "flac.ogg": by_ffmpeg("ogg", "flac"),
        "a.opus": by_libsndfile("OGG", "OPUS", rate=48_000),
        "browser.webm": by_ffmpeg("webm", "libopus", 48_000, 1, options={"live": "1"}),
        "a.caf": by_libsndfile("CAF", "ALAC_16"),
        "alac.m4a": by_ffmpeg("ipod", "alac"),
        "a.aac": by_ffmpeg("adts", "aac"),
        "a.mov": by_ffmpeg("mov", "aac"),
        "a.3gp": by_ffmpeg("3gp", "libopencore_amrnb", 8_000, 1),
        "a.wma": by_ffmpeg("asf", "wmav2"),
        "a.wv": by_ffmpeg("wv", "wavpack"),
        "a.mp2": by_ffmpeg("mp2", "mp2"),
        "a.mkv": by_ffmpeg("matroska", "aac"),
    }


PLAY = """async ([base, count]) => {
    const heard = [];
    for (let i = 0; i < count; i += 1) {
        const audio = new Audio(`${base}k${i}/sound`);
        audio.preload = "auto";
        heard.push(await new Promise((resolve) => {
            audio.addEventListener("canplay", () => resolve(audio.duration), { once: true });
            audio.addEventListener("error", () => resolve(audio.error.message), { once: true });
        }));
        audio.removeAttribute("src");
    }
    return heard;
}"""
RANGES = """async ([base, count]) => {
    const found = [];
    for (let i = 0; i < count; i += 1) {
        const whole = await fetch(`${base}k${i}/sound`, { cache: "no-store" });
        const part = await fetch(`${base}k${i}/sound`, { cache: "no-store", headers: { Range: "bytes=4-11" } });
        const bytes = [...new Uint8Array(await part.arrayBuffer())];
        const same = [...new Uint8Array(await whole.arrayBuffer())].slice(4, 12);
        found.push([part.status, String(bytes) === String(same), whole.headers.get("content-type")]);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def lengths(videos, tmp_path_factory):
    """Return the length of each file of the collection `kinds`, in seconds."""
    folder, n = tmp_path_factory.mktemp("kinds"), len(kinds())
    for name, data in kinds().items():
        (folder / name).write_bytes(data)
    ends = [list(read_clips(data, "it"))[-1].end_s for data in kinds().values()]
    clips = ClipBatch(
        clip_id=[f"k{i}" for i in range(n)],
        split=["train"] * n,
        media=list(kinds()),
        start_s=np.zeros(n),
        end_s=np.array(ends),
        labels=[[0]] * n,
        n_frames=np.ones(n, int),
        features=np.random.default_rng(2).standard_normal((n, 16)).astype(np.float32),
    )
    about = About("Kinds", "a test", "none", "file", media_folder=str(folder))
    write_dataset(videos / "kinds", about, [Label("folder/", "tone")], [clips])
    return dict(zip(kinds(), ends, strict=True))


def test_every_kind_of_file_can_be_played_and_has_its_length(visit, lengths):
    page = visit("?dataset=kinds&clip=k1&view=exact")
    base = page.evaluate("earshot.collectionUrl('')")
    durations = dict(zip(kinds(), page.evaluate(PLAY, [base, len(kinds())]), strict=True))
    assert durations == {name: pytest.approx(seconds, rel=0.01, abs=0.1) for name, seconds in lengths.items()}
    answers = dict(zip(kinds(), page.evaluate(RANGES, [base, len(kinds())]), strict=True))
    assert {name: answer[:2] for name, answer in answers.items()} == {name: [206, True] for name in kinds()}
    assert {name for name, answer in answers.items() if answer[2] != "audio/wav"} == {
        name for name, data in as_it_is().items() if not data.startswith(b"RIFF")
    }


@contextlib.contextmanager
def recorded(data):
    """Yield the address of a server that answers every request with `data`, and who asked: a list of user agents."""
    agents = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            agents.append(self.headers["User-Agent"])
            self.send_response(200)
            self.send_header("Content-Type", "audio/wav")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(OSError):  # a browser may take only what it needs
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", agents
        server.shutdown()


def test_a_sound_at_an_address_is_fetched_by_the_browser_and_never_by_the_server(visit, videos, tmp_path):
    with recorded(by_libsndfile("WAV")) as (address, agents):
        rows = np.random.default_rng(2).standard_normal((30, 16)).round(3).tolist()
        lines = [f'c{i},{address}/{i}.wav,Call {i},"{row}"' for i, row in enumerate(rows)]
        (tmp_path / "calls.csv").write_text("\n".join(["id,audio_url,title,embedding", *lines]))
        prepare_vectors(tmp_path / "calls.csv", videos / "addresses")
        page = visit("?dataset=addresses&clip=c7&view=exact")
        expect(page.locator(".query .details .title")).to_contain_text("Call 7")
        assert agents == []
        with page.expect_request(f"{address}/7.wav"):
            page.click(".query .play")
        expect(page.locator(".query .play")).to_have_attribute("aria-pressed", "true")
        first = page.locator(".card:visible").first
        with page.expect_request(lambda request: request.url.startswith(address)):
            first.locator(".play").click()
        assert agents
        assert all("Chrome" in agent for agent in agents)
