"""What the families' own evaluation code prints for the same arrays."""

import json
import zlib
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
    distances,
    failure_rate,
    inter_ocular,
    inter_pupil,
    landmark_errors,
    nme,
    risk_at_coverage,
    risk_curve,
)

Array = NDArray[np.float64]
COLUMNS = {"Pose": 0, "Expr": 1, "Illu": 2, "MkUp": 3, "Occl": 4, "Blur": 5}


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


@pytest.mark.parametrize("case", [0, 1])
@pytest.mark.parametrize(("key", "normalizer"), [("nme_2d", "eye_centers"), ("nme_3d", "box_size")])
def test_the_heatmap_projects_errors(parity: Path, case: int, key: str, normalizer: str) -> None:
    """Their "eye center distance" is that between the middles of the corners."""
    wanted = json.loads((parity / "heatmap" / "fixtures.json").read_text())["nme"][case]
    truth = np.round(200 * _hashed(f"shape{case + 1}") + 60, 3)
    found = np.round(truth + 8 * (_hashed(f"pred{case + 1}") - 0.5), 3)
    np.testing.assert_array_equal(
        [truth[:3], found[:3]], [wanted["label_first3"], wanted["pred_first3"]]
    )
    lengths = distances(normalizer, truth[None], SCHEMES["68"])
    errors = nme(landmark_errors(found[None], truth[None]), lengths)
    assert errors[0] == pytest.approx(wanted[key], abs=2e-7)


def _hashed(name: str) -> Array:
    """The 68 points in [0, 1) that the heatmap project's fixtures make of a name."""
    values = []
    for i in range(1, 137):
        h = (zlib.crc32(name.encode()) + 2654435761 * i) % 2**32
        for _ in range(2):
            h = (h ^ (h >> 16)) * 73244475 % 2**32
        values.append((h ^ (h >> 16)) / 2**32)
    return np.array(values).reshape(68, 2)
