from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from canthus.errors import RecipeError
from canthus.faces.face_model import FaceModel, Keypoints, read_face_model, write_face_model
from canthus.models import Target, Tddfa, TddfaConfig
from canthus.models.layers.coefficient_losses import CoefficientLoss, pdc, vdc, wpdc, wpdc_weights
from canthus.models.layers.morphable import DEPTH_SHIFT, Morphable, squared
from canthus.models.tddfa import Coefficients
from canthus.training.batches import parts_of

SMALL = TddfaConfig(width=0.25, identities=3, expressions=2, vertices=80, resample=7)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def faced(network: Tddfa) -> Tddfa:
    """With a made-up face model: points in a ball, in the middle of the crop."""
    model = network.model
    model.neutral.copy_(torch.randn(model.neutral.shape))
    model.basis.copy_(0.1 * torch.randn(model.basis.shape))
    pose = torch.tensor([[20.0, 0.0, 0.0, 60.0], [0.0, 20.0, 0.0, 55.0], [0.0, 0.0, 20.0, -9.0]])
    model.mean[:12] = pose.flatten()
    return network.eval()


def target(points: Tensor, coefficients: Tensor | None = None) -> Target:
    count = len(points)
    nothing = torch.zeros(count, 0)
    return Target(
        points=points,
        known=torch.ones(count, 68),
        size=torch.full((count,), 60.0),
        blends=torch.zeros(count, 0, 2),
        blends_known=nothing,
        readout=torch.zeros(0, 68),
        coefficients=coefficients,
    )


def test_a_vertex_is_where_its_pose_takes_it() -> None:
    model = Morphable(2, 1, 1)
    model.neutral.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, 3.0]]))
    model.basis[0, 0, 1], model.basis[1, 1, 0] = 10.0, 7.0
    pose = [0.0, -1.0, 0.0, 5.0, 1.0, 0.0, 0.0, 6.0, 0.0, 0.0, 1.0, 7.0]

    found = model.places(torch.tensor([[*pose, 0.1, 2.0]]))

    # (1, 1, 0) and (14, 2, 3), turned by a quarter and moved
    torch.testing.assert_close(found[0], torch.tensor([[4.0, 7.0, 7.0], [3.0, 20.0, 10.0]]))


@pytest.mark.parametrize(
    ("conventions", "wanted"),
    [("clean", (60.0, 64.0)), ("v1", (60.0, 66.0)), ("v2", (59.0, 65.0))],
)
def test_y_points_down_from_the_row_that_the_conventions_name(
    conventions: Literal["clean", "v1", "v2"], wanted: tuple[float, float]
) -> None:
    # 60 pixels to the right and 55 up from the corner; of 120 rows, the lowest is number 119
    network = faced(Tddfa(replace(SMALL, conventions=conventions)))
    network.model.neutral.zero_()

    found = network.landmarks(Coefficients(torch.zeros(1, 17), 120))

    torch.testing.assert_close(found[0, 0, :2], torch.tensor(wanted))
    torch.testing.assert_close(found[0, 0, 2].abs(), torch.tensor(9.0))
    assert found[0, 0, 2] > 0  # away from the viewer


def test_a_larger_crop_moves_landmarks_by_half_pixels_too() -> None:
    network = faced(Tddfa(SMALL))
    whitened = torch.randn(2, 17)

    once = network.landmarks(Coefficients(whitened, 120))
    twice = network.landmarks(Coefficients(whitened, 240))

    torch.testing.assert_close(twice[..., :2], 2 * (once[..., :2] + 0.5) - 0.5)
    torch.testing.assert_close(twice[..., 2], 2 * once[..., 2])


def fit_of(network: Tddfa, output: Coefficients) -> Tensor:
    """What the network says, as a data set would have it: the camera, then the shape."""
    shape = network.model.colored(output.whitened)[:, 12:]
    return torch.cat([network.camera(output).flatten(1), shape], dim=1)


