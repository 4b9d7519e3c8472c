"""What a training begins with: fresh weights, an earlier training's, or those of an ONNX file.

In an ONNX file the batch norms are folded into their convolutions. A training needs them back:
each is given the mean and the spread that its inputs have on training crops, and the scale and
shift that undo them, so that the network answers as before and can learn again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.errors import RecipeError, WeightsError
from canthus.models import Network, build, described
from canthus.models.layers.residual import ConvNorm
from canthus.runtime import weights
from canthus.runtime.manifest import FLOAT32, Manifest
from canthus.training import checkpoint

# measured when a training ends, not learned
CALIBRATED = ("ellipses", "ladders", "scores", "sideways")

Folded = dict[str, tuple[Tensor, Tensor]]  # weight and bias of each convolution, by its name


def begin(
    network: Network, start: str | Sequence[str], fresh: Sequence[str], crops: Sequence[Tensor]
) -> None:
    """Fill a network with the weights that a recipe starts from.

    Args:
        network: to fill.
        start: a safetensors file, an ONNX file, or the name of a model inside the package. Of
            several, each tensor begins as the mean of theirs (Wortsman et al., ICML 2022), which
            is of use where trainings went on from the same weights.
        fresh: the parts of the network that keep their fresh weights; and those of the start that
            it does not have.
        crops: training crops, (B, 3, S, S) each, to measure the norms of an ONNX file on.

    Raises:
        RecipeError: if `fresh` names a part that neither has.
        WeightsError: if the weights are damaged or of another network, or several are of
            different ones.
    """
    path, state = _mean_state([start] if isinstance(start, str) else start, crops)
    ours = network.state_dict()
    for part in fresh:
        if not any(_within(name, (part,)) for name in (*ours, *state)):
            raise RecipeError(f"fresh: expected parts of the model, found {part!r}")
    aside = (*fresh, *CALIBRATED)
    kept = {name: value for name, value in ours.items() if _within(name, aside)}
    learned = {name: value for name, value in state.items() if not _within(name, aside)}
    checkpoint.fill(network, kept | learned, path)


def graft(
    network: Network, scions: Mapping[str, str], fresh: Sequence[str], crops: Sequence[Tensor]
) -> None:
    """Let parts of a network begin as whole models of other families.

    Args:
        network: whose other parts keep their weights.
        scions: what each part begins as, as `begin` takes its start; by the part's name.
        fresh: of the network's parts; those within a grafted one keep their fresh weights.
        crops: training crops, as in `begin`.

    Raises:
        RecipeError: if the network has no such part.
        WeightsError: if the weights are damaged, or lack what the part needs.
    """
    for part, start in scions.items():
        path, state = _read_state(start, crops)
        ours = network.state_dict()
        wanted = {name for name in ours if _within(name, (part,))}
        inner = [name for name in fresh if name.startswith(f"{part}.")]
        wanted = {name for name in wanted if not _within(name, inner)}
        if not wanted:
            raise RecipeError(f"graft: expected parts of the model, found {part!r}")
        theirs = {f"{part}.{name}": value for name, value in state.items()}
        taken = {name: value for name, value in theirs.items() if name in wanted}
        kept = {name: value for name, value in ours.items() if name not in wanted}
        checkpoint.fill(network, kept | taken, path)


def _mean_state(starts: Sequence[str], crops: Sequence[Tensor]) -> tuple[Path, dict[str, Tensor]]:
    """The mean of several weights files' tensors, and the first file."""
    (path, first), *others = (_read_state(start, crops) for start in starts)
    shapes = {name: value.shape for name, value in first.items()}
    for other, state in others:
        if {name: value.shape for name, value in state.items()} != shapes:
            raise WeightsError(f"{other}: expected the same tensors as in {path}, found others")
    every = [first, *(state for _, state in others)]
    if not others:
        return path, first
    return path, {
        name: torch.stack([state[name].double() for state in every]).mean(dim=0).to(value.dtype)
        for name, value in first.items()
    }


def _read_state(start: str, crops: Sequence[Tensor]) -> tuple[Path, dict[str, Tensor]]:
    """The weights file that a start names, and its tensors."""
    path = weights.find(start)
    if path.suffix == ".onnx":
        return path, unfolded(path, crops).state_dict()
    return path, checkpoint.read_tensors(path)[0]


