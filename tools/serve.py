"""Serve the app by several processes behind nginx: `make serve WORKERS=4`.

Each process is a Streamlit server of its own; all map the same files. A process that ends is started again. nginx is
configured by `deploy/nginx.conf`. SIGTERM or Ctrl-C ends all of them. Exit code 2 if it cannot start, 1 if nginx ends.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / "deploy" / "nginx.conf"
START_S = 120.0
RESTART_S = 2.0  # at the earliest after so long
MAX_WORKERS = 64

Process = subprocess.Popen[bytes]


def main() -> int:
    """Serve until a signal comes; return the exit code."""
    parser = argparse.ArgumentParser(description="Serve the app by several processes behind nginx.")
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="number of processes (default: 4)")
    parser.add_argument("--port", type=int, default=8501, help="port of nginx (default: 8501)")
    parser.add_argument("--address", default="127.0.0.1", help="address of nginx (default: 127.0.0.1)")
    options = parser.parse_args()
    if not 1 <= options.workers <= MAX_WORKERS:
        parser.error(f"argument --workers: {options.workers} is not a whole number from 1 to {MAX_WORKERS}")
    if not 1 <= options.port <= 65_535:
        parser.error(f"argument --port: {options.port} is not a whole number from 1 to 65535")
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        print("error: nginx is not installed; install your system's package, nginx or nginx-light", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        ports = free_ports(options.workers)
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(configured(folder, f"{options.address}:{options.port}", ports), encoding="utf-8")
        command = [nginx, "-e", "stderr", "-p", folder, "-c", str(configuration)]
        if subprocess.run([*command, "-t", "-q"], check=False).returncode:
            print(f"error: nginx cannot serve {options.address}:{options.port}; see above", file=sys.stderr)
            return 2
        workers = {port: worker(port, options.workers) for port in ports}
        processes: list[Process] = []
        try:
            for port in ports:
                wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            processes.append(subprocess.Popen(command))
            print(f"{options.workers} processes at http://{options.address}:{options.port}", flush=True)
            keep_running(workers, processes[0], options.workers)
        except TimeoutError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        finally:
            end([*processes, *workers.values()])
    return 1


def configured(folder: str, listen: str, ports: list[int]) -> str:
    """Return the text of nginx's configuration: its folder for files, what it listens on, and the processes' ports."""
    servers = "\n        ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in ports)
    text = CONFIGURATION.read_text(encoding="utf-8")
    for name, value in (("@FOLDER@", folder), ("@LISTEN@", listen), ("@SERVERS@", servers)):
        text = text.replace(name, value)
    return text


def worker(port: int, n_workers: int) -> Process:
    """Start a process of the app, which draws its share of what the processors can draw at once."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    runs = -(-processors // n_workers)
    return subprocess.Popen(command, cwd=ROOT, env={"EARSHOT_RUNS": str(runs), **os.environ})


def keep_running(workers: dict[int, Process], nginx: Process, n_workers: int) -> None:
    """Start processes that have ended again, until nginx ends."""
    started = dict.fromkeys(workers, time.monotonic())
    while nginx.poll() is None:
        time.sleep(0.5)
        for port, process in workers.items():
            if process.poll() is not None and time.monotonic() - started[port] > RESTART_S:
                print(f"a process ended with exit code {process.returncode}; it is started again", file=sys.stderr)
                workers[port], started[port] = worker(port, n_workers), time.monotonic()


def end(processes: list[Process]) -> None:
    """End processes; those that do not within ten seconds are killed."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(n: int) -> list[int]:
    """Return ports of this machine on which nothing listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(address: str) -> None:
    """Wait until an address answers. Raises TimeoutError after two minutes."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            with urlopen(address):  # noqa: S310  (a process started here)
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {address}; the app's messages are above")


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
