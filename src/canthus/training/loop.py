"""The one training loop: it reads top to bottom, and every family goes through it."""

import copy
import json
import logging
import math
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
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
from canthus.storage import prepare_folder, write_whole
from canthus.training import checkpoint, processes, streams
from canthus.training.batches import Batch, Batches, as_input, parts_of
from canthus.training.checkpoint import Progress
from canthus.training.labels import Labeler
from canthus.training.picture import draw_log
from canthus.training.recipe import Recipe, ScheduleConfig
from canthus.training.start import begin, graft
from canthus.training.testing import HeldOut

logger = logging.getLogger(__name__)

STATE, LOG, RECIPE = "state.safetensors", "log.csv", "recipe.yaml"
MOMENTUM = 0.9  # of SGD
MEASURED = 8  # batches on which the norms of weights to start from are measured


@dataclass(frozen=True)
class Hardware:
    """What of a machine a training uses.

    Attributes:
        device: where the network is: by default on the GPU, if there is one.
        threads: cores to use, as far as torch is concerned; its own choice by default.
        workers: processes that prepare batches, as `streams.made_ahead` has them.
    """

    device: processes.Device = "auto"
    threads: int | None = None
    workers: int = 0


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
    minutes: float | None = None,
    lenient: bool = False,
    hardware: Hardware = Hardware(),
) -> Trained:
    """Train a recipe's model on samples.

    The folder receives the recipe, a log and the state, from which `resume=True` goes on as if
    nothing had happened: on the same CPU the outcome is the same to the last bit. Ctrl-C or
    SIGTERM ends a training after the running step, with its state written.

    In several processes (see `processes`), each takes its share of every batch, and the first one
    writes the files.

    Args:
        sets: the samples of each of the recipe's data sets, in its order.
        recipe: what to learn, and how.
        folder: where everything goes.
        resume: go on from the folder's state.
        minutes: after which to end as if somebody had pressed Ctrl-C; never by default.
        lenient: read all pictures first, go on without the faces of those that cannot be, and say
            which. By default the first such picture ends the training.
        hardware: what of the machine to use.

    Raises:
        RecipeError: if the folder holds another training, or there is nothing to resume; or if
            the processes cannot share batches evenly.
        TrainingError: if the loss is no longer a number (the faces are written to the folder), a
            worker dies, there is no such device, or it fails or has too little memory.
        ImageError: if a picture cannot be read; of all pictures, if lenient.
    """
    schedule, first = recipe.schedule, processes.number() == 0
    _open_folder(folder, recipe, resume)
    torch.set_num_threads(hardware.threads or torch.get_num_threads())
    batches, held_out = divided(sets, recipe)
    device, state = processes.device(hardware.device), folder / STATE
    made, read = streams.made_ahead(batches, hardware.workers), _reading(batches, held_out, lenient)
    with read, _stoppable(minutes) as stopped, made as ahead:
        seen = None if resume or not first else batches
        network, average, optimizer = _fresh(recipe, seen, device)
        networks, progress = {"network": network, "average": average}, Progress(0, {})
        if resume:
            progress = checkpoint.read_state(state, networks, optimizer)
        log = _Log(folder / LOG, progress, schedule)
        for batch in ahead(range(progress.step, schedule.steps)):
            terms = _step(network, optimizer, batch, progress.step, schedule)
            _check_finite(terms, progress.step, batches, folder)
            _follow(average, network, averaging(progress.step, schedule))
            progress = _counted(progress, terms)
            last, stop = progress.step == schedule.steps, processes.any_of(stopped())
            if first and (progress.step % schedule.log_every == 0 or last):
                tested = progress.step % schedule.test_every == 0 or last
                error = held_out.error(average) if tested else math.nan
                log.write(progress, error)
                progress = Progress(progress.step, {})
            if first and (progress.step % schedule.save_every == 0 or last or stop):
                checkpoint.write_state(state, networks, optimizer, progress)
            if stop:
                logger.warning("stopped after step %d; go on with --resume", progress.step)
                break
    return Trained(average.cpu(), held_out, folder, finished=progress.step == schedule.steps)


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
    recipe: Recipe, batches: Batches | None, device: torch.device
) -> tuple[Network, Network, torch.optim.Optimizer]:
    """The network to begin with, the average that follows it, and what teaches it.

    Without batches it starts from nothing: a state is to fill it, or the first process's network.
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
    network.to(device)
    processes.begin_alike(network)
    average = copy.deepcopy(network).eval()
    processes.share_norms(network)
    return network, average, optimizer_of(network, recipe.schedule)


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
    step: int,
    schedule: ScheduleConfig,
) -> dict[str, float]:
    """Learn one batch; the loss's terms."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(step, schedule)
    network.train()
    torch.manual_seed((schedule.seed << 32) + step)  # a resumed training draws what it would have
    optimizer.zero_grad()
    with _gpu_failures_explained(step, schedule):
        terms = gradients(network, batch, schedule)
        norm = float(torch.nn.utils.clip_grad_norm_(network.parameters(), schedule.clip))
        if not math.isfinite(norm):
            return terms | {"gradient": norm}
        if all(map(math.isfinite, terms.values())):
            optimizer.step()
    return terms


@contextmanager
def _reading(batches: Batches, held_out: HeldOut, lenient: bool) -> Generator[None, None, None]:
    """If lenient, go on without faces whose pictures cannot be read; say so before and after."""
    wrong = [*batches.spare(), *held_out.spare()] if lenient else []
    for each in wrong:
        logger.warning("left out: %s", each)
    yield
    if wrong:
        logger.warning("%d faces were left out, whose pictures cannot be read", len(wrong))