@torch.no_grad()
def unfolded(path: Path, crops: Sequence[Tensor]) -> Network:
    """The network of an ONNX file, with its batch norms as a training needs them.

    Raises:
        WeightsError: if the file does not say which network it holds, or holds another, or one
            that is not of convolutions alone.
    """
    manifest, folded = _read(path)
    model = manifest.recipe.get("model")
    if not isinstance(model, Mapping):
        raise WeightsError(f"{path}: its manifest does not say which network it holds")
    network = build(described(model, f"{path}: recipe.model")).eval()
    _check_foldable(network, path)
    _fill_folded(network, folded, path)
    size = manifest.crop_size
    seen = [F.interpolate(each, (size, size), mode="bilinear", antialias=True) for each in crops]
    _undo_norms(network, seen)
    return network


def _read(path: Path) -> tuple[Manifest, Folded]:
    try:
        model = onnx.load(path)
    except Exception as error:  # onnx raises whatever protobuf does
        raise WeightsError(f"{path}: expected an ONNX file, found: {error}") from None
    said = {each.key: each.value for each in model.metadata_props}
    if "canthus" not in said:
        raise WeightsError(f"{path}: carries no manifest of Canthus")
    manifest = Manifest.from_json(said["canthus"], str(path))
    if manifest.precision != FLOAT32:
        raise WeightsError(f"{path}: is on 8-bit integers; begin with the float file")
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    folded = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            name = node.input[1].removeprefix("network.").removesuffix(".weight")
            weight = arrays[node.input[1]]
            bias = arrays[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), "f4")
            folded[name] = torch.tensor(weight), torch.tensor(bias)
    return manifest, folded


def _check_foldable(network: nn.Module, path: Path) -> None:
    linear = (name for name, module in network.named_modules() if isinstance(module, nn.Linear))
    norms = tuple(
        f"{name}." for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)
    )
    told = (  # what only training faces can tell it, as their mean shape tells DPR
        name
        for name, _ in network.named_buffers()
        if not name.startswith(norms) and not _within(name, CALIBRATED)
    )
    other = next(linear, None) or next(told, None)
    if other is not None:
        raise WeightsError(
            f"{path}: expected a network of convolutions alone, found {other}; begin with the "
            ".safetensors file of its training"
        )


def _fill_folded(network: nn.Module, folded: Folded, path: Path) -> None:
    """Give every convolution what the file has for it, and every norm its shift alone."""
    norms = {
        f"{name}.0": inner
        for name, module in network.named_modules()
        if isinstance(module, ConvNorm) and isinstance(inner := module[1], nn.BatchNorm2d)
    }
    for name, module in network.named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        weight, bias = folded.pop(name, (torch.empty(0), torch.empty(0)))
        if weight.shape != module.weight.shape:
            raise WeightsError(
                f"{path}: expected {name} of shape {tuple(module.weight.shape)}, found "
                f"{tuple(weight.shape)}"
            )
        module.weight.copy_(weight)
        norm = norms.get(name)
        if norm is not None and norm.running_var is not None:
            norm.running_var.fill_(1 - norm.eps)
            norm.bias.copy_(bias)
        elif module.bias is not None:
            module.bias.copy_(bias)
    if folded:
        raise WeightsError(f"{path}: expected no convolution named {min(folded)}")


def _undo_norms(network: Network, crops: Sequence[Tensor]) -> None:
    """Let every norm expect what it sees on these crops, and answer as before."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    sums: dict[nn.Module, Tensor] = {
        norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms
    }

    def count(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        values = inputs[0].double().transpose(0, 1).flatten(1)
        counted = torch.full_like(values[:, 0], values.shape[1])
        sums[norm] += torch.stack([counted, values.sum(1), values.square().sum(1)])

    hooks = [norm.register_forward_pre_hook(count) for norm in norms]
    for each in crops:
        network(each)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        counted, total, squares = sums[norm]
        mean = total / counted
        variance = (squares / counted - mean.square()).clamp(min=0)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)


def _within(name: str, parts: Sequence[str]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)
