from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from canthus.faces import scheme_of
from canthus.models import Dpr, DprConfig
from canthus.models.dpr import PART, SIGMA, Weighing
from canthus.models.layers import affine
from canthus.models.layers.heatmaps import draw
from canthus.models.layers.standing import part_mean, parts_of, upright

PUBLISHED = DprConfig(networks="published", coarse=128, size=256, part=128)


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


@pytest.mark.parametrize(("wide", "size"), [(False, 100), (True, 96)])
def test_a_crop_that_cannot_be_halved_is_refused(wide: bool, size: int) -> None:
    with pytest.raises(ValueError, match=r"size: expected a multiple of (32|64), found"):
        DprConfig(wide=wide, size=size)


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
    assert float((high - low).max()) == pytest.approx(0.8)
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
    network = Dpr(DprConfig(scheme="68", local=True, local_share=1.0)).eval()
    network.mean.copy_(face() / 100)
    points = turned(face(), 10)[None]
    from_parts = network.from_parts(points)
    seen = []
    for part, indices in enumerate(network.parts):
        to_part = affine.inverse(from_parts[:, part])
        places = affine.apply(to_part, points[:, indices])
        maps = draw(places, 16, stride=PART.stride, sigma=SIGMA, by_mean=True)
        seen.append(maps.clamp(min=1e-30).log())

    found, covariance = network.joined(points + 9, from_parts, seen, torch.zeros(1, 68, 2, 2))

    torch.testing.assert_close(found[:, 17:], points[:, 17:], atol=1e-2, rtol=0)
    torch.testing.assert_close(found[:, :17], points[:, :17] + 9)
    assert not covariance[:, :17].any()
    # a cell of a part's crop is as large as that crop's pixels are in the upright one
    larger = torch.linalg.det(from_parts[0, 2, :, :2])
    middle = covariance[0, network.parts[2][4]]  # of the nose, far from the crop's edges
    wanted = larger * (SIGMA * PART.stride) ** 2 * torch.eye(2)
    torch.testing.assert_close(middle, wanted, atol=0.02 * float(wanted[0, 0]), rtol=0)


def test_landmarks_weigh_less_the_more_they_err() -> None:
    network = Dpr(DprConfig(scheme="68", loss="distance"))
    network.typical[:34] = 0.1
    network.typical[34:] = 0.3
    error, known = torch.full((2, 68), 0.2), torch.ones(2, 68)
    readout = torch.zeros(0, 68)

    near = network._weighed(error * (torch.arange(68) < 34), known, readout)
    far = network._weighed(error * (torch.arange(68) >= 34), known, readout)

    torch.testing.assert_close(near, 3 * far)


def test_pieces_of_the_outline_are_parts_too_where_that_is_wanted() -> None:
    parts = parts_of(scheme_of("98"), contour=True)

    assert [len(part) for part in parts] == [18, 18, 9, 20, 11, 11, 11]
    assert [index for part in parts[4:] for index in part] == list(range(33))


