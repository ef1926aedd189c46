"""Run the app as a small host would, visit it a hundred times, and report: `make deploy-check`.

The host is Streamlit Community Cloud: 690 MB of memory promised, 2.7 GB at most, less than two processors. The server
gets one processor and a limit on its memory; a real browser opens every page, moves a slider and leaves, again and
again. Exit 1 when a page fails, the first one is late, or memory goes above what is allowed.
"""

import argparse
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

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_MB = 600
MOST_MB = 2_700
FIRST_PAGE_S = 10.0
PAGES = ("", "tune", "race", "inside", "map", "learn", "data", "ask")
_PATIENCE_MS = 120_000


def main() -> int:
    """Run the check; return 0 when the app fits."""
    parser = argparse.ArgumentParser(description="Run the app under a small host's limits.")
    parser.add_argument("--visits", type=int, default=100)
    parser.add_argument("--dataset", default="sample", help="a collection's name, as the link has it (sample)")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("error: no chromium here: install it, for this check opens the app in a browser", file=sys.stderr)
        return 2
    with served() as (process, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        failures = visit_all(browser, process.pid, address, options.dataset, options.visits)
        browser.close()
    for failure in failures:
        print(f"FAIL: {failure}")
    print("the app fits" if not failures else "the app does not fit")
    return 1 if failures else 0


@contextmanager
def served() -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Yield the app's server, with one processor and no more data than the host allows, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, preexec_fn=_small_host)  # noqa: PLW1509
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/_stcore/health")
            yield process, address
        finally:
            process.terminate()
            process.wait()


def visit_all(browser: Browser, pid: int, address: str, dataset: str, visits: int) -> list[str]:
    """Visit again and again; print how it goes, and return what is wrong."""
    failures = []
    for number in range(visits):
        path = PAGES[number % len(PAGES)]
        began = time.monotonic()
        problem = visit(browser, f"{address}/{path}?dataset={dataset}")
        seconds = time.monotonic() - began
        if number == 0:
            print(f"first page after {seconds:.1f} s (allowed: {FIRST_PAGE_S:.0f})")
            if seconds > FIRST_PAGE_S:
                failures.append(f"the first page took {seconds:.1f} s, allowed are {FIRST_PAGE_S:.0f}")
        if problem:
            failures.append(f"visit {number + 1}, page {path or 'listen'}: {problem}")
        if number % 10 == 9 or number == visits - 1:
            resident, peak = memory_mb(pid)
            print(f"{number + 1:4} visits: {resident:.0f} MB of memory, {peak:.0f} at the most", flush=True)
    resident, peak = memory_mb(pid)
    if resident > ALLOWED_MB:
        failures.append(f"{resident:.0f} MB of memory after {visits} visits, allowed are {ALLOWED_MB}")
    if peak > MOST_MB:
        failures.append(f"{peak:.0f} MB of memory at the most, allowed are {MOST_MB}")
    return failures


def visit(browser: Browser, address: str) -> str | None:
    """Open a page as a new visitor, wait until it has been drawn, move a slider; return what went wrong."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    try:
        page.goto(address)
        slider = page.get_by_role("slider", name="Bits a key, K").first
        slider.wait_for()
        still = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        page.wait_for_function(still)
        slider.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        page.wait_for_function(still)
        broken = page.locator("[data-testid=stException]")
        return broken.first.inner_text()[:200] if broken.count() else None
    except Exception as error:  # noqa: BLE001  (whatever it is, the visitor saw no page)
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    finally:
        context.close()


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process now and at its most, in MB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


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