@pytest.mark.parametrize("size", [120, 240])
@pytest.mark.parametrize("name", ["pdc", "vdc", "wpdc"])
def test_losses_of_coefficients_are_none_at_the_truth(name: CoefficientLoss, size: int) -> None:
    network = faced(Tddfa(replace(SMALL, loss=name)))
    truth = torch.randn(3, 17)
    known = target(torch.zeros(3, 68, 2), fit_of(network, Coefficients(truth, size)))

    there = network.loss(Coefficients(truth, size), known)
    off = network.loss(Coefficients(truth + 0.3, size), known)

    assert there.keys() == {name}
    assert float(there[name]) == pytest.approx(0, abs=1e-7)
    assert float(off[name]) > 1e-4


def test_faces_without_a_fit_are_left_out_of_a_batch() -> None:
    network = faced(Tddfa(replace(SMALL, loss="vdc", resample=0)))
    truth = torch.randn(3, 17)
    fits = fit_of(network, Coefficients(truth, 120))
    fits[1] = torch.nan

    off = truth + torch.tensor([[0.3], [9.0], [0.3]])
    found = network.loss(Coefficients(off, 120), target(torch.zeros(3, 68, 2), fits))
    alone = network.loss(Coefficients(off[::2], 120), target(torch.zeros(2, 68, 2), fits[::2]))

    torch.testing.assert_close(found["vdc"], alone["vdc"])


@pytest.mark.parametrize("name", ["pdc", "vdc", "wpdc", "mesh"])
def test_a_batch_without_a_fit_costs_nothing(name: Literal["pdc", "vdc", "wpdc", "mesh"]) -> None:
    network = faced(Tddfa(replace(SMALL, loss=name)))
    said = torch.randn(2, 17, requires_grad=True)

    terms = network.loss(
        Coefficients(said, 120), target(torch.zeros(2, 68, 2), torch.full((2, 17), torch.nan))
    )
    sum(value for key, value in terms.items() if key != "points").backward()  # type: ignore[union-attr]

    assert {float(value.detach()) for key, value in terms.items() if key != "points"} == {0.0}
    assert said.grad is not None
    assert not said.grad.any()


@pytest.mark.parametrize("count", [2, 3, 6])
@pytest.mark.parametrize("name", ["pdc", "vdc", "wpdc", "mesh"])
def test_parts_with_more_or_fewer_fits_cost_what_the_batch_does(
    name: Literal["pdc", "vdc", "wpdc", "mesh"], count: int
) -> None:
    network = faced(Tddfa(replace(SMALL, loss=name, resample=0)))
    truth, off = torch.randn(6, 17), 0.3 * torch.randn(6, 17)
    fits = fit_of(network, Coefficients(truth, 120))
    fits[[2, 3, 5]] = torch.nan
    batch = target(torch.zeros(6, 68, 2), fits)
    batch.known[1, ::2] = 0

    (whole,), parts = (
        [
            {
                key: weight * value
                for key, value in network.loss(Coefficients(said, 120), of).items()
            }
            for said, of, weight in parts_of(truth + off, [batch], parted)
        ]
        for parted in (1, count)
    )

    for key, wanted in whole.items():
        torch.testing.assert_close(torch.stack([part[key] for part in parts]).sum(), wanted)


def test_fits_of_another_face_model_are_refused() -> None:
    network = faced(Tddfa(replace(SMALL, loss="vdc")))
    with pytest.raises(ValueError, match="expected fits of 17 coefficients, found 19"):
        network.loss(
            Coefficients(torch.zeros(1, 17), 120),
            target(torch.zeros(1, 68, 2), torch.zeros(1, 19)),
        )


def test_landmarks_may_be_learned_beside_coefficients() -> None:
    network = faced(Tddfa(replace(SMALL, loss="wpdc", landmarks=0.1)))
    truth = Coefficients(torch.randn(2, 17), 120)
    points = network.landmarks(truth)[..., :2]

    found = network.loss(truth, target(points + 3.0, fit_of(network, truth)))

    assert float(found["points"]) == pytest.approx(0.1 * 3 * 2**0.5, rel=1e-3)
    assert float(found["wpdc"]) == pytest.approx(0, abs=1e-9)


