"""Run the app as a small host would, visit it a hundred times, and report: `make deploy-check`.

The host is Streamlit Community Cloud: 690 MB of memory promised, 2.7 GB at most, less than two processors. The server
gets one processor and a limit on its memory. It starts twice: as on a new host, where the first search compiles the
kernels, and again as an app that wakes there. Then a real browser opens all eight pages in turn, uses each as a new
visitor, and leaves, again and again, under both distances. Exit 1 when a page fails, the first one is late after
waking, or memory goes above what is allowed.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright
from visitor import PATIENCE_MS, Visitors

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_MB = 600
MOST_MB = 2_700
FIRST_PAGE_S = 10.0


def main() -> int:
    """Run the check; return 0 when the app fits, 1 when it does not, 2 when this could not be found out."""
    parser = argparse.ArgumentParser(description="Run the app under a small host's limits.")
    parser.add_argument("dataset", type=Path, nargs="?", default=ROOT / "data" / "sample", help="a prepared dataset")
    parser.add_argument("--visits", type=int, default=100, metavar="N")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("error: no chromium here: install it, for this check opens the app in a browser", file=sys.stderr)
        return 2
    try:
        title = json.loads((options.dataset / "manifest.json").read_bytes())["title"]
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {options.dataset} is no prepared dataset: {error}", file=sys.stderr)
        return 2
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as kernels:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        failures = check(browser, options.dataset.resolve(), title, options.visits, kernels)
        browser.close()
    for failure in failures:
        print(f"FAIL: {failure}")
    print("the app fits" if not failures else "the app does not fit")
    return 1 if failures else 0


def check(browser: Browser, dataset: Path, title: str, visits: int, kernels: str) -> list[str]:
    """Start as on a new host, wake, be visited; print how it goes, and return what is wrong."""
    print(f"{title}, one processor, at most {MOST_MB:,} MB of data")
    with served(dataset, kernels) as (process, address, began):
        seconds = first_neighbours(browser, address, dataset, began)
        print(f"on a new host: first neighbours after {seconds:.1f} s, kernels being compiled, once", flush=True)
        print(f"   1 visit:  {say_memory(process.pid)}, with the process that compiles", flush=True)
        while _children(process.pid):
            time.sleep(0.5)
    with served(dataset, kernels) as (process, address, began):
        seconds = first_neighbours(browser, address, dataset, began)
        print(f"woken again: first neighbours after {seconds:.1f} s (allowed: {FIRST_PAGE_S:.0f})", flush=True)
        late = [f"the first page took {seconds:.1f} s, allowed are {FIRST_PAGE_S:.0f}"] * (seconds > FIRST_PAGE_S)
        print(f"   1 visit:  {say_memory(process.pid)}", flush=True)
        visitors = Visitors(browser, address, dataset.name, title)
        return late + visit_all(visitors, process.pid, visits)


def visit_all(visitors: Visitors, pid: int, visits: int) -> list[str]:
    """Visit again and again; print how it goes, and return what is wrong."""
    failures = []
    for number in range(visits):
        problem = visitors.visit(number)
        if problem:
            failures.append(f"visit {number + 1}: {problem}")
        if number % 10 == 9 or number == visits - 1:
            print(f"{number + 1:4} visits: {say_memory(pid)}", flush=True)
    print("done: " + ", ".join(f"{count} {what}" for what, count in visitors.done.items()))
    resident, peak = memory_mb(pid)
    if resident > ALLOWED_MB:
        failures.append(f"{resident:.0f} MB of memory after {visits} visits, allowed are {ALLOWED_MB}")
    if peak > MOST_MB:
        failures.append(f"{peak:.0f} MB of memory at the most, allowed are {MOST_MB}")
    return failures


def first_neighbours(browser: Browser, address: str, dataset: Path, began: float) -> float:
    """Open the app as its first visitor; return the seconds from the server's start to the first neighbour shown."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?dataset={dataset.name}")
    page.locator(".neighbours .card").first.wait_for()
    seconds = time.monotonic() - began
    page.get_by_text("recall@10").first.wait_for()
    context.close()
    return seconds


@contextmanager
def served(dataset: Path, kernels: str) -> Iterator[tuple["subprocess.Popen[bytes]", str, float]]:
    """Yield the app's server, with one processor and no more data than the host allows, its address, and its start.

    `kernels`: the folder that keeps compiled kernels from one start to the next.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    environment = {**os.environ, "EARSHOT_DATA": str(dataset.parent), "NUMBA_CACHE_DIR": kernels}
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        output = {"stdout": log, "stderr": log}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=_small_host, **output)  # noqa: PLW1509
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/_stcore/health")
            yield process, address, began
        finally:
            process.terminate()
            process.wait()


def say_memory(pid: int) -> str:
    """Say how much memory a process and its children hold, and have held."""
    resident, peak = memory_mb(pid)
    return f"{resident:.0f} MB of memory, {peak:.0f} at the most"


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process and its children now, and each at its most, in MB."""
    resident = peak = 0.0
    for process in (pid, *_children(pid)):
        with contextlib.suppress(OSError, KeyError):  # a child that ends meanwhile
            lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
            resident += int(lines["VmRSS"].split()[0]) / 1024
            peak += int(lines["VmHWM"].split()[0]) / 1024
    return resident, peak


def _children(pid: int) -> list[int]:
    """Return the living children of a process: the one that compiles kernels."""
    found = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return [child for child in found if Path(f"/proc/{child}/cmdline").read_bytes()]


def _small_host() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MB << 20, MOST_MB << 20))


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urlopen(address):  # noqa: S310  (our own server)
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"nothing answers at {address}")


if __name__ == "__main__":
    sys.exit(main())
