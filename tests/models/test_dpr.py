from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from canthus.faces import scheme_of
from canthus.models import Dpr, DprConfig
from canthus.models.dpr import MOST_DOUBT, USUAL_DOUBT, part_mean, parts_of, upright
from canthus.models.layers import affine

PUBLISHED = DprConfig(networks="published", maps="affine", coarse=128, size=256, part=128)


def face() -> Tensor:
    """68 points of a face of no great beauty, upright, in a crop of 100 pixels."""
    generator = torch.Generator().manual_seed(0)
    return 20 + 60 * torch.rand(68, 2, generator=generator)


def turned(points: Tensor, degrees: float, scale: float = 1.0) -> Tensor:
    angle = torch.tensor(np.deg2rad(degrees), dtype=torch.float32)
    maps = affine.similarity(
        scale * angle.cos()[None], scale * angle.sin()[None], torch.tensor([[7.0, -3.0]])
    )
    return affine.apply(maps, points[None])[0]


@pytest.mark.parametrize(
    ("local", "parameters", "multiply_adds"),
    [(False, 538_419, 53_804_512), (True, 1_961_821, 101_262_112)],
)
def test_counts_are_the_published_ones(local: bool, parameters: int, multiply_adds: int) -> None:
    network = Dpr(replace(PUBLISHED, local=local)).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        network(torch.rand(1, 3, 64, 64))

    assert sum(each.numel() for each in network.parameters()) == parameters
    # maps of the plane are matrix products too: under a hundredth
    assert multiply_adds <= counted.get_total_flops() / 2 < 1.01 * multiply_adds


@pytest.mark.parametrize(
    ("scheme", "counts"),
    [("68", [11, 11, 9, 20]), ("98", [18, 18, 9, 20]), ("106jd", [19, 19, 15, 20])],
)
def test_parts_are_the_published_ones(scheme: str, counts: list[int]) -> None:
    parts = parts_of(scheme_of(scheme))

    assert [len(part) for part in parts] == counts
    assert len({index for part in parts for index in part}) == sum(counts)


def test_the_subjects_right_eye_comes_first() -> None:
    first, second, *_ = parts_of(scheme_of("98"))

    assert first == [*range(33, 42), *range(60, 68), 96]
    assert second == [*range(42, 51), *range(68, 76), 97]


def test_a_part_fills_most_of_its_crop_and_is_in_its_middle() -> None:
    mean = part_mean(torch.tensor([[0.2, 0.3], [0.6, 0.3], [0.4, 0.5]]))

    wanted = torch.tensor([[1 / 12, 7 / 24], [11 / 12, 7 / 24], [0.5, 17 / 24]])
    torch.testing.assert_close(mean, wanted)


def test_the_mean_face_fills_most_of_the_upright_crop_and_is_in_its_middle() -> None:
    network = Dpr(DprConfig(scheme="68"))

    network.prepare(turned(face(), 0, scale=0.01))

    low, high = network.mean.amin(dim=0), network.mean.amax(dim=0)
    torch.testing.assert_close((low + high) / 2, torch.tensor([0.5, 0.5]))
    assert float((high - low).max()) == pytest.approx(0.88)
    fitted = affine.fit(network.mean[None], face(), torch.ones(1, 68))
    found = affine.apply(fitted, network.mean[None])[0]
    torch.testing.assert_close(found, face(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("roll", [-120.0, -30.0, 0.0, 75.0])
def test_a_turned_face_is_stood_up(roll: float) -> None:
    seen = turned(face(), roll, scale=0.4)[None]

    maps = upright(seen, torch.ones(1, 68), face())

    torch.testing.assert_close(affine.apply(maps, seen)[0], face(), atol=1e-3, rtol=0)


def test_a_narrow_face_is_made_as_tall_as_the_mean_one() -> None:
    narrow = (face() * torch.tensor([0.3, 1.0]))[None]

    stood = affine.apply(upright(narrow, torch.ones(1, 68), face()), narrow)[0]

    sides = stood.amax(dim=0) - stood.amin(dim=0)
    assert sides.max() == pytest.approx(float((face().amax(dim=0) - face().amin(dim=0)).max()))


def test_a_landmark_that_is_not_known_moves_nothing() -> None:
    seen, known = turned(face(), 30)[None], torch.ones(1, 68)
    known[:, 5] = 0
    moved = seen.clone()
    moved[:, 5] += 1000

    torch.testing.assert_close(upright(seen, known, face()), upright(moved, known, face()))


def test_parts_are_found_in_their_own_crops() -> None:
    network = Dpr(DprConfig(scheme="68", local=True)).eval()
    network.mean.copy_(face() / 100)
    points = turned(face(), 10)[None]
    to_parts = network.to_parts(points)
    doubt, seen = torch.zeros(1, 68), []
    for part, indices in enumerate(network.parts):
        places = affine.apply(to_parts[:, part], points[:, indices]) / network.config.part
        offsets = 2 * (places - part_mean(network.mean[indices]))
        seen.append(torch.cat([offsets, torch.full_like(offsets[..., :1], 0.5)], dim=-1))

    found, doubted = network.replaced(points + 9, to_parts, seen, doubt)

    assert not doubted[:, :17].any()
    # as far in the picture as in the part's crop, which enlarges it
    larger = torch.linalg.det(to_parts[0, 0, :, :2]).sqrt() * network.config.size
    inside = USUAL_DOUBT + MOST_DOUBT * np.tanh(0.5 / MOST_DOUBT)
    wanted = inside + np.log(network.config.part / float(larger))
    torch.testing.assert_close(
        doubted[0, network.parts[0]], torch.full((11,), wanted), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(found[:, 17:], points[:, 17:], atol=1e-3, rtol=0)
    torch.testing.assert_close(found[:, :17], points[:, :17] + 9)


def test_landmarks_weigh_less_the_more_they_err() -> None:
    network = Dpr(DprConfig(scheme="68", loss="distance"))
    network.typical[:34] = 0.1
    network.typical[34:] = 0.3
    error, known = torch.full((2, 68), 0.2), torch.ones(2, 68)
    readout = torch.zeros(0, 68)

    near = network._weighed(error * (torch.arange(68) < 34), known, readout)
    far = network._weighed(error * (torch.arange(68) >= 34), known, readout)

    torch.testing.assert_close(near, 3 * far)