@torch.no_grad()
@pytest.mark.parametrize(("wide", "size", "stride"), [(False, 96, 4), (True, 128, 8)])
def test_all_maps_are_read_at_their_own_stride(wide: bool, size: int, stride: int) -> None:
    network = Dpr(DprConfig(scheme="68", local=True, contour=True, wide=wide, size=size)).eval()
    network.prepare(face())

    first, whole, *parts = network(torch.rand(2, 3, 144, 144)).drawn

    assert whole.stride == stride
    assert whole.maps.shape[-1] * stride == size
    assert [one.stride * one.maps.shape[-1] for one in (first, *parts)] == [64] * 8
    places = torch.tensor([[[40.25, 77.5]]])
    maps = draw(places, size // stride, stride=stride, sigma=SIGMA, by_mean=True)
    found, _ = network.read(maps.clamp(min=1e-30).log(), network.mean, size)
    torch.testing.assert_close(found, places, atol=1e-2, rtol=0)


@pytest.mark.parametrize("roll", [-60.0, 0.0, 40.0])
def test_rough_landmarks_say_how_to_cut_as_true_ones_would(roll: float) -> None:
    network = Dpr(DprConfig(scheme="68"))
    network.prepare(face())
    seen = 45 + turned(face(), roll, scale=1.2)[None]

    back = network.standing(seen, side=192)

    wanted = affine.inverse(upright(seen, torch.ones(1, 68), network.config.size * network.mean))
    middle = torch.full((1, 1, 2), 48.0)
    torch.testing.assert_close(
        affine.apply(back, middle), affine.apply(wanted, middle), atol=2.0, rtol=0
    )
    apart = torch.atan2(back[0, 1, 0], back[0, 0, 0]) - torch.atan2(
        wanted[0, 1, 0], wanted[0, 0, 0]
    )
    assert abs(float(torch.rad2deg(apart))) < 3  # a little less, as nothing would pull it straight
    assert float(torch.linalg.det(back[0, :, :2]) / torch.linalg.det(wanted[0, :, :2])) > 0.9


def test_where_all_landmarks_are_at_one_place_a_small_square_about_it_is_cut() -> None:
    network = Dpr(DprConfig(scheme="68"))
    network.prepare(face())

    back = network.standing(torch.full((1, 68, 2), 50.0), side=192)

    step = 0.1 * 192 / (0.8 * 96)
    wanted = torch.tensor([[[step, 0.0, 50 - 48 * step], [0.0, step, 50 - 48 * step]]])
    torch.testing.assert_close(back, wanted, atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_a_wide_crop_twice_as_large_shows_the_networks_the_same() -> None:
    network = Dpr(DprConfig(scheme="68"))
    large = torch.rand(1, 3, 384, 384)
    small = torch.nn.functional.avg_pool2d(large, 2)
    back = torch.tensor([[[1.1, -0.2, 40.0], [0.2, 1.1, 50.0]]])
    # the first pixel of the smaller one lies between the first two of the larger one
    larger = affine.compose(torch.tensor([[[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]]]), back)

    torch.testing.assert_close(network.faces(large, larger), network.faces(small, back))
    torch.testing.assert_close(network.coarse(large)[0], network.coarse(small)[0])


@torch.no_grad()
@pytest.mark.parametrize("side", [64, 131, 200])
def test_what_the_first_network_sees_is_where_it_is_said_to_be(side: int) -> None:
    network = Dpr(DprConfig(scheme="68"))
    across = torch.arange(float(side)).expand(1, 3, side, side)

    seen, back = network.coarse(across)

    middles = torch.stack([torch.arange(64.0), torch.zeros(64)], dim=-1)[None]
    places = affine.apply(back, middles)[0, :, 0]
    torch.testing.assert_close(seen[0, 0, 0], places, atol=1e-3, rtol=0)


@torch.no_grad()
def test_without_a_first_network_the_square_in_the_middle_is_looked_at() -> None:
    network = Dpr(DprConfig(scheme="68", reinit=False, seen=0.6)).eval()

    back = network(torch.rand(1, 3, 160, 160)).back

    edges = affine.apply(back, torch.tensor([[[-0.5, -0.5], [95.5, 95.5]]]))
    torch.testing.assert_close(edges, torch.tensor([[[31.5, 31.5], [127.5, 127.5]]]))


def test_what_the_published_networks_cannot_is_refused() -> None:
    with pytest.raises(ValueError, match="published"):
        replace(PUBLISHED, contour=True)
    with pytest.raises(ValueError, match="published"):
        replace(PUBLISHED, reinit=False)


@pytest.mark.parametrize(
    ("weighing", "ratio"), [("adaptive", 3.0), ("hard", 1 / 3), ("alike", 1.0), ("fixed", 0.5)]
)
def test_landmarks_weigh_as_told(weighing: Weighing, ratio: float) -> None:
    network = Dpr(DprConfig(scheme="68", weighing=weighing))
    network.typical[:34], network.typical[34:] = 0.1, 0.3

    weight = network._weights()

    assert float(weight[0] / weight[-1]) == pytest.approx(ratio)
