"""How far a long work has come, on stderr."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

TERMINAL_PAUSE_S = 0.1
LOG_PAUSE_S = 10.0  # where the lines are kept, fewer of them
BAR = 24  # characters


def track(items: Sequence[T], what: str) -> Iterator[T]:
    """Yield the items, and say how many are done: a bar on a terminal, else a line at times.

    Says nothing about a single item.
    """
    terminal = sys.stderr.isatty()
    pause = TERMINAL_PAUSE_S if terminal else LOG_PAUSE_S
    start = shown = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if len(items) > 1 and (now - shown > pause or (terminal and done == len(items))):
            shown = now
            _show(done, len(items), what, (now - start) / done, terminal)


def clear() -> None:
    """Make room for a message where the bar is."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)


def _show(done: int, total: int, what: str, seconds_each: float, terminal: bool) -> None:
    left = seconds_each * (total - done)
    line = f"{done}/{total} {what}, {left:.0f} s left"
    if not terminal:
        print(line, file=sys.stderr, flush=True)
        return
    full = BAR * done // total
    end = "\n" if done == total else ""
    bar = "#" * full + "." * (BAR - full)
    print(f"\r\x1b[K[{bar}] {line}", end=end, file=sys.stderr, flush=True)
