"""Hostile text in labels, titles, file names and a collection's own words; and requests for files outside the app."""

import http.client
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from playwright.sync_api import expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import app
from benchmarks.visitors.streamlit_client import StreamlitClient
from data_prep.dataset.add_map import add_map
from data_prep.dataset.schema import About, ClipBatch, Label
from data_prep.dataset.writer import write_dataset
from tests.data_prep.mutated import mutated
from tests.data_prep.sounds.test_mutations import originals
from tests.event_loop import finish
from tests.stress import IS_STRESS

pytestmark = pytest.mark.browser

HIT = "window.hit=1"
SCRIPTS = [
    f"<script>{HIT}</script>",
    f"<img src=x onerror={HIT}>",
    f"<svg onload={HIT}>",
    f"</style><script>{HIT}</script>",
    f"</script><script>{HIT}</script>",
    f"<iframe srcdoc='<script>parent.{HIT}</script>'>",
    f"<body onload={HIT}>",
    f"<details open ontoggle={HIT}>",
    f"<input autofocus onfocus={HIT}>",
    f"<a href='javascript:{HIT}'>here</a>",
    f'"><img src=x onerror={HIT}>',
    f"' onmouseover='{HIT}",
    f"{{{{constructor.constructor('{HIT}')()}}}}",
    f"${{{HIT}}}",
    f"&lt;script&gt;{HIT}&lt;/script&gt;",
    f"%3Cscript%3E{HIT}%3C/script%3E",
    f"<math><mtext><img src=x onerror={HIT}>",
    f"<<script>{HIT}//<</script>",
    f"<ScRiPt>{HIT}</sCrIpT>",
    f"<style>@import 'javascript:{HIT}';</style>",
]
FETCHES = [
    "![x](http://elsewhere.example/a.png)",
    "[press](http://elsewhere.example/)",
    "<img src=http://elsewhere.example/b.png>",
    "<link rel=stylesheet href=http://elsewhere.example/c.css>",
    "<script src=//elsewhere.example/d.js></script>",
    "<style>body{background:url(http://elsewhere.example/e)}</style>",
    "<meta http-equiv=refresh content='0;url=http://elsewhere.example/'>",
    "<iframe src=http://elsewhere.example/f></iframe>",
    "<audio src=http://elsewhere.example/g.wav autoplay>",
    "<base href=http://elsewhere.example/>",
    "http://elsewhere.example/h",
    "<form action=http://elsewhere.example/><button>b",
]
MARKUP = [
    "**bold** _it_ `code`",
    "# heading",
    "> quote",
    "- list",
    "1. list",
    "| a | b |\n| - | - |",
    "$$x^2$$ and $y$",
    ":red[colour] :material/delete: :smile:",
    ":blue-background[x] :small[y]",
    "\\*escaped\\*",
    "~~gone~~",
    "a&amp;b &#60;",
    "line\nbreak\r\nand\ttab",
    "\u202eright to left\u202c",
    "\u2066isolate\u2069",
    "zero\u200bwidth\ufeff",
    "combining e" + "\u0301" * 40,
    "nul \x00 bell \x07 escape \x1b[31m",
    "emoji 👩‍👩‍👧‍👦 🇩🇪",
    "x" * 5000,
    "wide " + "W" * 300,
    '=HYPERLINK("http://elsewhere.example/")',
    "+1+1",
    "@SUM(1)",
    "../../etc/passwd",
    "'; DROP TABLE clips; --",
    '{"a": 1}',
    "%s %n {0} {x.__class__}",
    "None",
    "true",
    "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "<b>bold</b>",
    "<!-- comment",
    "]]>",
    "<![CDATA[",
    "&",
    "<",
    '"',
    "'",
    "`",
    "\\",
    "::",
    "[x]",
    "[x](y)",
    "***",
    "---",
    "```",
    "|",
]
CORPUS = [*SCRIPTS, *FETCHES, *MARKUP]
N_UPLOADS = 100 if IS_STRESS else 3
PAGES = [path for _, path, *_ in app.PAGES] if IS_STRESS else ["listen", "data"]
SHOWS_TITLE = {"listen", "inside", "learn"}  # of the query, as text outside a canvas
PROBES = [
    f"{before}{step * 6}{target}"
    for before in ("/", "/static/", "/component/", "/media/", "/app/static/", "/_stcore/")
    for step in ("../", "%2e%2e/", "..%2f", "..%5c", "....//")
    for target in ("etc/passwd", "app.py")
]


