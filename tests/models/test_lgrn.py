"""L-GRN as ours trains it: places about a mean face, sizes, graphs, and what is decayed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.learning import learn, settle
from tests.models.lgrn_recipes import faces
from torch import Tensor

from canthus import config as configs
from canthus.datasets import synthetic
from canthus.errors import RecipeError
from canthus.export import export_onnx
from canthus.models import Lgrn, LgrnConfig, Network, build
from canthus.models.layers.graph_layers import GraphHead
from canthus.models.layers.graphs import graph_of
from canthus.recipes import HERE, find_recipe
from canthus.runtime.manifest import Manifest
from canthus.training import read_recipe
from canthus.training.finish import to_bytes
from canthus.training.loop import optimizer_of

SMALL = LgrnConfig(backbone="mobilenet_c", node_width=16, width=16, blocks=1, size=64)
NAMES = sorted(path.stem for path in HERE.glob("lgrn-wflw-*.yaml"))


def drawn(size: int) -> Tensor:
    """Drawn faces and two ramps: what norms should expect besides noise."""
    rng, ramp = np.random.default_rng(0), np.linspace(0, 255, size)
    pictures = [synthetic.draw(rng, size=size).image for _ in range(6)]
    pictures += [np.broadcast_to(ramp[:, None], (size, size, 3))]
    pictures += [np.broadcast_to(ramp[:, None, None], (size, size, 3))]
    return torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("head", ["graph", "fc"])
def test_fresh_weights_say_the_mean_face(head: Any) -> None:
    torch.manual_seed(0)
    network = Lgrn(replace(SMALL, head=head)).eval()
    face = torch.rand(98, 2)
    network.prepare(face)

    points = network.predict(torch.rand(2, 3, 64, 64)).points

    low, high = points[0].amin(dim=0), points[0].amax(dim=0)
    assert (high - low).max().item() == pytest.approx(0.77 * 64, abs=2)
    torch.testing.assert_close((low + high) / 2, torch.full((2,), 31.5), atol=2, rtol=0)


@pytest.mark.parametrize("output", ["clean", "published"])
@pytest.mark.parametrize("size", [32, 96, 160])
def test_crops_of_other_sizes_are_brought_to_the_networks_own(output: Any, size: int) -> None:
    torch.manual_seed(0)
    network = Lgrn(replace(SMALL, output=output)).eval()
    crops = torch.rand(2, 3, 64, 64)
    other = torch.nn.functional.interpolate(crops, (size, size), mode="bilinear", antialias=True)
    again = torch.nn.functional.interpolate(other, (64, 64), mode="bilinear", antialias=True)

    found, own = network(other).points, network(again).points

    torch.testing.assert_close((found + 0.5) * (64 / size) - 0.5, own, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("size", [32, 96, 224])
@pytest.mark.parametrize("scheme", ["29", "68", "98"])
def test_any_size_and_scheme_will_do(size: int, scheme: Any) -> None:
    network = Lgrn(replace(SMALL, size=size, scheme=scheme, graph="symmetric")).eval()

    found = network.predict(torch.rand(1, 3, size, size))

    assert found.points.shape == (1, int(scheme), 2)


def test_published_pixels_are_standardized_with_blue_first() -> None:
    torch.manual_seed(0)
    network = Lgrn(replace(SMALL, conventions="published", output="published")).eval()
    crops = torch.rand(2, 3, 64, 64)
    crops[1, 1] = 0.25
    pixels = 255 * crops.flip(1)
    deviation = pixels.std(dim=(2, 3), correction=0, keepdim=True)
    deviation[deviation < 1e-6] = 1
    wanted = network.said((pixels - pixels.mean(dim=(2, 3), keepdim=True)) / deviation)

    torch.testing.assert_close(network(crops).points, wanted, atol=1e-4, rtol=1e-4)


def test_a_loss_is_in_pixels_of_a_crop_of_256() -> None:
    network = Lgrn(replace(SMALL, relative_weight=0.0, loss="l1"))
    crops, target = faces(64)
    output = network(crops)

    (loss,) = network.loss(output, target).values()

    torch.testing.assert_close(loss, 4 * (output.points - target.points).abs().mean())


@pytest.mark.parametrize("loss", ["inter-ocular", "inter-ocular-soft-wing"])
def test_losses_over_the_eyes_do_without_unknown_corners(loss: Any) -> None:
    network = Lgrn(replace(SMALL, loss=loss))
    crops, target = faces(64)
    known = target.known.clone()
    known[0, 60] = 0

    terms = network.loss(network(crops), replace(target, known=known))

    assert all(torch.isfinite(term) for term in terms.values())


@pytest.mark.parametrize(
    ("changes", "kind", "both"),
    [
        ({}, "published", False),
        ({"graph": "handmade"}, "handmade", False),
        ({"graph": "symmetric"}, "published", False),
        ({"graph": "symmetric", "relative": "symmetric"}, "symmetric", True),
        ({"relative": "symmetric"}, "published", True),
    ],
)
def test_neighbors_of_the_relative_loss(changes: dict[str, Any], kind: Any, both: bool) -> None:
    network = Lgrn(replace(SMALL, **changes))

    wanted = torch.tensor(graph_of("98", kind).relative(both=both)).float()

    torch.testing.assert_close(network.relation, wanted)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 100}, "size: expected a multiple of 32, found 100"),
        ({"nodes": "multilevel", "backbone": "hrnet_w18"}, "expected a backbone with three maps"),
        ({"nodes": "multilevel", "backbone": "mobilenet_a"}, "found mobilenet_a"),
        ({"heads": 0}, "expected 1 or more"),
        ({"epsilon": 0.0}, "epsilon: expected more than 0"),
        ({"relative_weight": -1.0}, "relative_weight, place_weight and map_weight 0 or more"),
        ({"fills": 1.5}, "fills: expected more than 0 and at most 1"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(SMALL, **changes)


@pytest.mark.parametrize("edges", ["static", "attention", "dynamic", "self"])
def test_edges_norms_and_biases_are_not_decayed(edges: Any) -> None:
    network: Network = build(replace(SMALL, edges=edges, output="clean"))
    optimizer = optimizer_of(network, read_recipe(find_recipe("lgrn-wflw-resnet34")).schedule)
    names = {id(value): name for name, value in network.named_parameters()}
    groups = {
        group["weight_decay"] > 0: {names[id(value)] for value in group["params"]}
        for group in optimizer.param_groups
    }

    last = {name.rpartition(".")[2] for name in groups[True]}
    assert last <= {"weight", "compare"}
    assert not {name for name in groups[True] if ".norm." in name}
    assert "bias" in groups[False]
    kept = {name for name in groups[False] if name.endswith("edges")}
    assert bool(kept) == (edges in ("static", "attention"))
    assert groups[True] | groups[False] == set(names.values())


def test_where_nobody_hears_another_there_are_no_edges() -> None:
    network = Lgrn(replace(SMALL, edges="self"))

    assert isinstance(network.head, GraphHead)
    assert not [name for name, _ in network.named_parameters() if "edges" in name]
    assert sum(p.numel() for p in network.head.parameters()) < sum(
        p.numel() for p in Lgrn(SMALL).head.parameters()
    )


def config_of(name: str) -> LgrnConfig:
    model = read_recipe(find_recipe(name)).model
    assert isinstance(model, LgrnConfig)
    return model


FULL: dict[str, LgrnConfig] = {
    **{name: config_of(name) for name in NAMES},
    "multilevel-dynamic": LgrnConfig(nodes="multilevel", edges="dynamic", graph="symmetric"),
    "attention": LgrnConfig(backbone="resnet18", edges="attention", graph="symmetric"),
    "hrnet": LgrnConfig(backbone="hrnet_w18"),
    "mobilenet_a": LgrnConfig(backbone="mobilenet_a", conventions="published"),
}


@pytest.mark.parametrize("name", FULL)
def test_it_learns_at_full_size_and_its_onnx_file_equals_torch(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    size = 64
    config = replace(FULL[name], size=size)
    network, (crops, target) = build(config), faces(size)
    network.prepare(target.points.mean(dim=0))

    losses = learn(network, crops, target, rate=2e-4, steps=8)

    assert losses[-1] < losses[0]
    settle(network, torch.cat([crops, drawn(size)]))
    source = tmp_path / "full.safetensors"
    manifest = Manifest(
        name="full",
        family="lgrn",
        scheme="98",
        crop_size=size,
        crop_scale=1.3,
        recipe={"model": configs.dump(config)},
    )
    source.write_bytes(to_bytes(network, manifest))
    proof = export_onnx(source, tmp_path / "full.onnx")
    assert proof.points < 1e-3


def test_recipes_differ_in_their_heads_alone() -> None:
    first, recipe = (read_recipe(find_recipe(name)) for name in NAMES)

    assert isinstance(recipe.model, LgrnConfig)
    assert isinstance(first.model, LgrnConfig)
    assert recipe.model.loss == "soft-wing"
    assert (first.model.head, recipe.model.head) == ("graph", "fc")
    assert replace(recipe.model, head="graph") == first.model
    assert replace(recipe, name=first.name, model=first.model) == first


def test_a_recipe_of_another_scheme_is_refused() -> None:
    with pytest.raises(RecipeError, match="scheme 68 has 68 landmarks, the model 98"):
        read_recipe(find_recipe("lgrn-wflw-resnet34"), ["scheme='68'"])
