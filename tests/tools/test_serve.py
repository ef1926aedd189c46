"""`make serve`: several processes behind nginx; each visitor stays with one of them, and one that ends is replaced."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.served_app import children, served
from benchmarks.visitors import __main__ as visitors
from benchmarks.visitors.streamlit_client import StreamlitClient
from data_prep.dataset import open_dataset
from tests.event_loop import finish
from ui.model.loading import name_in_urls

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH')}:/usr/sbin")
SOON_S = 60.0


def run(root: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends by itself."""
    variables = os.environ if path is None else {**os.environ, "PATH": path}
    command = [sys.executable, "tools/serve.py", *arguments]
    return subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--workers", "65"), ("--port", "0"), ("--port", "65536")])
def test_a_bad_number_is_an_error_message(root: Path, arguments: tuple[str, str]) -> None:
    done = run(root, *arguments)
    assert done.returncode == 2
    assert f"argument {arguments[0]}: {arguments[1]} is not a whole number from 1" in done.stderr


def apps(pid: int) -> set[int]:
    """Return the processes of the app that a server has started."""
    return {child for child in children(pid) if b"streamlit" in Path(f"/proc/{child}/cmdline").read_bytes()}


def status(address: str, cookie: str = "") -> int:
    """Return the status with which an address answers."""
    try:
        with urlopen(Request(address, headers={"Cookie": cookie})) as response:  # noqa: S310
            return response.status
    except HTTPError as error:
        return error.code


async def give_a_file(address: str, number: int) -> str:
    """Give a file on Ask; return the cookie that names the process."""
    client = StreamlitClient(address)
    async with client.connected():
        await client.run("ask")
        await client.upload(f"{number}.wav", bytes(100_000))
    return f"earshot_process={client.cookies['earshot_process']}"


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_visitors_from_one_address_stay_with_their_process_and_one_that_ends_is_replaced(root: Path) -> None:
    sample = root / "data" / "sample"
    dataset = open_dataset(sample)
    with served(sample, workers=2) as (process, address, _):
        before = apps(process.pid)
        assert len(before) == 2
        sound = f"{address}/clips/{name_in_urls(dataset)}/{dataset.clip('train', 0).clip_id}/sound"
        cookie = finish(give_a_file(address, 0))
        assert [status(sound, cookie) for _ in range(10)] == [200] * 10

        async def visit_together() -> list[str]:
            return await asyncio.gather(*(give_a_file(address, i) for i in range(6)))

        assert len(set(finish(visit_together()))) == 6  # an upload to another process would be refused

        options = ["--sessions", "3", "--think-ms", "100", "--seconds", "3", "--warm-up", "0", "--pages", "listen"]
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(visitors.main, [str(sample), "--address", address, *options]).result() == 0

        os.kill(min(before), signal.SIGKILL)
        until = time.monotonic() + SOON_S
        while len(apps(process.pid)) < 2 or apps(process.pid) == before:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert {status(f"{address}/_stcore/health", f"earshot_process={i}") for i in range(20)} == {200}
    assert apps(process.pid) == set()
