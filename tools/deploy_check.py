"""Deploy check: time and memory of the app under the limits of a small host (`make deploy-check`).

The limits are those of Streamlit Community Cloud: 690 MB of memory guaranteed, 2.7 GB at most, less than two
processors. The server gets one processor and a limit on its memory. It is started on a new host, where the
kernels are compiled meanwhile, and again with compiled kernels, once with the dataset's files in the system's cache and
once without. A browser then opens all eight pages in turn under both distances, each as a new visitor. Exit code 1 if a
page fails, the first page is too slow, or too much memory is used. Own memory is what the kernel counts as anonymous
(RssAnon): pages of mapped files are the system's to reclaim.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from visitor import TIMEOUT_MS, Visitors

from benchmarks.served_app import ROOT, children, memory_mb, served

# Packages of requirements-dev.txt that numba imports where they are, which takes 0.2 s: a host does not have them.
HIDDEN = ("coverage", "scipy")
ALLOWED_MB = 600  # of own memory, at any moment of the visits
MAX_MB = 2_700  # at any moment
FIRST_PAGE_S = 10.0


def main() -> int:
    """Run the check; return 0 if the app keeps the limits, 1 if it does not, 2 if the check cannot run."""
    parser = argparse.ArgumentParser(description="Measure time and memory of the app under the limits of a small host.")
    parser.add_argument(
        "dataset",
        type=Path,
        nargs="?",
        default=ROOT / "data" / "sample",
        help="folder of a prepared dataset (default: data/sample)",
    )
    parser.add_argument("--visits", type=int, default=100, metavar="N", help="number of visits (default: 100)")
    options = parser.parse_args()
    if options.visits < 1:
        parser.error(f"argument --visits: {options.visits} is not a whole number from 1")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("error: chromium is not installed; this check opens the app in a browser", file=sys.stderr)
        return 2
    sys.path.append(str(ROOT))
    from data_prep.dataset import open_dataset
    from data_prep.errors import DataError
    from ui.model.loading import metrics_of

    try:
        dataset = open_dataset(options.dataset.resolve())
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as kernels:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        failures = check(browser, dataset.path, dataset.title, metrics_of(dataset), options.visits, kernels)
        browser.close()
    for failure in failures:
        print(f"FAIL: {failure}")
    print("the app keeps the limits" if not failures else "the app does not keep the limits")
    return 1 if failures else 0


def check(
    browser: Browser, dataset: Path, title: str, metrics: tuple[str, ...], visits: int, kernels: str
) -> list[str]:
    """Start the app on a new host and again, visit it; print the measurements, and return what is wrong."""
    print(f"{title}, one processor, at most {MAX_MB:,} MB of data")
    with on_small_host(dataset, kernels) as (process, address, began):
        first, seconds, complete = first_text(browser, address, dataset, began)
        print(f"on a new host: {first}, those of LSH after {complete:.1f} s", flush=True)
        print(f"   1 visit:  {memory_text(process.pid)}, with the compiling process", flush=True)
        while children(process.pid):
            time.sleep(0.5)
    late = []
    forget(dataset)
    for files in ("not cached", "cached"):
        with on_small_host(dataset, kernels) as (process, address, began):
            first, seconds, complete = first_text(browser, address, dataset, began)
            print(f"woken again, files {files}: {first} (allowed: {FIRST_PAGE_S:.0f}),", flush=True)
            print(f"   the averages of LSH after {complete:.1f} s", flush=True)
            if seconds > FIRST_PAGE_S:
                late.append(f"the first page took {seconds:.1f} s, allowed are {FIRST_PAGE_S:.0f} s")
    print(f"an app of one st.write: its page comes after {one_line_s(browser):.1f} s", flush=True)
    print(touched_text(dataset), flush=True)
    with on_small_host(dataset, kernels) as (process, address, _):
        print(f"   no visit: {memory_text(process.pid)}", flush=True)
        visitors = Visitors(browser, address, dataset.name, title, metrics)
        return late + visit_all(visitors, process.pid, visits)


def first_text(browser: Browser, address: str, dataset: Path, began: float) -> tuple[str, float, float]:
    """Open a server that has just answered; say when it did and the first neighbours came, and return their seconds."""
    answers = time.monotonic() - began
    seconds, complete = first_neighbours(browser, address, dataset, began)
    return f"the server answers after {answers:.1f} s, first neighbours come after {seconds:.1f} s", seconds, complete


def one_line_s(browser: Browser) -> float:
    """Return the seconds from the start of an app that only writes a line to its page."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "app.py"
        script.write_text('import streamlit as st\n\nst.write("one line")\n', encoding="utf-8")
        with on_small_host(Path(folder), folder, script) as (_, address, began):
            page = browser.new_page()
            page.set_default_timeout(TIMEOUT_MS)
            page.goto(address)
            page.get_by_text("one line").wait_for()
            seconds = time.monotonic() - began
            page.close()
    return seconds


