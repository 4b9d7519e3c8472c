"""Trains in processes that are killed at any moment; run as a program, which prints what it saw.

Each life is a fork of a process that has imported everything, so that it takes no longer than its
few steps.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch._dynamo  # as the first optimizer does, which takes a second

from canthus import config
from canthus.datasets import ibug
from canthus.training import Hardware, fit, loop
from canthus.training.loop import STATE
from canthus.training.recipe import Recipe

HARDWARE = Hardware(device="cpu", threads=1)


def main(recipe: Recipe, drawn: Path, out: Path, kills: int) -> None:
    """Train without a kill, then again and again with that many, all to the same end.

    Prints as JSON how many were killed, how many of them while they wrote, how many lives went on
    from a state, and how many trainings have come to their end.
    """
    torch.set_num_threads(1)
    vars(loop)["draw_log"] = lambda log, picture: None  # takes longer than all the steps
    samples = ibug.read(drawn)

    def train(folder: Path) -> None:
        fit([samples], recipe, folder, resume=(folder / STATE).exists(), hardware=HARDWARE)

    start = time.monotonic()
    lived(partial(train, out / "whole"), np.inf)
    longest = (time.monotonic() - start) / 3
    rng, count = np.random.default_rng(0), {"killed": 0, "torn": 0, "resumed": 0, "finished": 0}
    while count["killed"] < kills or not count["finished"]:
        folder = out / f"killed-{count['finished']}"
        count["resumed"] += (folder / STATE).exists()
        seconds = rng.uniform(0, longest) if count["killed"] < kills else np.inf
        if lived(partial(train, folder), seconds):
            count["finished"] += 1
            assert outcome(folder) == outcome(out / "whole"), folder
        else:
            count["killed"] += 1
            count["torn"] += any(folder.glob(".*.canthus"))
    print(json.dumps(count))


def lived(live: Callable[[], None], seconds: float) -> bool:
    """Whether a life came to its end, or was killed after so many seconds."""
    child = os.fork()
    if child == 0:
        try:
            live()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    end = time.monotonic() + seconds
    done = status = 0
    while not done and time.monotonic() < end:
        time.sleep(0.001)
        done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), "a life ended with an error"
    return status == 0


def outcome(folder: Path) -> dict[str, bytes]:
    """All that a training has left."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


if __name__ == "__main__":
    written, drawn, out, kills = sys.argv[1:]
    main(config.read(Recipe, Path(written)), Path(drawn), Path(out), int(kills))
