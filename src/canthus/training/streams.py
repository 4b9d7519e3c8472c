"""The batches of a training, made ahead of when they are learned: by a thread, or by processes."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from threading import Thread

import torch
from torch import multiprocessing

from canthus.errors import TrainingError
from canthus.images.threads import single_threaded
from canthus.training import processes
from canthus.training.batches import Batch, Batches

AHEAD = 3  # batches on their way for each process that makes them

Make = Callable[[int], Batch]


@contextmanager
def made_ahead(
    batches: Batches, workers: int = 0
) -> Generator[Callable[[range], Iterator[Batch]], None, None]:
    """Something that gives this process's share of numbered batches, in the numbers' order.

    Which faces are in a batch, and how they are changed, does not depend on who makes it.

    Args:
        batches: of the training.
        workers: processes that make batches, each with one core; all faces are read before they
            begin, and they share that memory. They are forked, so a GPU should be touched after
            this and not before. 0: a thread of this process makes one ahead.

    Raises:
        TrainingError: if a worker dies.
        ImageError: if a picture cannot be read.
    """
    share = partial(batches.share, process=processes.number(), processes=processes.count())
    with _makers(batches, share, workers) as (pool, make):
        yield partial(_in_order, pool, make, AHEAD * workers or 1)


def _in_order(pool: Executor, make: Make, depth: int, numbers: range) -> Iterator[Batch]:
    ahead: deque[Future[Batch]] = deque()
    for number in numbers:
        ahead.append(pool.submit(make, number))
        if len(ahead) > depth:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


@contextmanager
def _makers(
    batches: Batches, share: Make, workers: int
) -> Generator[tuple[Executor, Make], None, None]:
    pool: Executor = ThreadPoolExecutor(max_workers=1)
    if workers:
        batches.read()
        context = multiprocessing.get_context("fork")  # no other way shares what is read
        pool = ProcessPoolExecutor(workers, context, partial(_begin, share, os.getpid()))
    try:
        if workers:
            with _single_threaded():
                pool.submit(int).result()  # forks all of them
        yield pool, _made if workers else share
    except BrokenProcessPool:
        raise TrainingError(
            "a process that prepares batches has died; was there too little memory? "
            "Go on from the last state with --resume, with fewer --workers"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _single_threaded() -> Generator[None, None, None]:
    """Let what is forked have one thread; a fork lacks all others, and would wait for them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with single_threaded():
            yield
    finally:
        torch.set_num_threads(before)


def _begin(share: Make, parent: int) -> None:
    """Make a worker of this process, which ends when it is told to, and not by Ctrl-C."""
    global _share
    _share = share
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # and not what a training does then
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End when the training has, even if it was killed and could not say so."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _made(number: int) -> Batch:
    return _share(number)


_share: Make  # of a worker, which has it from the process that forked it
