"""The one training loop: it reads top to bottom, and every family goes through it."""

import copy
import json
import logging
import math
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from canthus import config
from canthus.datasets import Sample
from canthus.datasets.annotations import hold_out
from canthus.errors import RecipeError, TrainingError
from canthus.evaluation.mean_face import mean_face
from canthus.models import Network, Target, build
from canthus.storage import write_whole
from canthus.training import checkpoint
from canthus.training.batches import Batch, Batches
from canthus.training.checkpoint import Progress
from canthus.training.labels import Labeler
from canthus.training.recipe import Recipe, ScheduleConfig
from canthus.training.start import begin, graft
from canthus.training.testing import HeldOut

logger = logging.getLogger(__name__)

STATE, LOG, RECIPE = "state.safetensors", "log.csv", "recipe.yaml"
MOMENTUM = 0.9  # of SGD
MEASURED = 8  # batches on which the norms of weights to start from are measured


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves: the averaged network, the faces it never saw, and its folder."""

    network: Network
    held_out: HeldOut
    folder: Path
    finished: bool


def fit(
    sets: list[list[Sample]],
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool = False,
    threads: int | None = None,
) -> Trained:
    """Train a recipe's model on samples.

    The folder receives the recipe, a log and the state, from which `resume=True` goes on as if
    nothing had happened: on the same machine the outcome is the same to the last bit. Ctrl-C or
    SIGTERM ends a training after the running step, with its state written.

    Args:
        sets: the samples of each of the recipe's data sets, in its order.
        recipe: what to learn, and how.
        folder: where everything goes.
        resume: go on from the folder's state.
        threads: cores to use, as far as torch is concerned; its own choice by default.

    Raises:
        RecipeError: if the folder holds another training, or there is nothing to resume.
        TrainingError: if the loss is no longer a number; the faces are written to the folder.
    """
    schedule = recipe.schedule
    _open_folder(folder, recipe, resume)
    torch.set_num_threads(threads or torch.get_num_threads())
    batches, held_out = divided(sets, recipe)
    network, average, optimizer = _fresh(recipe, None if resume else batches)
    networks = {"network": network, "average": average}
    state = folder / STATE
    progress = checkpoint.read_state(state, networks, optimizer) if resume else Progress(0, {})
    log = _Log(folder / LOG, progress, schedule)

    with _stoppable() as stopped, closing(batches.stream(progress.step, schedule.steps)) as stream:
        for batch in stream:
            terms = _step(
                network, optimizer, batch, learning_rate(progress.step, schedule), schedule
            )
            _check_finite(terms, progress.step, batch, folder)
            _follow(average, network, averaging(progress.step, schedule))
            progress = _counted(progress, terms)
            last = progress.step == schedule.steps
            if progress.step % schedule.log_every == 0 or last:
                tested = progress.step % schedule.test_every == 0 or last
                log.write(progress, held_out.error(average) if tested else math.nan)
                progress = Progress(progress.step, {})
            if progress.step % schedule.save_every == 0 or last or stopped():
                checkpoint.write_state(state, networks, optimizer, progress)
            if stopped():
                logger.warning("stopped after step %d; go on with --resume", progress.step)
                break
    return Trained(average, held_out, folder, finished=progress.step == schedule.steps)


def learning_rate(step: int, schedule: ScheduleConfig) -> float:
    """The rate of a step, from 0.

    A linear warm-up, then a cosine down to a hundredth (Loshchilov and Hutter, ICLR 2017); or, as
    3DDFA learned, a low one, then the highest, then lower by the factor from each milestone on.
    """
    if schedule.decay == "steps":
        passed = sum(step / schedule.steps >= share for share in schedule.milestones)
        return schedule.learning_rate * schedule.factor ** (1 if step < schedule.warmup else passed)
    if step < schedule.warmup:
        return schedule.learning_rate * (step + 1) / schedule.warmup
    done = (step - schedule.warmup) / max(1, schedule.steps - schedule.warmup)
    return schedule.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def averaging(step: int, schedule: ScheduleConfig) -> float:
    """The decay of the weights' moving average in a step, from 0; it hears more of the first."""
    return min(schedule.ema, (1 + step) / (10 + step))


def divided(sets: list[list[Sample]], recipe: Recipe) -> tuple[Batches, HeldOut]:
    """The faces to learn from, and those kept apart."""
    names = {sample.landmarks.scheme.name for samples in sets for sample in samples}
    labeler = Labeler(recipe.scheme, tuple(names))
    split = [hold_out(samples, recipe.schedule.hold_out) for samples in sets]
    batches = Batches([learned for learned, _ in split], recipe, labeler)
    marked = [  # by people: what a teacher says measures nothing
        kept if data.labels is None else []
        for (_, kept), data in zip(split, recipe.data, strict=True)
    ]
    return batches, HeldOut(marked, recipe, labeler)


def _fresh(
    recipe: Recipe, batches: Batches | None
) -> tuple[Network, Network, torch.optim.Optimizer]:
    """The network to begin with, the average that follows it, and what teaches it.

    Without batches it is to be filled by the caller, and starts from nothing.
    """
    torch.manual_seed(recipe.schedule.seed)
    network = build(recipe.model)
    if batches is not None:
        some = [batches[number] for number in range(MEASURED)]
        if recipe.start is None or recipe.fresh:
            targets = [batch.target for batch in some]
            network.prepare(_mean_face(targets), _fits(targets))
        if recipe.start is not None:
            begin(network, recipe.start, recipe.fresh, [batch.crops for batch in some])
        graft(network, recipe.graft, recipe.fresh, [batch.crops for batch in some])
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, copy.deepcopy(network).eval(), optimizer_of(network, recipe.schedule)