@contextmanager
def _gpu_failures_explained(step: int, schedule: ScheduleConfig) -> Generator[None, None, None]:
    """Say what a GPU's failure in a step means for a training, and what to do."""
    parts = 2 * schedule.accumulate
    try:
        yield
    except torch.OutOfMemoryError:
        raise TrainingError(
            f"step {step}: the GPU has too little memory for batches of {schedule.batch_size} in "
            f"{schedule.accumulate} parts; begin anew with schedule.accumulate={parts}, or "
            "--resume on a larger one; the last state is whole"
        ) from None
    except torch.AcceleratorError as error:
        raise TrainingError(
            f"step {step}: the GPU failed: {error}; the last state is whole, --resume goes on from "
            "it once the GPU is back, or with --device cpu"
        ) from None


def gradients(network: Network, batch: Batch, schedule: ScheduleConfig) -> dict[str, float]:
    """Add the gradients of a batch to a network's; the loss's terms.

    Of several parts each counts by its share of the known points and blends, or of the fits. So a
    term that is a mean over these is the whole batch's, however it is parted; batch norms see one
    part at a time.

    Args:
        network: in training.
        batch: of several processes, the share of this one.
        schedule: the parts, and the precision.
    """
    sums: dict[str, float] = {}
    device = next(network.parameters()).device
    targets = processes.objects(batch.target)
    for seen, known, weight in parts_of(batch.pixels, targets, schedule.accumulate):
        crops = as_input(seen.to(device))
        target = processes.mapped(known, lambda tensor: tensor.to(device))
        with torch.autocast(device.type, torch.bfloat16, enabled=schedule.precision == "bf16"):
            output = network(crops)
        terms = network.loss(processes.whole(output, len(crops)), target)
        total: Tensor = weight * torch.stack(list(terms.values())).sum()
        if torch.isfinite(total):
            total.backward()  # type: ignore[no-untyped-call]
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + weight * float(value.detach())
    processes.add_gradients(network)
    return sums


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


def _check_finite(terms: dict[str, float], step: int, batches: Batches, folder: Path) -> None:
    if all(map(math.isfinite, terms.values())):
        return
    path, losses = folder / f"not-finite-{step}.json", {k: str(v) for k, v in terms.items()}
    said = {"step": step, "loss": losses, "faces": batches.names(step)}
    if processes.number() == 0:
        write_whole(path, json.dumps(said, indent=1).encode())
    raise TrainingError(
        f"step {step}: the loss is not a number ({terms}); the batch's faces are in {path}. "
        "Lower schedule.learning_rate, or look at these faces; the state before is kept"
    )


def _open_folder(folder: Path, recipe: Recipe, resume: bool) -> None:
    processes.check(recipe.schedule)
    path, text = folder / RECIPE, config.to_yaml(recipe)
    if resume:
        if not (folder / STATE).is_file():
            raise RecipeError(f"{folder}: expected {STATE} to resume from, found none")
        if config.read(Recipe, path) != recipe:  # an earlier version wrote fewer settings
            raise RecipeError(f"{path}: is not the recipe to resume with; nothing may change")
    elif (folder / STATE).exists():
        raise RecipeError(f"{folder}: holds a training already; resume it or name another folder")
    if processes.number() == 0:
        prepare_folder(folder)
        write_whole(path, text.encode())


@contextmanager
def _stoppable(minutes: float | None) -> Iterator["_Stop"]:
    """Ctrl-C and SIGTERM ask the loop to end after its step; a second Ctrl-C ends at once.

    So does the clock, once.
    """
    stop = _Stop(math.inf if minutes is None else time.monotonic() + 60 * minutes)
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stop:
    def __init__(self, end: float) -> None:
        self._asked = False
        self._end = end

    def __call__(self) -> bool:
        return self._asked or time.monotonic() >= self._end

    def ask(self, number: int, frame: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True


class _Log:
    """One CSV line per `log_every` steps; what was written after the resumed step is dropped.

    Drawn anew beside it at every test.
    """

    def __init__(self, path: Path, progress: Progress, schedule: ScheduleConfig) -> None:
        self._path = path
        self._schedule = schedule
        self._start = time.monotonic(), progress.step
        try:
            lines = path.read_text().splitlines() if path.exists() and progress.step else []
            kept = [line for line in lines[1:] if int(line.partition(",")[0]) <= progress.step]
        except ValueError as error:  # also of bytes that are no text
            raise TrainingError(
                f"{path}: expected the log of this training, found: {error}; move it away to go on "
                "with a new one"
            ) from None
        self._lines = lines[:1] + kept

    def write(self, progress: Progress, error: float) -> None:
        """Add a line: means of the loss terms since the last one, and the held-out error."""
        terms = {k: v / progress.sums["steps"] for k, v in progress.sums.items() if k != "steps"}
        if not self._lines:
            self._lines = [",".join(["step", "learning_rate", *terms, "held_out_error"])]
        rate = learning_rate(progress.step - 1, self._schedule)
        values = [progress.step, f"{rate:.6g}", *(f"{v:.6g}" for v in terms.values())]
        cell = "" if math.isnan(error) else f"{error:.5f}"
        self._lines.append(",".join(map(str, [*values, cell])))
        write_whole(self._path, ("\n".join(self._lines) + "\n").encode())
        if progress.step % self._schedule.test_every == 0 or progress.step == self._schedule.steps:
            draw_log(self._path, self._path.with_suffix(".svg"))
        since, first = self._start
        pace = (progress.step - first) / max(1e-9, time.monotonic() - since)
        loss = "  ".join(f"{name} {value:.4f}" for name, value in terms.items())
        tested = f"  held-out error {100 * error:.2f} %" if cell else ""
        logger.info("step %d  %s%s  %.1f steps/s", progress.step, loss, tested, pace)
