"""How long things take: the network alone, the detector, a whole start of the command.

Times are medians of repeated runs, the first ones left out. What takes a whole process is timed
from outside it, in a fresh interpreter with its byte code compiled.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import synthetic
from canthus.errors import CanthusError
from canthus.images.files import write_image

if TYPE_CHECKING:
    from canthus.detection import Detector
    from canthus.runtime import Backend

WARM_UP = 3  # runs that nobody counts
DRAWN_SEED, DRAWN_SIZE = 5, 512  # of a picture whose one face the detector is sure of
# A process's peak includes that of the process it was split from, so a small one starts it.
LAUNCHER = """
import os, sys, time
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
begin = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(process, 0)
print(time.perf_counter() - begin, os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
ALIGN = "import sys; from canthus.cli import main; sys.exit(main())"
IMPORT = """
import sys, time
begin = time.perf_counter()
import canthus
took = time.perf_counter() - begin
print(took, "torch" in sys.modules, file=sys.stderr)
"""


@dataclass(frozen=True)
class Timing:
    """Repeated runs of one thing.

    Attributes:
        median_ms: half of the runs took longer.
        best_ms: the fastest run.
        runs: how many were counted.
    """

    median_ms: float
    best_ms: float
    runs: int


@dataclass(frozen=True)
class Start:
    """A whole process, from nothing to its exit.

    Attributes:
        wall: its time, as the user waits.
        peak_mb: the most memory it held, in 10^6 bytes.
    """

    wall: Timing
    peak_mb: float


@dataclass(frozen=True)
class Import:
    """A fresh interpreter's `import canthus`.

    Attributes:
        wall: the time of that line alone.
        torch: whether torch came along.
    """

    wall: Timing
    torch: bool


def timed(call: Callable[[], object], runs: int) -> Timing:
    """Time repeated calls, after `WARM_UP` uncounted ones."""
    for _ in range(WARM_UP):
        call()
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begin))
    return summed_up(times)


def summed_up(times_ms: Sequence[float]) -> Timing:
    """The timing of runs that took so long each."""
    return Timing(median(times_ms), min(times_ms), len(times_ms))


def time_network(backend: "Backend", crop_size: int, *, batch: int = 1, runs: int = 100) -> Timing:
    """Time a network alone on a batch of noise; what it sees does not change its pace.

    Args:
        backend: what runs it, on as many cores as it was told.
        crop_size: of its input, in pixels.
        batch: how many crops at once; the time is that of them all.
        runs: to count.
    """
    shape = (batch, crop_size, crop_size, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return timed(lambda: backend.run(crops), runs)


def time_detector(
    detector: "Detector", images: Sequence[NDArray[np.uint8]], *, runs: int = 100
) -> Timing:
    """Time a detector on pictures (H, W, 3), one after the other, over and over."""
    pictures = cycle(images)
    return timed(lambda: detector(next(pictures)), runs)


def time_start(photo: Path, *, model: str = "", runs: int = 10) -> Start:
    """Time `canthus align PHOTO --out FOLDER` as a user meets it, and its peak memory.

    Raises:
        CanthusError: if the command fails, or this system cannot tell what a process took.
    """
    if not hasattr(os, "posix_spawn") or not hasattr(os, "wait4"):
        raise CanthusError("timing a whole process needs a POSIX system, such as Linux or macOS")
    with TemporaryDirectory() as folder:
        align = [sys.executable, "-c", ALIGN, "align", str(photo), "--out", folder]
        align += ["--model", model] if model else []
        took = [_launch(align) for _ in range(1 + runs)][1:]  # the first one compiles
    return Start(summed_up([wall for wall, _ in took]), max(peak for _, peak in took))


def drawn_photo(folder: Path) -> Path:
    """Draw a face into a folder, for a start where there is no photo; the same one each time."""
    face = synthetic.draw(np.random.default_rng(DRAWN_SEED), size=DRAWN_SIZE)
    path = folder / "drawn.jpg"
    write_image(path, face.image)
    return path


def time_import(*, runs: int = 10) -> Import:
    """Time `import canthus` in a fresh interpreter, without the interpreter's own start.

    Raises:
        CanthusError: if it fails.
    """
    said = [_run([sys.executable, "-c", IMPORT]).stderr.split() for _ in range(1 + runs)][1:]
    times = [1000 * float(took) for took, _ in said]
    return Import(summed_up(times), any(torch == "True" for _, torch in said))


def num_cores() -> int:
    """How many cores this process may use, which may be fewer than the machine has."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> dict[str, str]:
    """What was timed on: processor, cores, system, and the versions that matter."""
    return {
        "processor": _processor(),
        "cores": str(num_cores()),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "onnxruntime")},
    }


def _processor() -> str:
    """The processor's name; where only Linux would tell, what the platform knows."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _launch(command: Sequence[str]) -> tuple[float, float]:
    """Run a command; its time in milliseconds and its peak memory in 10^6 bytes."""
    done = _run([sys.executable, "-I", "-S", "-c", LAUNCHER, *command])
    wall, code, peak = done.stdout.split()
    if code != "0":
        raise CanthusError(f"`{_shown(command)}` ended with {code}: {done.stderr.strip()[-500:]}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    return 1000 * float(wall), int(peak) * unit / 1e6


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command in an interpreter that may write byte code.

    Raises:
        CanthusError: with what it said, if it fails.
    """
    unset = "PYTHONDONTWRITEBYTECODE"  # without byte code every start would compile again
    environment = {key: value for key, value in os.environ.items() if key != unset}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CanthusError(f"`{_shown(command)}` failed: {done.stderr.strip()[-500:]}")
    return done


def _shown(command: Sequence[str]) -> str:
    """A command for a message: the last words, since the first are programs."""
    return " ".join(command[-5:])