def test_a_mesh_counts_in_depth_but_not_by_how_far_away_it_is() -> None:
    network = faced(Tddfa(replace(SMALL, loss="mesh", mesh=1.0)))
    truth = Coefficients(torch.randn(2, 17), 120)
    known = target(network.landmarks(truth)[..., :2], fit_of(network, truth))
    further, deeper = truth.whitened.clone(), truth.whitened.clone()
    further[:, DEPTH_SHIFT] += 30
    deeper[:, 10] *= 1.5
    deeper[:, 10] += 3

    there, away, off = (
        network.loss(Coefficients(each, 120), known) for each in (truth.whitened, further, deeper)
    )

    assert float(there["mesh"]) < 1e-4
    torch.testing.assert_close(away["mesh"], there["mesh"], atol=1e-4, rtol=0)
    assert float(off["mesh"]) > 0.01
    torch.testing.assert_close(off["points"], there["points"])


PINNED = replace(SMALL, backbone="pinned", size=64, stem=8, widths=(8, 16, 16), loss="mesh")


def test_a_pinned_network_begins_with_the_pose_that_its_heatmaps_say(tmp_path: Path) -> None:
    network = Tddfa(replace(PINNED, face_model=str(model_of(tmp_path))))
    network.prepare(torch.zeros(68, 2))
    crops = torch.rand(2, 3, 64, 64)

    output = network(crops)

    assert output.seen is not None
    points = output.seen.points
    marks = torch.cat([network.model.neutral[:68], torch.ones(68, 1)], dim=1)
    wanted = marks @ torch.linalg.pinv(marks) @ points  # the nearest map of the mean face
    torch.testing.assert_close(network.landmarks(output)[..., :2], wanted, atol=1e-3, rtol=0)


@torch.no_grad()
def test_a_pinned_network_answers_in_pixels_of_larger_crops_too(tmp_path: Path) -> None:
    network = Tddfa(replace(PINNED, face_model=str(model_of(tmp_path)))).eval()
    network.prepare(torch.zeros(68, 2))
    small = torch.rand(1, 3, 64, 64)
    large = small.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    once, twice = network.predict(small), network.predict(large)

    torch.testing.assert_close(twice.points, 2 * (once.points + 0.5) - 0.5, atol=0.3, rtol=0)
    variances = once.covariance.diagonal(dim1=-2, dim2=-1)
    larger = twice.covariance.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(larger, 4 * variances, rtol=0.1, atol=0)


def test_the_heatmaps_are_taught_the_landmarks(tmp_path: Path) -> None:
    network = Tddfa(replace(PINNED, face_model=str(model_of(tmp_path)))).train()
    network.prepare(torch.zeros(68, 2))
    output = network(torch.rand(2, 3, 64, 64))
    truth = Coefficients(0.3 * torch.randn(2, 17), 64)
    points = network.landmarks(truth)[..., :2]

    terms = network.loss(output, target(points, fit_of(network, truth)))

    assert terms.keys() == {"points", "mesh", "prior", "maps_maps0", "maps_points0"}
    assert output.seen is not None
    off = (output.seen.points - points).square().sum(-1).add(1e-6).sqrt().mean() / 60
    torch.testing.assert_close(terms["maps_points0"], 0.5 * off, rtol=1e-3, atol=0)
    sum(terms.values()).backward()  # type: ignore[union-attr]
    silent = {name for name, each in network.named_parameters() if each.grad is None}
    assert not silent


def test_a_pinned_network_wants_even_halvings() -> None:
    assert replace(PINNED, widths=(8, 16, 16, 16)).granularity == 32
    assert SMALL.granularity == 1


def test_without_fitted_coefficients_their_losses_say_what_to_do() -> None:
    network = faced(Tddfa(replace(SMALL, loss="wpdc")))
    with pytest.raises(ValueError, match="with landmarks alone take loss: points"):
        network.loss(Coefficients(torch.zeros(1, 17), 120), target(torch.zeros(1, 68, 2)))


