"""The Basel Face Model of 3DDFA, in each of the forms in which people have it.

Its shapes are those of the Basel Face Model 2009, its expressions those of FaceWarehouse. Long
columns of numbers are x0, y0, z0, x1, ..., in micrometres. Shapes are principal components of
unit length, so their coefficients are large; those of expressions are about 1. The triangles come
clockwise as seen from outside, and are turned about.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import matlab
from canthus.errors import WeightsError
from canthus.faces.face_model import NUM_KEYPOINTS, FaceModel, Keypoints
from canthus.importing.arrays import named, read_arrays
from canthus.importing.pickles import read_pickle

Array = NDArray[np.generic]

NAME = "Basel Face Model 2009 with the expressions of FaceWarehouse"
LICENSE = (
    "research only: Basel Face Model 2009 and FaceWarehouse, for academic use, not to be passed on"
)
MICROMETRE = 0.001  # in millimetres
ROWS = 3 * NUM_KEYPOINTS
EXPRESSIONS = ("Model_Exp.mat", "Model_Expression.mat")
TEXTURE = "BFM_UV.mat"  # places in a texture; whoever has it may put it beside the others
MOST = 1 << 31  # above any index
SUFFIXES = (".npz", ".pkl")


def read(path: Path) -> FaceModel:
    """The model of a folder with the files of one form somewhere below it, or of one file.

    Args:
        path: a folder with `w_shp_sim.npy` and its companions (V1), with `bfm_noneck_v3.pkl` and
            `tri.pkl` (V2), with `01_MorphableModel.mat`, `model_info.mat` and `Model_Exp.mat`, or
            with `w_shp_base.txt` and its companions; or a `.pkl` of V2 with `tri.pkl` beside it;
            or a `.npz` with the arrays of the texts. The last two forms have the 68 points alone.

    Raises:
        WeightsError: naming what is missing, damaged or does not fit.
        DatasetError: the same of MATLAB's files.
    """
    try:
        if path.is_dir():
            return _form_of(path)(path)
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise WeightsError(
                f"{path}: expected a folder, or a file that ends with {' or '.join(SUFFIXES)}"
            )
        return _read_v2(path) if path.suffix.lower() == ".pkl" else _read_arrays(path)
    except ValueError as error:
        raise WeightsError(f"{path}: {error}") from None


def _form_of(folder: Path) -> Callable[[Path], FaceModel]:
    """What reads a folder: the first form whose largest file is below it."""
    for name, reader in FORMS.items():
        if any(folder.rglob(name)):
            return reader
    raise WeightsError(f"{folder}: expected one of {', '.join(FORMS)} below it, found none")


def _read_v1(folder: Path) -> FaceModel:
    """3DDFA's own arrays: 53,215 vertices, 40 shapes and 10 expressions."""
    shape, expression, identities, expressions, rows = (
        _load(_one(folder, f"{name}.npy"))
        for name in ("u_shp", "u_exp", "w_shp_sim", "w_exp_sim", "keypoints_sim")
    )
    if shape.shape != expression.shape:
        raise ValueError(f"u_exp: expected {shape.shape}, found {expression.shape}")
    corners = _mat(_one(folder, "tri.mat"), "tri")["tri"]
    return _dense(
        {"u_shp + u_exp": shape.astype(np.float64) + expression.astype(np.float64)},
        {"w_shp_sim": identities, "w_exp_sim": expressions},
        _whole("tri", corners) - 1,
        _vertices_of(rows),
        uv=_texture(folder),
    )


def _read_v2(path: Path) -> FaceModel:
    """3DDFA_V2's pickle, of a folder or itself: 38,365 vertices, without neck and ears."""
    file = _one(path, "bfm_noneck_v3.pkl") if path.is_dir() else path
    folder = path if path.is_dir() else path.parent
    held = read_pickle(file)
    if not isinstance(held, dict):
        raise WeightsError(f"{file}: expected a dictionary, found a {type(held).__name__}")
    mean, identities, expressions, rows = (
        _array(held.get(name), f"{file}: {name}") for name in ("u", "w_shp", "w_exp", "keypoints")
    )
    triangles = _one(folder, "tri.pkl")
    return _dense(
        {"u": mean},
        {"w_shp": identities, "w_exp": expressions},
        _whole("tri", _array(read_pickle(triangles), str(triangles))),
        _vertices_of(rows),
        uv=_texture(folder, "indices.npy"),
    )


