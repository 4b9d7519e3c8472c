"""What 3DDFA's evaluation code makes of the same arrays: bins, boxes, printouts and poses.

Its truths are (N, 2, L); its crops are 120 pixels wide and high.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.metrics import (
    OverBins,
    box_size,
    geodesic_deg,
    landmark_errors,
    nme,
    over_bins,
    pose_errors,
    rotation_distances,
    rotations,
    yaw_bins,
)

Array = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]

TRUTHS = {"ori": "pts68_xy", "re": "pts68_reannotated"}
YAWS = {"pose": "yaw", "newpose": "yaw_new"}
NETWORK = [f"mb05_{decode}_{points}" for decode in ("v1decode", "v2decode") for points in TRUTHS]
# Which of 68 predicted points (from 1) make each of AFLW's 21.
LIST = "18 20 22 23 25 27 37 37-42 40 43 43-48 46 3 32 31 36 15 49 61-68 55 9"
AFLW = LIST.split()


@pytest.fixture(scope="module")
def tddfa(shared: Path) -> Path:
    return shared / "parity" / "tddfa"


@pytest.fixture(scope="module")
def faces(tddfa: Path) -> Arrays:
    """The truth of the 2000 faces of AFLW2000-3D."""
    return dict(np.load(tddfa / "data" / "aflw2000.npz"))


@pytest.fixture(scope="module")
def answers(tddfa: Path) -> Arrays:
    """Errors and means by 3DDFA's code."""
    return dict(np.load(tddfa / "nme_aflw2000.npz"))


@pytest.fixture(scope="module")
def printed(tddfa: Path) -> Array:
    """The mean and deviation of three bins and of them together, (10, 4, 2), in percent."""
    text = (tddfa / "nme_printout.txt").read_text()
    return np.array(re.findall(r"Mean: ([\d.]+), Std: ([\d.]+)", text), np.float64).reshape(
        -1, 4, 2
    )


@pytest.fixture(scope="module")
def noisy(faces: Arrays, answers: Arrays) -> Array:
    """The truth in the crop, shaken by the numbers of a seed, back in the picture: (N, L, 2)."""
    draw = np.random.RandomState(int(answers["noise_seed"]))
    each, much = draw.normal(size=(2000, 2, 68)), draw.uniform(0.5, 4, (2000, 1, 1))
    shift = draw.normal(size=(2000, 2, 1))
    zoom, corner = _frame(faces["roi"])
    truth = (faces["pts68_xy"].astype(np.float64) - corner) / zoom
    crop = (truth + each * much + shift).astype(np.float32)
    np.testing.assert_allclose(crop[:50], answers["noise_pred_first50"], atol=1e-4)
    return np.swapaxes(crop * zoom + corner, 1, 2)


@pytest.mark.parametrize(
    ("name", "counts"), [("yaw", [1312, 383, 305]), ("yaw_new", [1306, 462, 232])]
)
def test_both_splits_of_aflw2000(faces: Arrays, name: str, counts: list[int]) -> None:
    assert list(over_bins(np.zeros(2000), yaw_bins(faces[name])).counts) == counts


@pytest.mark.parametrize("points", TRUTHS)
def test_the_errors_of_each_picture(
    faces: Arrays, answers: Arrays, noisy: Array, points: str
) -> None:
    errors = _errors(noisy, faces[TRUTHS[points]])
    np.testing.assert_allclose(errors, answers[f"noise_nme_{points}"], atol=1e-6)


@pytest.mark.parametrize("points", TRUTHS)
@pytest.mark.parametrize("split", YAWS)
def test_the_means_over_bins(
    faces: Arrays, answers: Arrays, noisy: Array, points: str, split: str
) -> None:
    errors = _errors(noisy, faces[TRUTHS[points]])
    made = _percents(over_bins(errors, yaw_bins(faces[YAWS[split]])))
    np.testing.assert_allclose(made, answers[f"noise_ana_{points}_{split}"], atol=1e-5)


@pytest.mark.parametrize("name", NETWORK)
def test_a_real_networks_means_over_bins(faces: Arrays, answers: Arrays, name: str) -> None:
    made = _percents(over_bins(answers[f"{name}_nme"], yaw_bins(faces["yaw"])))
    np.testing.assert_allclose(made, answers[f"{name}_ana"], atol=2e-3)


@pytest.mark.parametrize("points", TRUTHS)
@pytest.mark.parametrize("version", [1, 2])
def test_a_real_networks_errors_of_each_picture(
    tddfa: Path, faces: Arrays, answers: Arrays, points: str, version: int
) -> None:
    """From its coefficients: camera times shape, the crop's y turned over, into the picture."""
    values, basis = _coefficients(tddfa, answers)
    camera = values[:, :12].reshape(-1, 3, 4)[:, :2]
    shape = basis["u_base"].ravel() + values[:, 12:52] @ basis["w_shp_base"].T
    shape = (shape + values[:, 52:] @ basis["w_exp_base"].T).reshape(-1, 68, 3)
    crop = np.einsum("nij,nlj->nil", camera[:, :, :3], shape) + camera[:, :, 3:]
    origin = np.array([[0.0], [121]]) if version == 1 else np.array([[-1.0], [120]])
    zoom, corner = _frame(faces["roi"])
    found = (crop * np.array([[1.0], [-1]]) + origin) * zoom + corner
    errors = _errors(np.swapaxes(found, 1, 2), faces[TRUTHS[points]])
    wanted = answers[f"mb05_v{version}decode_{points}_nme"]
    np.testing.assert_allclose(errors, wanted, atol=1e-6)


