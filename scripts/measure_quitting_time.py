"""What quitting saves in batches, in time: python THIS MODEL DATA [--threads 1] [--batch 32].

DATA holds 300w and ytf68. The crops of their validation faces, from jittered boxes, are run in
batches by the network alone, at thresholds of the model's manifest; all take turns, and medians of
the runs are printed: of a face, milliseconds, steps and multiply-adds.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import canthus
from canthus.evaluation.benchmarks import given_boxes, open_benchmark
from canthus.evaluation.evaluate import parts_of
from canthus.runtime.backend import OnnxBackend, Thresholds

BENCHMARKS = ("300w-val", "ytf68-val")
RUNS, WARM = 11, 2
STEP = 2  # of the manifest's thresholds, every second one

Crops = NDArray[np.uint8]


def main() -> None:
    """Print a line for each benchmark and each row of thresholds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    asked = parser.parse_args()
    backend = canthus.load(asked.model, threads=asked.threads).backend
    assert isinstance(backend, OnnxBackend)
    costs = np.array(backend.manifest.step_costs)
    tried = [row.below for row in backend.manifest.quitting[::STEP]]
    for name in BENCHMARKS:
        batches = batched(crops_of(asked.model, name, asked.data), asked.batch)
        count = sum(map(len, batches))
        times: dict[Thresholds, list[float]] = {below: [] for below in tried}
        taken: dict[Thresholds, NDArray[np.int64]] = {}
        for run in range(WARM + RUNS):
            for below in tried:
                backend.quit_below = below
                begin = time.perf_counter()
                steps = [backend.run(batch)["steps"] for batch in batches]
                if run >= WARM:
                    times[below].append(time.perf_counter() - begin)
                taken[below] = np.concatenate(steps).astype(np.int64)
        whole = statistics.median(times[tried[0]])
        print(f"{name}: {count} faces, batches of {asked.batch}, {asked.threads} threads")
        for below, each in times.items():
            spent, cost = statistics.median(each), costs[taken[below] - 1].mean()
            shown = " ".join(f"{100 * one:.4g}" for one in below)
            print(
                f"  below {shown:<14}{taken[below].mean():6.2f} steps{cost / 1e6:6.1f} M"
                f" ({100 * cost / costs[-1] - 100:+.0f} %){1000 * spent / count:7.3f} ms"
                f" ({100 * spent / whole - 100:+.0f} %)"
            )


def crops_of(model: str, name: str, data: Path) -> Crops:
    """The crops that an aligner looks at first, (N, S, S, 3)."""
    aligner = canthus.load(model, once=True)
    seen: list[Crops] = []
    run = aligner.backend.run

    def noting(crops: Crops) -> dict[str, NDArray[np.float32]]:
        seen.append(crops.copy())
        return run(crops)

    aligner.backend.run = noting  # type: ignore[method-assign]
    benchmark = open_benchmark(name, data)
    for part in parts_of(benchmark, given_boxes(benchmark, "jitter"), iter):
        aligner.many(part.images, part.boxes)
    return np.concatenate(seen)


def batched(crops: Crops, size: int) -> list[Crops]:
    """Whole batches, and a last one that may be smaller."""
    return [crops[first : first + size] for first in range(0, len(crops), size)]


if __name__ == "__main__":
    main()
