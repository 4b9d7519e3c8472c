import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from canthus.datasets import Sample
from canthus.errors import ImageError, TrainingError
from canthus.training import Hardware, fit
from canthus.training.batches import Batch, Batches
from canthus.training.labels import Labeler
from canthus.training.recipe import Recipe
from canthus.training.streams import made_ahead

CHILDREN = Path("/proc/thread-self/children")
WORKERS = pytest.mark.parametrize("workers", [0, 1, 2])


def batches_of(samples: list[Sample], recipe: Recipe) -> Batches:
    return Batches([samples], recipe, Labeler("68", ("68",)))


@WORKERS
def test_batches_come_in_their_order_and_alike_whoever_makes_them(
    samples: list[Sample], recipe: Recipe, workers: int
) -> None:
    batches = batches_of(samples, recipe)

    with made_ahead(batches, workers) as ahead:
        streamed = list(ahead(range(2, 9)))

    assert [batch.names for batch in streamed] == [batches[n].names for n in range(2, 9)]
    for number, batch in enumerate(streamed, 2):
        assert torch.equal(batch.pixels, batches[number].pixels)
        assert torch.equal(batch.target.points, batches[number].target.points)


@WORKERS
def test_a_picture_that_vanished_stops_the_stream_by_name(
    samples: list[Sample], recipe: Recipe, workers: int
) -> None:
    gone = replace(samples[0], image=samples[0].image.with_name("gone.png"))

    with (
        pytest.raises(ImageError, match=r"gone\.png"),
        made_ahead(batches_of([gone], recipe), workers) as ahead,
    ):
        list(ahead(range(1)))


def test_what_goes_wrong_in_a_worker_says_what_it_would_say_here(
    samples: list[Sample], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: int, **__: int) -> None:
        raise ImageError("face.png: expected a picture, found a tree")

    batches = batches_of(samples, recipe)
    monkeypatch.setattr(batches, "share", lost)

    with (
        pytest.raises(ImageError, match=r"^face\.png: expected a picture, found a tree$"),
        made_ahead(batches, 2) as ahead,
    ):
        list(ahead(range(1)))


def test_a_worker_that_dies_ends_the_training_at_once(
    samples: list[Sample], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, parent = batches_of(samples, recipe), os.getpid()

    def killed(*_: int, **__: int) -> None:
        assert os.getpid() != parent
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(batches, "share", killed)

    with (
        pytest.raises(TrainingError, match=r"has died; .* --resume, with fewer --workers"),
        made_ahead(batches, 2) as ahead,
    ):
        list(ahead(range(4)))


def test_a_worker_that_is_killed_takes_the_others_along(
    samples: list[Sample], recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, share = os.getpid(), Batches.share

    def fatal(batches: Batches, number: int, **which: int) -> Batch:
        if number == 2 and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return share(batches, number, **which)

    monkeypatch.setattr(Batches, "share", fatal)

    with pytest.raises(TrainingError, match="a process that prepares batches has died"):
        fit([samples], recipe, tmp_path / "run", hardware=Hardware(workers=2))

    assert not children()


def test_workers_begin_where_all_threads_are_busy_already(
    samples: list[Sample], recipe: Recipe
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.rand(400, 400, 3) @ torch.rand(3, 400)  # whatever starts the threads of torch
    (torch.rand(2**21) + 1).sum()
    many = replace(recipe, schedule=replace(recipe.schedule, batch_size=32))

    with made_ahead(batches_of(samples, many), 2) as ahead:
        made = list(ahead(range(4)))

    assert len(made) == 4
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_workers_end_with_the_stream(samples: list[Sample], recipe: Recipe) -> None:
    with made_ahead(batches_of(samples, recipe), 2) as ahead:
        next(ahead(range(100)))
        workers = children()

    assert len(workers) == 2
    assert not children() & workers


def test_workers_end_with_a_training_that_is_killed(samples: list[Sample], recipe: Recipe) -> None:
    read, write = os.pipe()
    if not (training := os.fork()):
        try:
            with made_ahead(batches_of(samples, recipe), 2) as ahead:
                next(ahead(range(100)))
                os.write(write, " ".join(map(str, children())).encode())
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(training, 0)
    workers = os.read(read, 100).split()

    end = time.monotonic() + 20
    while time.monotonic() < end and any(map(lives, workers)):
        time.sleep(0.1)

    assert len(workers) == 2
    assert not any(map(lives, workers))


def lives(number: bytes) -> bool:
    try:
        stat = Path(f"/proc/{number.decode()}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children() -> set[int]:
    if not CHILDREN.exists():
        pytest.skip("this system does not say which processes a process has started")
    return {int(number) for number in CHILDREN.read_text().split()}