def _mean_face(targets: list[Target]) -> Tensor:
    """The mean shape (L, 2) of some faces, mirrored as often as not."""
    points = [t.points.where(t.known[..., None] > 0, torch.nan).numpy() for t in targets]
    return torch.from_numpy(mean_face(np.concatenate(points))).float()


def _fits(targets: list[Target]) -> Tensor | None:
    """The fits of some faces, (N, 12 + K); None where there are none."""
    known = [target.coefficients for target in targets if target.coefficients is not None]
    rows = torch.cat(known) if known else torch.empty(0)
    rows = rows[rows.isfinite().all(dim=1)] if len(rows) else rows
    return rows if len(rows) > 1 else None


def optimizer_of(network: Network, schedule: ScheduleConfig) -> torch.optim.Optimizer:
    """What teaches a network; what has one dimension, as norms and biases, is not decayed."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": schedule.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=schedule.learning_rate, momentum=MOMENTUM)
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, fused=True)


def _step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    rate: float,
    schedule: ScheduleConfig,
) -> dict[str, float]:
    """Learn one batch; the loss's terms."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    network.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=schedule.precision == "bf16"):
        output = network(batch.crops)
    terms = network.loss(output, batch.target)
    total: Tensor = torch.stack(list(terms.values())).sum()
    optimizer.zero_grad()
    if torch.isfinite(total):
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), schedule.clip)
        optimizer.step()
    return {name: float(value.detach()) for name, value in terms.items()}


@torch.no_grad()
def _follow(average: Network, network: Network, decay: float) -> None:
    """Move the average a little towards the network, its batch statistics too."""
    theirs, ours = network.state_dict(), average.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_(
        [ours[name] for name in floats], [theirs[name] for name in floats], 1 - decay
    )


def _counted(progress: Progress, terms: dict[str, float]) -> Progress:
    sums = {name: progress.sums.get(name, 0.0) + value for name, value in terms.items()}
    sums["steps"] = progress.sums.get("steps", 0.0) + 1
    return Progress(progress.step + 1, sums)


def _check_finite(terms: dict[str, float], step: int, batch: Batch, folder: Path) -> None:
    if all(map(math.isfinite, terms.values())):
        return
    path = folder / f"not-finite-{step}.json"
    said = {"step": step, "loss": {k: str(v) for k, v in terms.items()}, "faces": batch.names}
    write_whole(path, json.dumps(said, indent=1).encode())
    raise TrainingError(
        f"step {step}: the loss is not a number ({terms}); the batch's faces are in {path}. "
        "Lower schedule.learning_rate, or look at these faces; the state before is kept"
    )


def _open_folder(folder: Path, recipe: Recipe, resume: bool) -> None:
    path, text = folder / RECIPE, config.to_yaml(recipe)
    if resume:
        if not (folder / STATE).is_file():
            raise RecipeError(f"{folder}: expected {STATE} to resume from, found none")
        if config.read(Recipe, path) != recipe:  # an earlier version wrote fewer settings
            raise RecipeError(f"{path}: is not the recipe to resume with; nothing may change")
    elif (folder / STATE).exists():
        raise RecipeError(f"{folder}: holds a training already; resume it or name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())


@contextmanager
def _stoppable() -> Iterator["_Stop"]:
    """Ctrl-C and SIGTERM ask the loop to end after its step; a second Ctrl-C ends at once."""
    stop = _Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stop:
    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        return self._asked

    def ask(self, number: int, frame: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True


class _Log:
    """One CSV line per `log_every` steps; what was written after the resumed step is dropped."""

    def __init__(self, path: Path, progress: Progress, schedule: ScheduleConfig) -> None:
        self._path = path
        self._schedule = schedule
        self._start = time.monotonic(), progress.step
        lines = path.read_text().splitlines() if path.exists() and progress.step else []
        kept = [line for line in lines[1:] if int(line.partition(",")[0]) <= progress.step]
        self._lines = lines[:1] + kept

    def write(self, progress: Progress, error: float) -> None:
        """Add a line: means of the loss terms since the last one, and the held-out error."""
        terms = {k: v / progress.sums["steps"] for k, v in progress.sums.items() if k != "steps"}
        if not self._lines:
            self._lines = [",".join(["step", "learning_rate", *terms, "held_out_error"])]
        rate = learning_rate(progress.step - 1, self._schedule)
        values = [progress.step, f"{rate:.6g}", *(f"{v:.6g}" for v in terms.values())]
        shown = "" if math.isnan(error) else f"{error:.5f}"
        self._lines.append(",".join(map(str, [*values, shown])))
        write_whole(self._path, ("\n".join(self._lines) + "\n").encode())
        since, first = self._start
        pace = (progress.step - first) / max(1e-9, time.monotonic() - since)
        loss = "  ".join(f"{name} {value:.4f}" for name, value in terms.items())
        tested = f"  held-out error {100 * error:.2f} %" if shown else ""
        logger.info("step %d  %s%s  %.1f steps/s", progress.step, loss, tested, pace)