def test_how_far_away_a_face_is_costs_nothing_but_in_pdc() -> None:
    network = faced(Tddfa(SMALL))
    truth, rows = torch.randn(2, 17), torch.arange(80)
    further = truth.clone()
    further[:, DEPTH_SHIFT] += 2

    assert float(vdc(network.model, further, truth)) == 0
    assert float(wpdc(network.model, further, truth, rows, scale=1.0)) == 0
    assert float(pdc(further, truth)) == pytest.approx(4 / 17)


def test_a_weight_is_how_far_its_coefficient_moves_the_mesh() -> None:
    network = faced(Tddfa(SMALL))
    truth, rows = torch.randn(1, 17), torch.arange(80)
    off = truth + 0.1 * torch.randn(1, 17)

    found = wpdc_weights(network.model, off, truth, rows, scale=20.0)[0]

    moves = []
    for i in range(17):
        one = truth.clone()
        one[:, i] = off[:, i]
        ours, theirs = (network.model.places(network.model.colored(each)) for each in (one, truth))
        apart = ours - theirs
        # shapes move in the model's frame, which the true pose turns and scales
        moves.append(float(apart.square().sum().sqrt()) if i != DEPTH_SHIFT else 0.0)
    wanted = torch.tensor(moves) / max(moves)
    torch.testing.assert_close(found, wanted, atol=0.02, rtol=0.15)
    assert float(found.max()) == 1


def test_landmarks_alone_teach_it() -> None:
    network = faced(Tddfa(replace(SMALL, vertices=68))).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    crops = torch.rand(4, 3, 120, 120)
    points = network.landmarks(Coefficients(0.5 * torch.randn(4, 17), 120))[..., :2]

    losses = []
    for _ in range(25):
        terms = network.loss(network(crops), target(points))
        optimizer.zero_grad()
        sum(terms.values()).backward()  # type: ignore[union-attr]
        optimizer.step()
        losses.append(float(terms["points"].detach()))

    assert losses[-1] < 0.6 * losses[0]
    assert all(each.grad is not None and each.grad.any() for each in network.parameters())


@torch.no_grad()
def test_an_answer_has_depths_and_a_pose() -> None:
    network = faced(Tddfa(SMALL))

    found = network.predict(torch.rand(2, 3, 120, 120))

    assert found.points.shape == (2, 68, 2)
    assert found.depths is not None
    assert found.depths.shape == (2, 68)
    assert found.camera is not None
    assert found.camera.shape == (2, 3, 4)
    assert (found.covariance.diagonal(dim1=-2, dim2=-1) > 0).all()


@torch.no_grad()
def test_the_camera_takes_the_shape_to_the_landmarks() -> None:
    network = faced(Tddfa(SMALL))
    output = network(torch.rand(2, 3, 240, 240))

    found = network.decode(output)

    assert found.camera is not None
    assert found.shape is not None
    model = network.model
    shapes = model.neutral + torch.einsum("bk,kvc->bvc", found.shape, model.basis)
    places = shapes[:, :68] @ found.camera[:, :, :3].transpose(1, 2) + found.camera[:, None, :, 3]
    assert found.depths is not None
    torch.testing.assert_close(places[..., :2], found.points)
    torch.testing.assert_close(places[..., 2], found.depths)


def model_of(folder: Path, vertices: int = 100) -> Path:
    """A face model's file: the 68 points are the first vertices, in millimetres."""
    rng = np.random.default_rng(0)
    model = FaceModel(
        name="made up",
        license="none",
        unit_mm=1.0,
        neutral=40 * rng.normal(size=(vertices, 3)),
        triangles=[[0, 1, 2]],
        keypoints=Keypoints.at(range(68)),
        identity=rng.normal(size=(5, vertices, 3)),
        expression=rng.normal(size=(4, vertices, 3)),
        identity_deviations=[5, 4, 3, 2, 1],
        expression_deviations=[9, 8, 7, 6],
    )
    write_face_model(model, folder / "faces.safetensors")
    return folder / "faces.safetensors"


