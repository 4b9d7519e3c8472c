from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.datasets import Sample
from canthus.errors import RecipeError, WeightsError
from canthus.export import export_onnx
from canthus.models import DprConfig, HourglassConfig, MusicaConfig, build
from canthus.models.dpr import WHOLE, WIDE
from canthus.models.layers.regressors import Slim
from canthus.runtime.backend import OnnxBackend
from canthus.runtime.weights import find
from canthus.training import checkpoint, finish, fit, start
from canthus.training.batches import Batches
from canthus.training.finish import manifest_of, to_bytes
from canthus.training.labels import Labeler
from canthus.training.recipe import Recipe
from canthus.training.start import begin, graft, unfolded


def test_a_training_goes_on_from_the_weights_that_it_names(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    first = fit([samples], recipe, tmp_path / "first")
    weights = finish(first, recipe)
    # so slow that what it starts from is what it ends with
    schedule = replace(recipe.schedule, steps=1, learning_rate=1e-12)

    second = fit([samples], replace(recipe, start=str(weights), schedule=schedule), tmp_path / "b")

    ours, theirs = second.network.state_dict(), first.network.state_dict()
    torch.testing.assert_close(ours["heads.0.weight"], theirs["heads.0.weight"])


def test_of_several_weights_a_training_begins_with_the_mean(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    again = replace(recipe, schedule=replace(recipe.schedule, seed=recipe.schedule.seed + 1))
    files = [
        str(finish(fit([samples], each, tmp_path / name), each))
        for name, each in (("first", recipe), ("second", again))
    ]
    network = build(recipe.model)

    begin(network, files, (), [crops_of(samples, recipe)])

    first, second = (checkpoint.read_tensors(Path(file))[0] for file in files)
    for name, value in network.state_dict().items():
        if value.is_floating_point() and not name.startswith(start.CALIBRATED):
            torch.testing.assert_close(value, (first[name] + second[name]) / 2)
    assert not torch.equal(first["heads.0.weight"], second["heads.0.weight"])


def test_the_mean_of_different_networks_is_refused(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    other = replace(recipe, model=HourglassConfig(stem=16, widths=(16, 16)))
    files = [
        str(finish(fit([samples], each, tmp_path / name), each))
        for name, each in (("first", recipe), ("second", other))
    ]

    with pytest.raises(WeightsError, match=r"second.*: expected the same tensors as in .*first"):
        begin(build(recipe.model), files, (), [crops_of(samples, recipe)])


def test_weights_of_another_network_are_refused(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    weights = finish(fit([samples], recipe, tmp_path / "first"), recipe)
    other = replace(recipe, model=HourglassConfig(stem=16, widths=(16, 16)), start=str(weights))

    with pytest.raises(
        WeightsError, match=r"does not fit the recipe's model: expected .*; and \d+ more$"
    ):
        fit([samples], other, tmp_path / "second")


@pytest.fixture
def exported(samples: list[Sample], recipe: Recipe, tmp_path: Path) -> Path:
    """The ONNX file of a training that has seen a little."""
    longer = replace(recipe, schedule=replace(recipe.schedule, steps=20, learning_rate=3e-3))
    trained = fit([samples], longer, tmp_path / "first")
    path = tmp_path / "first.onnx"
    export_onnx(finish(trained, longer), path)
    return path


def test_an_onnx_file_is_unfolded_into_a_network_that_answers_as_it_does(
    exported: Path, samples: list[Sample], recipe: Recipe
) -> None:
    crops = crops_of(samples, recipe)

    network = unfolded(exported, [crops])

    with torch.no_grad():
        found = network.eval()(crops)[-1]
        learning = network.train()(crops)[-1]
    whole = (255 * crops).round().permute(0, 2, 3, 1).numpy().astype(np.uint8)
    apart = OnnxBackend(exported).run(whole)["points"] - network.decode([found]).points.numpy()
    # what training measured at its end, how far the labels lean to the right, is not learned
    np.testing.assert_allclose(apart[..., 0], apart[..., 0].mean(), atol=1e-3)
    np.testing.assert_allclose(apart[..., 1], 0, atol=1e-3)
    # the norms expect what they see, so that learning begins where the file ended
    torch.testing.assert_close(learning, found, atol=2e-2 * float(found.std()), rtol=0)


def test_a_training_goes_on_from_an_onnx_file(
    exported: Path, samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, start=str(exported), fresh=("heads",))
    crops = crops_of(samples, recipe)
    network = build(recipe.model)
    fresh = network.state_dict()["heads.0.weight"].clone()

    begin(network, str(exported), ("heads",), [crops])

    ours, theirs = network.state_dict(), unfolded(exported, [crops]).state_dict()
    torch.testing.assert_close(
        ours["bodies.0.after.body.0.0.weight"], theirs["bodies.0.after.body.0.0.weight"]
    )
    torch.testing.assert_close(ours["heads.0.weight"], fresh)


@pytest.mark.parametrize("name", ["lgrn", "musica", "tddfa", "dpr-gsr"])
def test_an_onnx_file_of_more_than_convolutions_is_no_start(name: str) -> None:
    with pytest.raises(WeightsError, match=r"convolutions alone, found [a-z0-9_.]+;"):
        unfolded(find(name), [torch.rand(2, 3, 128, 128)])


def test_a_part_that_is_not_there_is_named(exported: Path, recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="expected parts of the model, found 'stems'"):
        begin(build(recipe.model), str(exported), ("stems",), [torch.rand(2, 3, 64, 64)])


def test_a_part_of_a_network_begins_as_a_whole_model_of_another_family(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    weights = hourglass(recipe, WHOLE, tmp_path)
    network = build(DprConfig(scheme="68"))
    first = network.state_dict()["reinit.heads.0.weight"].clone()

    graft(network, {"regress": str(weights)}, (), [torch.rand(2, 3, 64, 64)])

    ours, theirs = network.state_dict(), checkpoint.read_tensors(weights)[0]
    for name in ("stem.0.0.weight", "bodies.0.after.body.0.0.weight", "heads.0.weight"):
        torch.testing.assert_close(ours[f"regress.{name}"], theirs[name])
    torch.testing.assert_close(ours["reinit.heads.0.weight"], first)


def test_musicas_trunk_begins_as_an_hourglass(recipe: Recipe, tmp_path: Path) -> None:
    weights = hourglass(recipe, WHOLE, tmp_path)
    network = build(MusicaConfig(stem=WHOLE.stem, widths=WHOLE.widths))

    graft(
        network,
        {"trunk": str(weights)},
        ("trunk.heads", "trunk.finest"),
        [torch.rand(2, 3, 64, 64)],
    )

    ours, theirs = network.state_dict(), checkpoint.read_tensors(weights)[0]
    for name in ("stem.0.0.weight", "bodies.0.after.body.0.0.weight"):
        torch.testing.assert_close(ours[f"trunk.{name}"], theirs[name])


def test_within_a_grafted_part_some_may_keep_their_fresh_weights(
    recipe: Recipe, tmp_path: Path
) -> None:
    weights = hourglass(recipe, replaced(WIDE, last=128), tmp_path)
    network = build(DprConfig(scheme="68", size=64, wide=True))
    inner = "regress.bodies.0.inside.inside"
    fresh = ("regress", *(f"{inner}.{name}" for name in ("before", "inside", "after")))
    before = {name: value.clone() for name, value in network.state_dict().items()}

    graft(network, {"regress": str(weights)}, fresh, [torch.rand(2, 3, 64, 64)])

    ours, theirs = network.state_dict(), checkpoint.read_tensors(weights)[0]
    skip = "bodies.0.inside.inside.skip.0.body.0.0.weight"
    torch.testing.assert_close(ours[f"regress.{skip}"], theirs[skip])
    kept = f"{inner}.before.body.0.0.weight"
    torch.testing.assert_close(ours[kept], before[kept])


def hourglass(recipe: Recipe, shape: Slim, folder: Path) -> Path:
    """The weights of an hourglass that nobody trained."""
    config = HourglassConfig(stem=shape.stem, widths=shape.widths, fine=shape.fine)
    one = replace(recipe, model=config, crop=replace(recipe.crop, size=64))
    weights = folder / "hourglass.safetensors"
    weights.write_bytes(to_bytes(build(config), manifest_of(one)))
    return weights


def replaced(shape: Slim, last: int) -> Slim:
    """The same, with another width in its middle."""
    return shape._replace(widths=(*shape.widths[:-1], last))


def test_a_graft_on_no_part_is_named(exported: Path, recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="expected parts of the model, found 'local'"):
        graft(build(recipe.model), {"local": str(exported)}, (), [torch.rand(2, 3, 64, 64)])


def crops_of(samples: list[Sample], recipe: Recipe) -> torch.Tensor:
    return Batches([samples], recipe, Labeler(recipe.scheme, ("68",)))[0].crops
