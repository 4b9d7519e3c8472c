"""What messages between landmarks are good for: python THIS RUNS DATA.

RUNS holds the folders of trainings that differ in their heads, named KIND-SEED: static-1, static-2.
Prints, for each kind, mean and spread over its seeds of the error on both validation sets with 68
landmarks, plain and with 10 to 40 % of the face covered, in percent of the distance between the
outer corners of the eyes; of landmarks under the patches too. Beside it: by how much each kind is
better than "self", seed by seed. What is measured stands in RUNS/measured.json, and is not
measured again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import canthus
from canthus.evaluation import occlusion, open_benchmark
from canthus.storage import write_whole

BENCHMARKS = ("300w-val", "ytf68-val")
COLUMNS = tuple(f"{name}, {what}" for name in BENCHMARKS for what in ("plain", "covered", "hidden"))
ALONE = "self"
HEADS = ("fc", ALONE, "static", "dynamic", "attention")


def main() -> None:
    """Measure what is new, and print both tables."""
    torch.set_num_threads(1)
    runs, data = Path(sys.argv[1]), Path(sys.argv[2])
    path = runs / "measured.json"
    found: dict[str, list[float]] = json.loads(path.read_text()) if path.exists() else {}
    for weights in sorted(runs.glob("*-*/model.safetensors")):
        name = weights.parent.name
        if name not in found:
            found[name] = errors_of(weights, data)
            write_whole(path, json.dumps(found, indent=1).encode())
    kinds: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, errors in found.items():
        kind, _, seed = name.rpartition("-")
        kinds.setdefault(kind, {})[seed] = np.array(errors)
    print("| | " + " | ".join(COLUMNS) + " |")
    print("| --- " * (len(COLUMNS) + 1) + "|")
    for kind, seeds in kinds.items():
        print_row(kind, np.array(list(seeds.values())))
    print("\nBetter than nobody hearing another, by:")
    for kind, seeds in kinds.items():
        alone = kinds.get(ALONE.join(kind.rsplit(hearing(kind), 1)), {})
        both = sorted(set(seeds) & set(alone))
        if both and hearing(kind) != ALONE:
            print_row(kind, np.array([alone[seed] - seeds[seed] for seed in both]))


def errors_of(weights: Path, data: Path) -> list[float]:
    """A training's errors, one for each of `COLUMNS`."""
    aligner, errors = canthus.load(weights), []
    for name in BENCHMARKS:
        found = occlusion.measure(aligner, open_benchmark(name, data))
        covered = [share > 0 for share in found.shares]
        errors.append(found.nme[found.shares.index(0.0)])
        errors += [float(np.mean(np.array(each)[covered])) for each in (found.nme, found.hidden)]
    return errors


def hearing(kind: str) -> str:
    """The part of a kind's name that says who hears whom: fc, self, static-..."""
    return next(part for part in kind.split("-") if part in HEADS)


def print_row(kind: str, errors: NDArray[np.float64]) -> None:
    """Mean and spread over seeds of errors (seeds, columns)."""
    spread = errors.std(axis=0, ddof=1) if len(errors) > 1 else np.full(errors.shape[1], np.nan)
    pairs = zip(errors.mean(axis=0), spread, strict=True)
    print(f"| {kind} | " + " | ".join(f"{100 * m:.2f} ± {100 * s:.2f}" for m, s in pairs) + " |")


if __name__ == "__main__":
    main()