def test_a_training_begins_with_faces_in_the_middle_of_the_crop(tmp_path: Path) -> None:
    network = Tddfa(replace(SMALL, face_model=str(model_of(tmp_path)), rotation="orthogonal"))

    network.prepare(torch.zeros(68, 2))

    model = network.model
    torch.testing.assert_close(model.spread[12:], torch.tensor([5.0, 4, 3, 9, 8]))
    faces = read_face_model(tmp_path / "faces.safetensors")
    rows = np.linspace(0, 99, 12).astype(int)
    torch.testing.assert_close(model.neutral[68:], torch.tensor(faces.neutral[rows]))
    torch.testing.assert_close(model.basis[3, :68], torch.tensor(faces.expression[0, :68]))
    points = network.landmarks(Coefficients(torch.zeros(1, 17), 120))[0]
    low, high = points[:, :2].amin(dim=0), points[:, :2].amax(dim=0)
    torch.testing.assert_close((low + high) / 2, torch.full((2,), 59.5))
    assert float((high - low).max()) == pytest.approx(120 / 2**0.5, rel=1e-4)
    # above in the model is above in the crop, and what is nearer to the viewer is less deep
    neutral = torch.tensor(faces.neutral[:68])
    assert torch.corrcoef(torch.stack([points[:, 1], neutral[:, 1]]))[0, 1] < -0.99
    assert torch.corrcoef(torch.stack([points[:, 2], neutral[:, 2]]))[0, 1] < -0.99


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"face_model": None}, "face_model: expected a file or open"),
        ({"identities": 6}, "expected 0 to 5 of identity, found 6"),
        ({"vertices": 300}, "made up has 100, expected 232"),
    ],
)
def test_a_face_model_must_be_there_and_large_enough(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    config = replace(SMALL, face_model=str(model_of(tmp_path)))
    with pytest.raises(RecipeError, match=said):
        Tddfa(replace(config, **changes)).prepare(torch.zeros(68, 2))


def test_an_orthogonal_map_is_a_turn_and_one_scale() -> None:
    pose = torch.randn(6, 3, 4)

    found = squared(pose)

    turn = found[:, :, :3]
    scale = pose[:, :2, :3].norm(dim=-1).mean(dim=-1)
    wanted = (scale**2)[:, None, None] * torch.eye(3)
    torch.testing.assert_close(turn @ turn.mT, wanted, atol=1e-4, rtol=1e-4)
    assert (torch.linalg.det(turn) > 0).all()
    torch.testing.assert_close(found[:, :2, 3], pose[:, :2, 3])
    torch.testing.assert_close(squared(found), found)  # what is square already stays


def test_losses_of_free_maps_refuse_others() -> None:
    with pytest.raises(ValueError, match="expected rotation: free"):
        TddfaConfig(rotation="orthogonal", loss="wpdc")


def test_fewer_vertices_than_landmarks_are_refused() -> None:
    with pytest.raises(ValueError, match="vertices: expected 68 or more, found 60"):
        TddfaConfig(vertices=60)
    with pytest.raises(ValueError, match="resample: expected 0 or more"):
        TddfaConfig(resample=-1)


def test_coefficients_are_whitened_by_the_faces_of_a_training(tmp_path: Path) -> None:
    config = replace(SMALL, face_model=str(model_of(tmp_path)), loss="pdc")
    network = Tddfa(config)
    network.prepare(torch.zeros(68, 2))
    fits = fit_of(network, Coefficients(torch.randn(200, 17), 120))

    other = Tddfa(config)
    other.prepare(torch.zeros(68, 2), fits)
    found, known = other._wanted(fits, 120)

    assert known.all()
    seen = torch.arange(17) != DEPTH_SHIFT
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(17), atol=1e-3, rtol=0)
    torch.testing.assert_close(found.std(dim=0)[seen], torch.ones(16), atol=1e-3, rtol=0)
