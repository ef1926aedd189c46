"""A process whose children save over one file until it kills them.

Usage: `python -m tests.lsh.storage.writers FOLDER KILLS SEED`.
It forks, so that children need not import anything, and prints what went wrong, one line each.
"""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import lsh
from tests.lsh.storage.index_files import fit, vectors


def save_for_ever(path, indexes):
    """Become a child that saves one index after the other; return its process id to the parent."""
    child = os.fork()
    if child:
        return child
    while True:
        for index in indexes:
            lsh.save(index, path)


def stop(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def problems(path, data):
    """Yield what is wrong with a file that should be one of two."""
    if path.read_bytes() not in data:
        yield "neither the old file nor the new one"
    try:
        lsh.load(path)
    except lsh.LSHError as error:
        yield str(error)


def killed(path, indexes, data, kills, rng):
    """Kill a process that saves, at random moments; one of the two files must be there, complete."""
    unfinished = 0
    for _ in range(kills):
        child = save_for_ever(path, indexes)
        time.sleep(rng.uniform(0.001, 0.02))
        stop(child)
        yield from problems(path, data)
        unfinished += any(found.name.startswith(".") for found in path.parent.iterdir())
        lsh.save(indexes[0], path)
        if any(found.name.startswith(".") for found in path.parent.iterdir()):
            yield "a hidden file survived the next save"
    if not unfinished:
        yield "no kill came in the middle of a save, so nothing was tried"


def at_once(path, indexes, data, seconds):
    """Let two processes save over one file while this one loads it."""
    children = [save_for_ever(path, indexes), save_for_ever(path, indexes[::-1])]
    try:
        loaded, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            yield from problems(path, data)
            loaded += 1
        if loaded < 10:
            yield f"only {loaded} loads"
        for child in children:
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                yield "a saver gave up"
    finally:
        for child in children:
            stop(child)


def main(folder, kills, seed):
    path = Path(folder) / "index"
    indexes = [fit("tables-cosine", vectors(2000, 16), seed) for seed in (1, 2)]
    data = []
    for index in indexes:
        lsh.save(index, path)
        data.append(path.read_bytes())
    for problem in killed(path, indexes, data, int(kills), np.random.default_rng(int(seed))):
        print(problem)
    for problem in at_once(path, indexes, data, seconds=3):
        print(problem)


if __name__ == "__main__":
    main(*sys.argv[1:])