def forget(dataset: Path) -> None:
    """Ask the system to drop the dataset's files from its cache (Linux)."""
    for path in (path for path in dataset.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def touched_text(dataset: Path) -> str:
    """Return how many bytes of mapped files 1,000 queries of a new process touch, as text."""
    done = subprocess.run(
        [sys.executable, "-c", _TOUCH, str(dataset)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or f"1,000 queries failed: {done.stderr.strip().splitlines()[-1:]}"


# Queries of the index that the app opens first, one at a time. The kernel maps up to 16 neighbouring pages with each
# page that is touched, so the figure is an upper limit.
_TOUCH = """
import re, sys
from pathlib import Path
from data_prep.dataset import open_dataset
from lsh.sampling import evenly_spaced
from ui.model import loading
from ui.model.state import Settings

def mapped():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

dataset = open_dataset(sys.argv[1])
index = loading.index_for(dataset, Settings(metric=dataset.metric))
queries = evenly_spaced(dataset.features("validation"), 1000)
index.search(queries[:1])
before = mapped()
for i in range(len(queries)):
    index.search(queries[i : i + 1])
size = sum(path.stat().st_size for path in Path(sys.argv[1]).rglob("*") if path.is_file()) / 1e6
print(f"1,000 queries touch {mapped() - before:.0f} MB more of the dataset's {size:.0f} MB of files")
"""


def visit_all(visitors: Visitors, pid: int, visits: int) -> list[str]:
    """Make the visits; print the memory after each ten, and return what is wrong."""
    failures = []
    watch = OwnMemory(pid)
    watch.start()
    for number in range(visits):
        problem = visitors.visit(number)
        if problem:
            failures.append(f"visit {number + 1}: {problem}")
            print(failures[-1], flush=True)
        if number % 10 == 9 or number == visits - 1:
            print(f"{number + 1:4} visits: {memory_text(pid)}", flush=True)
    print("done: " + ", ".join(f"{count} {what}" for what, count in visitors.done.items()))
    own, (_, peak, _) = watch.stop(), memory_mb(pid)
    print(f"own memory of all processes together: {own:.0f} MB at most (allowed: {ALLOWED_MB})")
    if own > ALLOWED_MB:
        failures.append(f"{own:.0f} MB of own memory at the peak, allowed are {ALLOWED_MB}")
    if peak > MAX_MB:
        failures.append(f"{peak:.0f} MB of memory at the peak, allowed are {MAX_MB}")
    return failures


def first_neighbours(browser: Browser, address: str, dataset: Path, began: float) -> tuple[float, float]:
    """Open the app as its first visitor; return the seconds from the server's start to the first neighbours.

    That is to the exact ones, and to those found by LSH.
    """
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{address}/?dataset={dataset.name}")
    page.locator(".neighbours .card").first.wait_for()
    seconds = time.monotonic() - began
    page.get_by_text("LSH looked at").first.wait_for()
    complete = time.monotonic() - began
    page.get_by_text("recall@10").first.wait_for()
    context.close()
    return seconds, complete


@contextmanager
def on_small_host(
    dataset: Path, kernels: str, script: Path = ROOT / "app.py"
) -> Iterator[tuple["subprocess.Popen[bytes]", str, float]]:
    """Serve as `served` does, under the limits; kernels: folder of the compiled kernels, kept between starts."""
    with tempfile.TemporaryDirectory() as hiding:
        for package in HIDDEN:
            (Path(hiding) / f"{package}.py").write_text("raise ImportError\n", encoding="utf-8")
        environment = {"NUMBA_CACHE_DIR": kernels, "PYTHONPATH": hiding}
        with served(dataset, script, environment=environment, limit=_small_host) as server:
            yield server


def memory_text(pid: int) -> str:
    """Return the memory of a process and its children as text: now, and at the peak."""
    resident, peak, own = memory_mb(pid)
    return f"{resident:.0f} MB of memory, {peak:.0f} at the peak; {own:.0f} MB of it its own"


class OwnMemory(threading.Thread):
    """Watches the own memory of a process and its children; `peak_mb` is the largest sum seen, in MB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self.peak_mb, self._ended = pid, memory_mb(pid)[2], threading.Event()

    def run(self) -> None:
        """Look ten times per second."""
        while not self._ended.wait(0.1):
            self.peak_mb = max(self.peak_mb, memory_mb(self._pid)[2])

    def stop(self) -> float:
        """Stop watching; return the peak."""
        self._ended.set()
        self.join()
        return self.peak_mb


def _small_host() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MB << 20, MAX_MB << 20))


if __name__ == "__main__":
    sys.exit(main())