@pytest.mark.parametrize(("place", "name"), list(enumerate(NETWORK, 4)))
def test_its_script_prints_the_same(
    faces: Arrays, answers: Arrays, printed: Array, place: int, name: str
) -> None:
    found = over_bins(answers[f"{name}_nme"], yaw_bins(faces["yaw"]))
    np.testing.assert_allclose(_table(found), printed[place], atol=2e-3)


@pytest.mark.parametrize(
    ("place", "points", "split"),
    [(0, "ori", "pose"), (1, "ori", "newpose"), (2, "re", "pose"), (3, "re", "newpose")],
)
def test_its_script_prints_the_same_of_both_splits(
    faces: Arrays, answers: Arrays, printed: Array, place: int, points: str, split: str
) -> None:
    found = over_bins(answers[f"noise_nme_{points}"], yaw_bins(faces[YAWS[split]]))
    np.testing.assert_allclose(_table(found), printed[place], atol=1e-3)


def test_the_errors_on_aflw(tddfa: Path, printed: Array) -> None:
    """Over the points that are there, by the box of the stand-in for the file nobody published."""
    case = dict(np.load(tddfa / "nme_aflw.npz"))
    zoom, corner = _frame(case["roi"])
    found = case["pred68_crop"].astype(np.float64) * zoom + corner
    made = np.stack([found[:, :, _numbered(word)].mean(axis=2) for word in AFLW], axis=1)
    truth = np.swapaxes(case["pts21_gt"].astype(np.float64), 1, 2)
    # y was turned over after -1 had been written for a missing point, so x alone tells.
    truth = np.where(truth[:, :, :1] == -1, np.nan, truth)
    box = box_size(np.swapaxes(case["pts68_gt_standin"], 1, 2))
    errors = nme(landmark_errors(made, truth), box)
    np.testing.assert_allclose(errors, case["nme"], rtol=1e-5)
    bins = over_bins(errors, yaw_bins(case["yaw"]))
    np.testing.assert_allclose(_percents(bins), case["ana"], atol=2e-3)
    np.testing.assert_allclose(_table(bins), printed[-1], atol=2e-3)


def test_the_pose_of_a_real_network(tddfa: Path) -> None:
    case = dict(np.load(tddfa / "pose_aflw2000.npz"))
    found = pose_errors(case["mb05_pitch_yaw_roll_datasetorder_deg"], case["pose_para_deg"])
    by_angle = (found.pitch, found.yaw, found.roll)
    assert by_angle == pytest.approx(case["mae_pitch_yaw_roll"], abs=1e-4)
    assert found.mean == pytest.approx(float(case["mae_mean"]), abs=1e-4)
    assert found.faces == case["valid"].sum() == 1969


def test_the_faces_left_out_are_theirs(tddfa: Path) -> None:
    """Each of those within 99 degrees is scored alone, each of the others is refused."""
    case = dict(np.load(tddfa / "pose_aflw2000.npz"))
    for truth, valid in zip(case["pose_para_deg"], case["valid"], strict=True):
        two = np.stack([truth, np.zeros(3)])
        assert pose_errors(two, two).left_out == (not valid)


def test_the_rotations_of_a_real_network(tddfa: Path, answers: Arrays) -> None:
    """Its matrices are those of its coefficients: rows of unit length, the third their product."""
    case = dict(np.load(tddfa / "pose_aflw2000.npz"))
    rows = _coefficients(tddfa, answers)[0][:, :12].reshape(-1, 3, 4)[:, :2, :3]
    rows = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    third = np.cross(rows[:, 0], rows[:, 1])[:, None]
    matrices = np.concatenate([rows, third], axis=1)
    apart = rotation_distances(matrices, rotations(case["pose_para_deg"]))
    np.testing.assert_allclose(apart, case["geodesic_deg"], atol=0.02)


def test_angles_of_matrices_that_are_no_rotations_are_only_close(tddfa: Path) -> None:
    case = dict(np.load(tddfa / "pose_aflw2000.npz"))
    apart = geodesic_deg(case["mb05_pitch_yaw_roll_datasetorder_deg"], case["pose_para_deg"])
    assert np.median(np.abs(apart - case["geodesic_deg"])) == pytest.approx(0.117, abs=0.001)


def _frame(roi: NDArray[Any]) -> tuple[Array, Array]:
    """Picture pixels a crop pixel and the crop's corner, (N, 2, 1) both."""
    edges = roi.astype(np.float64)
    return (edges[:, 2:] - edges[:, :2])[:, :, None] / 120, edges[:, :2, None]


def _errors(found: Array, truth: NDArray[Any]) -> Array:
    known = np.swapaxes(truth.astype(np.float64), 1, 2)
    return nme(landmark_errors(found, known), box_size(known))


def _coefficients(tddfa: Path, answers: Arrays) -> tuple[Array, Arrays]:
    """The 62 coefficients of each face, and the basis of the 68 points."""
    basis = dict(np.load(tddfa / "data" / "sparse_3dmm.npz"))
    raw = answers["mb05_raw_f16"].astype(np.float64)
    return raw * basis["v2_std"].ravel() + basis["v2_mean"].ravel(), basis


def _percents(bins: OverBins) -> Array:
    return 100 * np.array([*bins.means, bins.mean, bins.std])


def _table(bins: OverBins) -> Array:
    """Mean and deviation of each bin and of all, in percent, (4, 2)."""
    return 100 * np.array([(*bins.means, bins.mean), (*bins.stds, bins.std)]).T


def _numbered(word: str) -> list[int]:
    """Indices from 0 of "37" or "37-42"."""
    first, _, last = word.partition("-")
    return list(range(int(first) - 1, int(last or first)))
