"""Train families alike and compare them: python THIS DATA RUNS [--network NAME ...].

Each begins with nothing and is shown as many looks at the same faces, changed alike, in batches of
one size; its network, its crop and its loss are its own. 3DDFA learns from fits of a face model to
the same faces, RUNS/fits/300w.csv and so on, by `canthus fit`. What RUNS holds already is only
measured; what was stopped goes on. Prints errors on both validation sets with 68 landmarks, in
percent of the distance between the outer corners of the eyes.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import canthus
from canthus.evaluation import evaluate, open_benchmark
from canthus.evaluation.complexity import count
from canthus.recipes import find_recipe
from canthus.training import Hardware, Recipe, finish, fit, read_recipe, read_sets
from canthus.training.loop import STATE
from canthus.training.recipe import AugmentConfig, DataConfig

NETWORKS = {  # and the recipe that has it
    "hourglass-fast": "hourglass-fast-base",
    "hourglass-128": "hourglass-base",
    "hourglass-256": "hourglass-256",
    "dpr-gsr": "dpr-gsr-base",
    "dpr-glsr": "dpr-glsr",
    "musica": "musica-base",
    "lgrn": "lgrn-128",
    "tddfa": "tddfa-base",
}
FACES = (
    DataConfig(layout="ibug", root="300w", repeat=3),
    DataConfig(layout="table", root="ytf68"),
    DataConfig(layout="table", root="aflw21", repeat=0.35),
)
STEPS, BATCH, WARMUP = 2000, 64, 200
RATE, RATE_OF_PIXELS = 2.0e-3, 1.5e-3  # the latter where the loss is in pixels and is not clipped
UNCLIPPED = 100.0  # of a gradient: it is as good as none
BENCHMARKS = ("300w-val", "ytf68-val")


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, metavar="DATA")
    parser.add_argument("runs", type=Path)
    parser.add_argument("--network", action="append", choices=NETWORKS)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--threads", type=int)
    asked = parser.parse_args()
    hardware = Hardware(asked.device, asked.threads, asked.workers)
    heads = ["Network", "Crop", "Parameters", "Multiply-adds", *BENCHMARKS]
    print("| " + " | ".join(heads) + " |\n" + "| --- " * len(heads) + "|")
    for name in asked.network or NETWORKS:
        recipe, folder = recipe_of(name, asked.runs), asked.runs / name
        path = folder / "model.safetensors"
        if not path.exists():
            resume = (folder / STATE).exists()
            sets = read_sets(recipe, asked.root)
            trained = fit(sets, recipe, folder, resume=resume, hardware=hardware)
            if not trained.finished:  # half a training is not to be compared
                sys.exit(1)
            finish(trained, recipe)
        size = count(path)
        cells = [f"`{name}`", f"{recipe.crop.size} px", f"{size.parameters / 1e6:.2f} M"]
        cells += [f"{size.multiply_adds / 1e6:.1f} M"]
        cells += [f"{100 * error_of(path, on, asked.root):.2f} %" for on in BENCHMARKS]
        print("| " + " | ".join(cells) + " |", flush=True)


def recipe_of(name: str, runs: Path) -> Recipe:
    """How a network is trained here; fits are where the runs are."""
    own = read_recipe(find_recipe(NETWORKS[name]))
    clip = own.schedule.clip
    schedule = replace(
        own.schedule,
        steps=STEPS,
        batch_size=BATCH,
        warmup=WARMUP,
        learning_rate=RATE if clip < UNCLIPPED else RATE_OF_PIXELS,
        seed=0,
    )
    fitted = own.model.family == "tddfa"
    fits = [str(runs / "fits" / f"{each.root}.csv") if fitted else None for each in FACES]
    return replace(
        own,
        name=f"alike-{name}",
        data=tuple(replace(each, fits=path) for each, path in zip(FACES, fits, strict=True)),
        augment=AugmentConfig(),
        schedule=schedule,
        start=None,
        fresh=(),
        graft={},
    )


def error_of(path: Path, on: str, root: Path) -> float:
    """A model's mean error on a benchmark, from jittered boxes."""
    return evaluate(canthus.load(path), open_benchmark(on, root)).headline.nme


if __name__ == "__main__":
    main()
