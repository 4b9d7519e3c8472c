"""One training in several processes, as `torchrun` starts them; alone, none of this does anything.

Each process takes its share of every batch through the network. The loss is of what all of them
found, so that it is the one that a single process has, whatever it is a mean over.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from canthus.errors import RecipeError, TrainingError
from canthus.training.recipe import ScheduleConfig

T = TypeVar("T")
Device = Literal["auto", "cpu", "cuda"]


@contextmanager
def joined() -> Iterator[bool]:
    """Be one of the processes that `torchrun` has started, or else alone.

    Where there are GPUs, each process has one of its own.

    Yields:
        Whether this is the first of them, which writes the files.
    """
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield True
        return
    gpus = torch.cuda.is_available()
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
    try:
        if gpus:
            torch.cuda.set_device(dist.get_node_local_rank())
        yield number() == 0
    finally:
        dist.destroy_process_group()


def number() -> int:
    """Which of the processes this is, from 0."""
    return dist.get_rank() if _together() else 0


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if _together() else 1


def device(asked: Device = "auto") -> torch.device:
    """Where a training is to be: on this process's GPU, and on the CPU if there is none.

    Args:
        asked: "cpu" or "cuda", to have that one and no other.

    Raises:
        TrainingError: if a GPU is asked for and torch sees none.
    """
    gpu = torch.cuda.is_available()
    if asked == "cuda" and not gpu:
        raise TrainingError(
            "device: expected a GPU for cuda, found none that torch sees; install a build of "
            "torch for yours, or say cpu"
        )
    if asked == "cpu" or not gpu:
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def check(schedule: ScheduleConfig) -> None:
    """See to it that batches can be shared out evenly.

    Raises:
        RecipeError: if they cannot.
    """
    if schedule.batch_size % (count() * schedule.accumulate):
        raise RecipeError(
            f"schedule.batch_size: expected a multiple of {count()} processes times "
            f"schedule.accumulate, {schedule.accumulate}; found {schedule.batch_size}"
        )


def any_of(flag: bool) -> bool:
    """Whether it is so in any process; all get the same answer."""
    if count() == 1:
        return flag
    said = torch.tensor(int(flag))
    dist.all_reduce(said, dist.ReduceOp.MAX)
    return bool(said)


def begin_alike(network: nn.Module) -> None:
    """Give a network the weights of the first process's; and let all draw the same from now on."""
    if count() == 1:
        return
    for value in network.state_dict().values():
        first = value.contiguous()
        dist.broadcast(first, 0)
        value.copy_(first)
    drawn = torch.get_rng_state()
    dist.broadcast(drawn, 0)
    torch.set_rng_state(drawn)


def objects(own: T) -> list[T]:
    """Something small of every process, in their order."""
    if count() == 1:
        return [own]
    found: list[Any] = [None] * count()
    dist.all_gather_object(found, own)
    return found


def whole(output: T, faces: int) -> T:
    """The output for a batch, of which this process has found its share.

    Gradients reach that share alone.

    Args:
        output: tensors of a row or several for each face, (faces, ...) or (n faces, ...), within
            dataclasses, tuples and lists; whatever else is in these stays.
        faces: of the share.
    """
    return output if count() == 1 else mapped(output, partial(_whole, faces=faces))


def add_gradients(network: nn.Module) -> None:
    """Make each gradient the sum of all processes'."""
    if count() == 1:
        return
    own = [p.grad for p in network.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in own])
    dist.all_reduce(flat)
    start = 0
    for gradient in own:
        gradient.copy_(flat[start : start + gradient.numel()].view(gradient.shape))
        start += gradient.numel()


def share_norms(network: nn.Module) -> None:
    """Let batch norms in training see the whole batch, and not their process's share of it."""
    for module in network.modules() if count() > 1 else ():
        if isinstance(module, _BatchNorm):
            module.forward = partial(_normalized, module)  # type: ignore[method-assign]


def mapped(thing: T, change: Callable[[Tensor], Tensor]) -> T:
    """The same with its tensors changed: those within dataclasses, tuples and lists."""
    found: Any = thing
    if isinstance(found, Tensor):
        found = change(found)
    elif is_dataclass(found) and not isinstance(found, type):
        each = {field.name: getattr(found, field.name) for field in fields(found)}
        found = replace(found, **{name: mapped(value, change) for name, value in each.items()})
    elif isinstance(found, tuple | list):
        inside = [mapped(value, change) for value in found]
        found = type(found)(*inside) if hasattr(found, "_fields") else type(found)(inside)
    return found


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()


def _whole(own: Tensor, faces: int) -> Tensor:
    parts = [own.new_empty(own.shape) for _ in range(count())]
    dist.all_gather(parts, own.detach().contiguous())
    parts[number()] = own
    # a network may answer all faces, then all of them again as other views of them
    return torch.cat([part.reshape(-1, faces, *part.shape[1:]) for part in parts], dim=1).flatten(
        0, 1
    )


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; so is its gradient."""

    @staticmethod
    def forward(_: Any, own: Tensor) -> Tensor:
        found = own.clone()
        dist.all_reduce(found)
        return found

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        found = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(found)
        return found


def _normalized(norm: _BatchNorm, x: Tensor) -> Tensor:
    """What a batch norm makes of x, by the statistics of all processes' x.

    `SyncBatchNorm` is for GPUs only.
    """
    wide = x.to(torch.promote_types(x.dtype, torch.float32))
    var, mean = torch.var_mean(wide, [0, *range(2, x.ndim)], correction=0)
    slots = nn.functional.one_hot(torch.tensor(number()), count()).to(mean)
    said = slots[:, None, None] * torch.stack([mean, var])
    said = _Sum.apply(said)  # type: ignore[no-untyped-call]
    mean = said[:, 0].mean(dim=0)
    var = (said[:, 1] + (said[:, 0] - mean).square()).mean(dim=0)
    assert norm.momentum is not None
    with torch.no_grad():
        size = count() * x.numel() / x.shape[1]
        norm.get_buffer("running_mean").lerp_(mean, norm.momentum)
        norm.get_buffer("running_var").lerp_(var * size / (size - 1), norm.momentum)
        norm.get_buffer("num_batches_tracked").add_(1)
    shape = (-1,) + (1,) * (x.ndim - 2)
    slope = norm.weight * torch.rsqrt(var + norm.eps)
    found = (wide - mean.view(shape)) * slope.view(shape) + norm.bias.view(shape)
    return found.to(x.dtype)