def _read_matlab(folder: Path) -> FaceModel:
    """The model as its authors give it out, cut as 3DDFA's authors do: 199 shapes."""
    info = _mat(_one(folder, "model_info.mat"), "trimIndex", "keypoints", "tri")
    shapes = _mat(_one(folder, "01_MorphableModel.mat"), "shapeMU", "shapePC", "shapeEV")
    moods = _mat(_one(folder, *EXPRESSIONS), "mu_exp", "w_exp", "sigma_exp")
    kept = _whole("trimIndex", info["trimIndex"]).ravel() - 1
    rows = (3 * kept[:, None] + np.arange(3)).ravel()
    if rows.size and not 0 <= rows.min() <= rows.max() < shapes["shapeMU"].size:
        raise ValueError(f"trimIndex: expected vertices from 1 to {shapes['shapeMU'].size // 3}")
    mean = shapes["shapeMU"].ravel()[rows].astype(np.float64)
    if (found := moods["mu_exp"].size) != mean.size:
        raise ValueError(f"mu_exp: expected {mean.size} numbers, found {found}")
    if (found := len(shapes["shapePC"])) != shapes["shapeMU"].size:
        raise ValueError(f"shapePC: expected {shapes['shapeMU'].size} rows, found {found}")
    return _dense(
        {"shapeMU + mu_exp": mean + moods["mu_exp"].ravel().astype(np.float64)},
        {"shapePC": shapes["shapePC"][rows], "w_exp": moods["w_exp"]},
        _whole("tri", info["tri"]) - 1,
        _whole("keypoints", info["keypoints"]).ravel() - 1,
        uv=_texture(folder),
        deviations=(shapes["shapeEV"].ravel(), moods["sigma_exp"].ravel()),
    )


def _read_texts(folder: Path) -> FaceModel:
    """The texts of 3DDFA's port to C++: the 68 points alone."""
    names = ("u_base", "w_shp_base", "w_exp_base")
    return _sparse(*(_text(_one(folder, f"{name}.txt")) for name in names))


def _read_arrays(path: Path) -> FaceModel:
    """One file of arrays, named as the texts are."""
    names = ("u_base", "w_shp_base", "w_exp_base")
    arrays = named(read_arrays(path), names, path)
    pairs = zip(arrays, names, strict=True)
    return _sparse(*(_array(values, f"{path}: {name}") for values, name in pairs))


FORMS: Mapping[str, Callable[[Path], FaceModel]] = {
    "w_shp_sim.npy": _read_v1,
    "bfm_noneck_v3.pkl": _read_v2,
    "01_MorphableModel.mat": _read_matlab,
    "w_shp_base.txt": _read_texts,
}


def _sparse(mean: Array, identities: Array, expressions: Array) -> FaceModel:
    if mean.size != ROWS:
        raise ValueError(f"u_base: expected {ROWS} numbers, found {mean.size}")
    return FaceModel(
        name=f"{NAME}, 68 points",
        license=LICENSE,
        unit_mm=MICROMETRE,
        neutral=_places({"u_base": mean}),
        triangles=np.zeros((0, 3), np.int32),
        keypoints=Keypoints.at(range(NUM_KEYPOINTS)),
        identity=_basis("w_shp_base", identities, ROWS),
        expression=_basis("w_exp_base", expressions, ROWS),
    )


