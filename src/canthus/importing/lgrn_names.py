"""The names of tensors in L-GRN's checkpoints: which of theirs is which of ours."""

import re

from canthus.models import Lgrn
from canthus.models.layers.hrnet import BRANCHES
from canthus.models.layers.mobilenet import LEVELED, InvertedResidual

OURS_ALONE = ("ellipses.", "scores.", "sideways", "mean", "bias")  # not in a checkpoint
COUNTER = "num_batches_tracked"  # of batches, by norms; of no use to ours
KINDS = ("conv", "bn")

NODES = "predictor.map_to_node."
STATIC, DYNAMIC = "predictor.sem_gcn.", "predictor.g_net."
# Names of ours as patterns, and of theirs; tried in turn, the first that fits counts.
RULES: tuple[tuple[str, str], ...] = (
    (r"nodes\.conv\.(.+)", NODES + r"conv_out.\1"),
    (r"nodes\.enter([23])\.(.+)", NODES + r"conv_out\1_a.\2"),
    (r"nodes\.enter4\.(.+)", NODES + r"conv_out4.\1"),
    (r"nodes\.join(\d+)\.(.+)", NODES + r"conv\1.\2"),
    (r"nodes\.down([23])\.(.+)", NODES + r"conv_out\1.\2"),
    (r"nodes\.draw\.(.+)", NODES + r"conv_to_node.\1"),
    (r"nodes\.gate(\d+)\.squeeze\.(.+)", NODES + r"att\1.fc.0.\2"),
    (r"nodes\.gate(\d+)\.excite\.(.+)", NODES + r"att\1.fc.2.\2"),
    (r"nodes\.gate(\d+)\.places\.(.+)", NODES + r"att\1.spatial_att.0.\2"),
    (r"head\.relation\.hidden\.(.+)", DYNAMIC + r"relation_learner.fc.0.\1"),
    (r"head\.relation\.norm\.(.+)", DYNAMIC + r"relation_learner.fc.2.\1"),
    (r"head\.relation\.output\.(.+)", DYNAMIC + r"relation_learner.fc.3.\1"),
)
RESNET_RULES = (
    (r"backbone\.stem\.0\.(.+)", r"backbone.conv1.\1"),
    (r"backbone\.stem\.1\.(.+)", r"backbone.bn1.\1"),
)


def original_names(network: Lgrn) -> dict[str, str]:
    """For each tensor of ours, by its name, the original's; those without one left out."""
    return {
        name: _original(name, network)
        for name in network.state_dict()
        if not name.startswith(OURS_ALONE) and COUNTER not in name
    }


def _original(name: str, network: Lgrn) -> str:
    if name.startswith("backbone."):
        kind = network.config.backbone
        if kind in LEVELED:
            return _mobilenet_name(name, network)
        return _hrnet_name(name) if kind in BRANCHES else _resnet_name(name)
    if network.config.head == "fc":
        layers = {"hidden": "fc1", "output": "fc2"}
        layer, tensor = _matched(r"head\.(\w+)\.(\w+)", name)
        return f"predictor.{layers[layer]}.{tensor}"
    if found := _ruled(name, RULES):
        return found
    return _graph_name(name, dynamic=network.config.edges == "dynamic")


def _ruled(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    fits = (found.expand(theirs) for ours, theirs in rules if (found := re.fullmatch(ours, name)))
    return next(fits, "")


def _resnet_name(name: str) -> str:
    if found := _ruled(name, RESNET_RULES):
        return found
    level, rest = _matched(r"backbone\.levels\.(\d+)\.(.+)", name)
    return f"backbone.layer{int(level) + 1}.{_block_name(rest)}"


def _block_name(name: str) -> str:
    """Of a residual block: `2.body.1.0.weight` is `2.conv2.weight` there."""
    place, way, rest = _matched(r"(\d+)\.(body|skip)\.(.+)", name)
    if way == "skip":
        return f"{place}.downsample.{rest}"
    step, layer, tensor = rest.split(".")
    return f"{place}.{KINDS[int(layer)]}{int(step) + 1}.{tensor}"


def _mobilenet_name(name: str, network: Lgrn) -> str:
    if name.startswith("backbone.stem."):
        return name.replace("stem", "conv_bn_relu1")
    level, place, step, layer, tensor = _matched(
        r"backbone\.levels\.(\d+)\.(\d+)\.body\.(\d+)\.(\d)\.(\w+)", name
    )
    block = network.get_submodule(f"backbone.levels.{level}.{place}")
    assert isinstance(block, InvertedResidual)
    last = int(step) == len(block.body) - 1
    number = str(int(step) + int(layer)) if last else f"{step}.{layer}"
    return f"backbone.layer{level}.{place}.conv.{number}.{tensor}"


def _hrnet_name(name: str) -> str:
    if stem := re.fullmatch(r"backbone\.stem\.([01])\.([01])\.(\w+)", name):
        return f"backbone.{KINDS[int(stem[2])]}{int(stem[1]) + 1}.{stem[3]}"
    if first := re.fullmatch(r"backbone\.first\.(.+)", name):
        return f"backbone.layer1.{_block_name(first[1])}"
    if begin := re.fullmatch(r"backbone\.begin\.(\d)\.(.+)", name):
        number = int(begin[1]) + 1
        return f"backbone.transition{number}.{number}.0.{begin[2]}"
    if stage := re.fullmatch(r"backbone\.stages\.(\d)\.(.+)", name):
        name = f"backbone.stage{int(stage[1]) + 2}.{stage[2]}"
        if branch := re.fullmatch(r"(.+\.branches\.\d)\.(.+)", name):
            return f"{branch[1]}.{_block_name(branch[2])}"
        return name.replace("fuse.rows", "fuse_layers")
    return name.replace("enter", "transition1.0")


def _graph_name(name: str, *, dynamic: bool) -> str:
    """Of graph convolutions."""
    start, conv, layers = (DYNAMIC, "g_conv", "g_") if dynamic else (STATIC, "gconv", "gconv_")
    tensors = {"weight": "W", "edges": "e", "bias": "bias"}
    if out := re.fullmatch(r"head\.output\.(\w+)", name):
        return f"{start}{layers}{'out' if dynamic else 'output'}.{tensors[out[1]]}"
    place, layer, tensor = _matched(r"head\.(.+)\.(conv|norm)\.(\w+)", name)
    last = f"bn.{tensor}" if layer == "norm" else f"{conv}.{tensors[tensor]}"
    if place == "input":
        return f"{start}{layers}input.{'' if dynamic else '0.'}{last}"
    number, half = _matched(r"blocks\.(\d+)\.(first|second)", place)
    step = ("first", "second").index(half) + 1
    return f"{start}{layers}layers.{number}.{'g_block' if dynamic else 'gconv'}{step}.{last}"


def _matched(pattern: str, name: str) -> tuple[str, ...]:
    found = re.fullmatch(pattern, name)
    if found is None:
        raise ValueError(f"expected a tensor of L-GRN, found {name}")
    return found.groups()