@pytest.fixture(scope="module")
def hostile(videos, tmp_path_factory):
    """Return the name of a collection with the corpus as labels, titles, names of files and own words."""
    folder = tmp_path_factory.mktemp("hostile")
    n, rng = len(CORPUS), np.random.default_rng(4)
    names = [
        f"{text.translate(str.maketrans('/', '_', chr(0)))[:40].encode()[:80].decode(errors='ignore')}.wav"
        for text in CORPUS
    ]
    names = [f"{i} {name}" for i, name in enumerate(names)]
    for i, name in enumerate(names):
        soundfile.write(folder / name, 0.2 * np.sin(np.arange(3200) * (0.1 + i / 100)), 16_000)
    clips = ClipBatch(
        clip_id=[f"h{i}" for i in range(n)],
        split=["train"] * n,
        media=names,
        start_s=np.zeros(n),
        end_s=np.full(n, 0.2),
        labels=[[i] for i in range(n)],
        n_frames=np.ones(n, int),
        features=rng.standard_normal((n, 16)).astype(np.float32),
        further={"title": pa.array(CORPUS), "extra_note": pa.array(CORPUS[::-1])},
    )
    about = About(CORPUS[1], CORPUS[0], CORPUS[20], "file", media_folder=str(folder))
    write_dataset(videos / "hostile", about, [Label(f"/h/{i}", text) for i, text in enumerate(CORPUS)], [clips])
    add_map(videos / "hostile")
    return "hostile"


@pytest.mark.parametrize("path", PAGES)
def test_no_text_of_a_collection_runs_or_is_requested(hostile, earshot, new_page, path):
    page, foreign, dialogs = new_page(), [], []
    page.on("request", lambda r: foreign.append(r.url) if urlsplit(r.url).hostname not in {"127.0.0.1", None} else None)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for clip in (0, 20, 34) if IS_STRESS or path in SHOWS_TITLE else (0,):  # elsewhere another query changes little
        place = "" if path == "listen" else path  # the first page has no path of its own
        page.goto(f"{earshot}{place}?dataset={hostile}&clip=h{clip}&view=exact")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_function("!document.querySelector('[data-testid=stSkeleton], [data-stale=true]')")
        if path in SHOWS_TITLE:
            expect(page.get_by_text(CORPUS[clip][:20]).locator("visible=true").first).to_be_visible()
        assert page.evaluate("window.hit") is None
        # An address may become a link, which is requested when it is pressed.
        made = page.locator("[src*='elsewhere'], :not(a)[href*='elsewhere'], [onerror], [onload]")
        assert made.evaluate_all("elements => elements.map((element) => element.outerHTML)") == []
    assert (foreign, dialogs) == ([], [])
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


@pytest.mark.parametrize("path", ["", "data", "elsewhere", "_stcore/health", "clips/none/none/sound", "media/none.wav"])
def test_every_answer_has_the_headers_of_security(earshot, path):
    address = urlsplit(earshot)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("GET", f"/{path}")
    headers = connection.getresponse().headers
    connection.close()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    is_page = headers["Content-Type"].startswith("text/html")
    assert is_page == (path in {"", "data", "elsewhere"})
    assert ("script-src 'self'" in headers.get("Content-Security-Policy", "")) == is_page


def test_no_path_leads_to_a_file_outside_the_app(earshot):
    address = urlsplit(earshot)
    for probe in PROBES:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        connection.request("GET", probe)
        body = connection.getresponse().read()
        connection.close()
        assert b"root:" not in body, probe
        assert b"set_page_config" not in body, probe
        assert b"Traceback" not in body, probe


def test_a_mutated_sound_that_is_uploaded_is_answered_or_refused_in_a_sentence(earshot):
    rng, files, told = np.random.default_rng(2), originals(), []

    async def upload_all():
        for number in range(N_UPLOADS):
            client = StreamlitClient(earshot.rstrip("/"))
            async with client.connected():
                await client.run("ask")
                client.received.clear()
                await client.upload(f"{number}.wav", mutated(rng, files[number % len(files)]))
                await client.run("ask")
                elements = [ForwardMsg.FromString(message).delta.new_element for message in client.received]
                sentences = [element.alert.body for element in elements if element.WhichOneof("type") == "alert"]
                assert client.exceptions == []
                assert sentences or "audio" in {element.WhichOneof("type") for element in elements}
                told.extend(sentences)

    finish(upload_all())
    assert all(text.isprintable() and "Traceback" not in text for text in told), told
    print(f"{N_UPLOADS - len(told)} of {N_UPLOADS} answered; refused: {set(told)}")