def _dense(
    mean: Mapping[str, Array],
    bases: Mapping[str, Array],
    corners: NDArray[np.int64],
    keypoints: NDArray[np.int64],
    *,
    uv: NDArray[np.float32] | None,
    deviations: tuple[Array, Array] | None = None,
) -> FaceModel:
    """A model of named columns; the corners (3, T) are clockwise as seen from outside."""
    neutral = _places(mean)
    identity, expression = (_basis(name, basis, neutral.size) for name, basis in bases.items())
    if corners.ndim != 2 or len(corners) != 3:
        raise ValueError(f"tri: expected shape (3, T), found {corners.shape}")
    return FaceModel(
        name=NAME,
        license=LICENSE,
        unit_mm=MICROMETRE,
        neutral=neutral,
        triangles=_indices("tri", corners.T[:, ::-1], len(neutral)).astype(np.int32),
        keypoints=Keypoints.at(_indices("keypoints", keypoints, len(neutral))),
        identity=identity,
        expression=expression,
        uv=uv,
        identity_deviations=None if deviations is None else deviations[0].astype(np.float32),
        expression_deviations=None if deviations is None else deviations[1].astype(np.float32),
    )


def _places(named: Mapping[str, Array]) -> NDArray[np.float32]:
    """A long column as vertices, (V, 3)."""
    ((name, column),) = named.items()
    if column.size % 3 or column.shape not in ((column.size,), (column.size, 1)):
        raise ValueError(f"{name}: expected shape (3V, 1), found {column.shape}")
    return column.reshape(-1, 3).astype(np.float32)


def _basis(name: str, columns: Array, rows: int) -> NDArray[np.float32]:
    """Long columns (3V, K) as directions, (K, V, 3)."""
    if columns.ndim != 2 or len(columns) != rows:
        raise ValueError(f"{name}: expected shape ({rows}, K), found {columns.shape}")
    return columns.T.reshape(columns.shape[1], -1, 3).astype(np.float32)


def _vertices_of(rows: Array) -> NDArray[np.int64]:
    """The 68 vertices whose rows x, y, z are given, by the 204 indices of those."""
    places = _whole("keypoints", rows).ravel()
    vertices = places[::3] // 3
    wanted = (3 * vertices[:, None] + np.arange(3)).ravel()
    if places.size != ROWS or not np.array_equal(places, wanted):
        raise ValueError(
            f"keypoints: expected the rows x, y, z of {NUM_KEYPOINTS} vertices, found {rows.shape} "
            "of others"
        )
    return vertices


def _texture(folder: Path, kept: str | None = None) -> NDArray[np.float32] | None:
    """The vertices' places in a texture, where somebody has put that file too.

    Args:
        folder: to look below.
        kept: the file with the indices of the vertices that the model has; all if None.
    """
    if not any(folder.rglob(TEXTURE)):
        return None
    places = _mat(_one(folder, TEXTURE), "UV")["UV"].astype(np.float32)
    if kept is None:
        return places
    return places[_indices(kept, _whole(kept, _load(_one(folder, kept))), len(places))]


def _whole(name: str, values: Array) -> NDArray[np.int64]:
    """Numbers of any type, all of them whole and small enough for indices."""
    numbers = values.astype(np.float64)
    if not (np.abs(numbers) < MOST).all() or (numbers != np.round(numbers)).any():
        raise ValueError(f"{name}: expected whole numbers, found others")
    return numbers.astype(np.int64)


def _indices(name: str, values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    if values.size and not 0 <= values.min() <= values.max() < count:
        raise ValueError(
            f"{name}: expected indices of {count} vertices, found {values.min()} to {values.max()}"
        )
    return values


def _one(folder: Path, *names: str) -> Path:
    """The file below a folder that has one of some names."""
    paths = sorted(path for name in names for path in folder.rglob(name))
    if len(paths) != 1:
        found = ", ".join(map(str, paths)) or "none"
        raise WeightsError(f"{folder}: expected one {' or '.join(names)} below it, found {found}")
    return paths[0]


def _load(path: Path) -> Array:
    try:
        return _array(np.load(path, allow_pickle=False), str(path))
    except (OSError, ValueError, EOFError) as error:
        raise WeightsError(f"{path}: damaged, or not an array of numbers ({error})") from None


def _text(path: Path) -> Array:
    """A table of numbers, a row a line."""
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line]
        return np.array(rows, np.float64)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: expected rows of numbers, as many in each ({error})") from None


def _mat(path: Path, *names: str) -> dict[str, Array]:
    held = matlab.load(path, names)
    return {name: _array(held[name], f"{path}: {name}") for name in names}


def _array(value: object, where: str) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        found = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise WeightsError(f"{where}: expected an array of numbers, found {found}")
    return value
