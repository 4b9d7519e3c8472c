"""What the families' own evaluation code prints for the same arrays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import SCHEMES
from canthus.metrics import (
    auc,
    auc_trapezoid,
    aurc,
    box_size,
    failure_rate,
    inter_ocular,
    inter_pupil,
    landmark_errors,
    nme,
    over_bins,
    pose_errors,
    risk_at_coverage,
    risk_curve,
    rotation_distances,
    rotations,
    yaw_bins,
)

Array = NDArray[np.float64]
COLUMNS = {"Pose": 0, "Expr": 1, "Illu": 2, "MkUp": 3, "Occl": 4, "Blur": 5}
# Which of 68 predicted points (from 1) make each of AFLW's 21.
LIST = "18 20 22 23 25 27 37 37-42 40 43 43-48 46 3 32 31 36 15 49 61-68 55 9"
AFLW = LIST.split()


@pytest.fixture
def parity(shared: Path) -> Path:
    return shared / "parity"


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    return dict(np.load(path))


@pytest.mark.parametrize("count", [98, 68, 29])
@pytest.mark.parametrize(("name", "length"), [("IO", inter_ocular), ("IP", inter_pupil)])
def test_lgrns_errors(parity: Path, count: int, name: str, length: Any) -> None:
    case = arrays(parity / "lgrn" / "nme.npz")
    found, truth = (case[f"{n}{count}"].reshape(-1, count, 2) for n in ("pred", "target"))
    errors = nme(landmark_errors(found, truth), length(truth, SCHEMES[str(count)]))
    np.testing.assert_allclose(errors, case[f"nme{count}_{name}"], rtol=1e-9)
    assert errors.mean() == pytest.approx(float(case[f"mean{count}_{name}"]))


@pytest.mark.parametrize("subset", ["Full", *COLUMNS])
def test_lgrns_table_of_wflw(parity: Path, subset: str) -> None:
    case = json.loads((parity / "lgrn" / "wflw_protocol.json").read_text())
    errors, flags = np.array(case["nme"]), np.array(case["attributes"], bool)
    chosen = errors if subset == "Full" else errors[flags[:, COLUMNS[subset]]]
    assert case["result"][subset] == {
        "count": len(chosen),
        "ION": round(float(chosen.mean()), 4),
        "FR": round(failure_rate(chosen, 0.1), 4),
        "AUC": round(auc_trapezoid(chosen, 0.1), 4),
    }


def test_musicas_curves(parity: Path) -> None:
    case = arrays(parity / "musica" / "metrics.npz")
    wanted = json.loads((parity / "musica" / "metrics.json").read_text())
    errors, expected = case["errors"], case["predicted_errors"]
    assert auc(errors, 0.08) == pytest.approx(wanted["auc"]["0.08"], abs=1e-12)
    assert auc(errors, 0.1) == pytest.approx(wanted["auc"]["0.1"], abs=1e-12)
    assert failure_rate(errors, 0.08) == wanted["failure_rate"]["0.08"]
    assert aurc(errors, expected) == pytest.approx(wanted["aurc"], abs=1e-12)
    np.testing.assert_allclose(risk_curve(errors, expected), case["risk_curve"], rtol=1e-12)


@pytest.mark.parametrize("coverage", [0.25, 0.5, 0.75, 1.0])
def test_musicas_risk(parity: Path, coverage: float) -> None:
    case = arrays(parity / "musica" / "metrics.npz")
    wanted = json.loads((parity / "musica" / "metrics.json").read_text())["risk_at_coverage"]
    risk = risk_at_coverage(case["errors"], case["predicted_errors"], coverage)
    assert risk == pytest.approx(wanted[str(coverage)], abs=1e-12)


@pytest.mark.parametrize("count", [98, 68])
def test_musicas_errors(parity: Path, count: int) -> None:
    case = arrays(parity / "musica" / "loss.npz")
    truth, stages = case[f"gt_{count}"], case[f"pred_{count}"]
    found = [
        nme(landmark_errors(stage, truth), inter_ocular(truth, SCHEMES[str(count)]))
        for stage in stages
    ]
    np.testing.assert_allclose(found, case[f"nme_ocular_{count}"], rtol=1e-9)


def test_musicas_errors_by_the_pupils(parity: Path) -> None:
    case = arrays(parity / "musica" / "loss.npz")
    truth = case["gt_68"]
    found = [
        nme(landmark_errors(stage, truth), inter_pupil(truth, SCHEMES["68"]))
        for stage in case["pred_68"]
    ]
    np.testing.assert_allclose(found, case["nme_pupil_68"], rtol=1e-9)


def test_dprs_errors(parity: Path) -> None:
    files = sorted((parity / "dpr" / "cases").glob("case_*.npz"))
    assert files
    for case in map(arrays, files):
        truth = np.repeat(case["gt"][None], 1 + len(case["jit_lm_gsr"]), axis=0)
        found = np.concatenate([case["lm_gsr"][None], case["jit_lm_gsr"]])
        errors = nme(landmark_errors(found, truth), inter_ocular(truth, SCHEMES["98"]))
        np.testing.assert_allclose(errors, [case["nme_gsr"], *case["jit_nme_gsr"]], rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "counts"), [("yaw", [1312, 383, 305]), ("yaw_new", [1306, 462, 232])]
)
def test_both_splits_of_aflw2000(parity: Path, name: str, counts: list[int]) -> None:
    labels = yaw_bins(arrays(parity / "tddfa" / "data" / "aflw2000.npz")[name])
    assert list(over_bins(np.zeros(2000), labels).counts) == counts


@pytest.mark.parametrize("points", ["ori", "re"])
@pytest.mark.parametrize("decode", ["v1decode", "v2decode"])
def test_tddfas_headline_is_over_bins(parity: Path, points: str, decode: str) -> None:
    case = arrays(parity / "tddfa" / "nme_aflw2000.npz")
    yaw = arrays(parity / "tddfa" / "data" / "aflw2000.npz")["yaw"]
    found = over_bins(case[f"mb05_{decode}_{points}_nme"], yaw_bins(yaw))
    made = 100 * np.array([*found.means, found.mean, found.std])
    np.testing.assert_allclose(made, case[f"mb05_{decode}_{points}_ana"], atol=2e-3)


def test_tddfas_errors_on_aflw(parity: Path) -> None:
    """Over the points that are there, by the box of the stand-in for the file nobody published."""
    case = arrays(parity / "tddfa" / "nme_aflw.npz")
    left, top, right, bottom = case["roi"].astype(np.float64).T
    zoom = np.stack([(right - left) / 120, (bottom - top) / 120], axis=1)
    corner = np.stack([left, top], axis=1)
    found = case["pred68_crop"].astype(np.float64) * zoom[:, :, None] + corner[:, :, None]
    made = np.stack([found[:, :, _numbered(word)].mean(axis=2) for word in AFLW], axis=1)
    truth = case["pts21_gt"].astype(np.float64).transpose(0, 2, 1)
    # y was turned over after -1 had been written for a missing point, so x alone tells.
    truth = np.where(truth[:, :, :1] == -1, np.nan, truth)
    box = box_size(case["pts68_gt_standin"].transpose(0, 2, 1))
    errors = nme(landmark_errors(made, truth), box)
    np.testing.assert_allclose(100 * errors, 100 * case["nme"], atol=2e-3)
    bins = over_bins(errors, yaw_bins(case["yaw"]))
    made_of_bins = 100 * np.array([*bins.means, bins.mean, bins.std])
    np.testing.assert_allclose(made_of_bins, case["ana"], atol=2e-3)


def test_the_pose_of_a_real_network(parity: Path) -> None:
    case = arrays(parity / "tddfa" / "pose_aflw2000.npz")
    found = pose_errors(case["mb05_pitch_yaw_roll_datasetorder_deg"], case["pose_para_deg"])
    assert (found.pitch, found.yaw, found.roll) == pytest.approx(
        case["mae_pitch_yaw_roll"], abs=1e-4
    )
    assert found.mean == pytest.approx(float(case["mae_mean"]), abs=1e-4)
    assert found.faces == case["valid"].sum() == 1969


def test_the_rotations_of_a_real_network(parity: Path) -> None:
    """Its matrices are those of its coefficients: rows of unit length, the third their product."""
    case = arrays(parity / "tddfa" / "pose_aflw2000.npz")
    raw = arrays(parity / "tddfa" / "nme_aflw2000.npz")["mb05_raw_f16"].astype(np.float64)
    basis = arrays(parity / "tddfa" / "data" / "sparse_3dmm.npz")
    coefficients = raw * basis["v2_std"].ravel() + basis["v2_mean"].ravel()
    rows = coefficients[:, :12].reshape(-1, 3, 4)[:, :2, :3]
    rows = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    third = np.cross(rows[:, 0], rows[:, 1])[:, None]
    apart = rotation_distances(
        np.concatenate([rows, third], axis=1), rotations(case["pose_para_deg"])
    )
    np.testing.assert_allclose(apart, case["geodesic_deg"], atol=0.02)


def _numbered(word: str) -> list[int]:
    """Indices from 0 of "37" or "37-42"."""
    first, _, last = word.partition("-")
    return list(range(int(first) - 1, int(last or first)))
