"""A face model: every head as a neutral one, moved by identity and by expression."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from canthus.errors import WeightsError
from canthus.storage import write_whole

NUM_KEYPOINTS = 68  # those of scheme 68
KEY = "canthus_face_model"  # of the metadata
SCHEMA = 1
LARGEST = 1 << 31  # no index of a vertex is as large
OPEN = "open"  # the name of the one inside the package
INSIDE = Path(__file__).parents[1] / "weights" / "open-face.face-model.safetensors"

# A name is any length, the same wherever it stands: Vertices, Triangles, Identities, Expressions.
SHAPES: Mapping[str, tuple[str | int, ...]] = {
    "neutral": ("V", 3),
    "triangles": ("T", 3),
    "identity": ("I", "V", 3),
    "expression": ("E", "V", 3),
    "uv": ("V", 2),
    "identity_deviations": ("I",),
    "expression_deviations": ("E",),
}
KEYPOINTS = ("keypoint_indices", "keypoint_weights")
OPTIONAL = ("uv", "identity_deviations", "expression_deviations")
WHOLE_NUMBERS = ("triangles", "keypoint_indices")  # int32 in the file; the others are float32


@dataclass(frozen=True, eq=False, init=False)
class Keypoints:
    """The 68 points of scheme 68 on a mesh; each is a vertex, or a blend of several.

    Attributes:
        indices: (68, n) int32, of vertices.
        weights: (68, n) float32; those of a point add up to 1.

    Raises:
        ValueError: if the shapes do not fit, an index is none, or weights add up to another sum.
    """

    indices: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __init__(self, indices: ArrayLike, weights: ArrayLike) -> None:
        vertices = _whole_numbers("keypoint_indices", indices)
        shares = _numbers("keypoint_weights", weights)
        if vertices.ndim != 2 or len(vertices) != NUM_KEYPOINTS or not vertices.size:
            raise ValueError(
                f"keypoint_indices: expected shape ({NUM_KEYPOINTS}, n), found {vertices.shape}"
            )
        if shares.shape != vertices.shape:
            raise ValueError(
                f"keypoint_weights: expected shape {vertices.shape}, found {shares.shape}"
            )
        sums = shares.sum(axis=1)
        if (wrong := np.abs(sums - 1) > 1e-4).any():
            first = int(np.argmax(wrong))
            raise ValueError(
                f"keypoint_weights[{first}]: expected a sum of 1, found {sums[first]:.6g}"
            )
        object.__setattr__(self, "indices", vertices)
        object.__setattr__(self, "weights", shares)

    @classmethod
    def at(cls, vertices: ArrayLike) -> "Keypoints":
        """Keypoints that are single vertices, given by their 68 indices."""
        indices = np.asarray(vertices)[..., None]
        return cls(indices, np.ones(indices.shape, np.float32))


@dataclass(frozen=True, eq=False, init=False)
class FaceModel:
    """A mesh, and the directions in which identity and expression move its vertices.

    Coordinates are right-handed: x to the right of who looks at the face, y up, z toward who
    looks. Triangles go counter-clockwise as seen from outside of the head. The subject's left and
    right are those of scheme 68.

    Attributes:
        name: what the model is called.
        license: the terms that it came under.
        unit_mm: how many millimetres the model's unit of length is: 0.001 for micrometres.
        neutral: (V, 3) float32, the vertices of the mean face, in the model's unit.
        triangles: (T, 3) int32, indices of vertices; T may be 0.
        keypoints: the 68 points of scheme 68.
        identity: (I, V, 3) float32, how far a coefficient of 1 moves each vertex, in the model's
            unit.
        expression: (E, V, 3) float32, likewise.
        uv: (V, 2) float32, places in a texture, in [0, 1] and y up, or None.
        identity_deviations: (I,) float32, how far coefficients vary among people, or None.
        expression_deviations: (E,) float32, likewise.

    Raises:
        ValueError: naming the array, if shapes do not fit each other, a number is not finite, or
            an index is none of a vertex.
    """

    name: str
    license: str
    unit_mm: float
    neutral: NDArray[np.float32]
    triangles: NDArray[np.int32]
    keypoints: Keypoints
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    uv: NDArray[np.float32] | None
    identity_deviations: NDArray[np.float32] | None
    expression_deviations: NDArray[np.float32] | None

    def __init__(
        self,
        *,
        name: str,
        license: str,
        unit_mm: float,
        neutral: ArrayLike,
        triangles: ArrayLike,
        keypoints: Keypoints,
        identity: ArrayLike,
        expression: ArrayLike,
        uv: ArrayLike | None = None,
        identity_deviations: ArrayLike | None = None,
        expression_deviations: ArrayLike | None = None,
    ) -> None:
        if not np.isfinite(unit_mm) or unit_mm <= 0:
            raise ValueError(f"unit_mm: expected a number above 0, found {unit_mm}")
        given = (neutral, triangles, identity, expression)
        optional = (uv, identity_deviations, expression_deviations)
        arrays = _checked(dict(zip(SHAPES, (*given, *optional), strict=True)))
        _check_indices("triangles", arrays["triangles"], len(arrays["neutral"]))
        _check_indices("keypoint_indices", keypoints.indices, len(arrays["neutral"]))
        said = {"name": name, "license": license, "unit_mm": unit_mm, "keypoints": keypoints}
        for field, value in (said | arrays).items():
            object.__setattr__(self, field, value)

    def vertices(self, identity: ArrayLike, expression: ArrayLike) -> NDArray[np.float32]:
        """The vertices of a face, (V, 3), or of several, (..., V, 3), in the model's unit.

        Args:
            identity: (I,) or (..., I), coefficients.
            expression: (E,) or (..., E), coefficients.

        Raises:
            ValueError: if there are more coefficients than directions, or fewer.
        """
        moved = _moved("identity", identity, self.identity)
        return self.neutral + moved + _moved("expression", expression, self.expression)

    def shaped(self, shape: ArrayLike) -> NDArray[np.float32]:
        """The vertices of a face (V, 3), or of several, by all coefficients in a row, as of `Fit`.

        Args:
            shape: (I + E,) or (..., I + E), those of identity first.

        Raises:
            ValueError: if there are more coefficients than directions, or fewer.
        """
        coefficients, count = np.asarray(shape), len(self.identity)
        wanted = count + len(self.expression)
        if coefficients.shape[-1:] != (wanted,):
            raise ValueError(
                f"expected {wanted} coefficients, as {self.name} has, found {coefficients.shape}"
            )
        return self.vertices(coefficients[..., :count], coefficients[..., count:])

    def keypoints_of(self, vertices: ArrayLike) -> NDArray[np.float32]:
        """The 68 points of a mesh, (68, 3), or of several, (..., 68, 3).

        Args:
            vertices: (V, 3) or (..., V, 3), in any frame.

        Raises:
            ValueError: if there are not V vertices.
        """
        mesh = np.asarray(vertices, np.float32)
        if mesh.ndim < 2 or mesh.shape[-2] != len(self.neutral):
            raise ValueError(
                f"expected vertices of shape (..., {len(self.neutral)}, 3), found {mesh.shape}"
            )
        corners = mesh[..., self.keypoints.indices, :]
        return (corners * self.keypoints.weights[..., None]).sum(axis=-2)

    def reduced(self, identities: int, expressions: int) -> "FaceModel":
        """The model with the first so many directions of identity and of expression.

        Raises:
            ValueError: if it has fewer.
        """
        kept: dict[str, Any] = {}
        for name, count in (("identity", identities), ("expression", expressions)):
            basis, deviations = getattr(self, name), getattr(self, f"{name}_deviations")
            if not 0 <= count <= len(basis):
                raise ValueError(f"expected 0 to {len(basis)} of {name}, found {count}")
            kept[name] = basis[:count]
            kept[f"{name}_deviations"] = None if deviations is None else deviations[:count]
        return replace(self, **kept)

    def sparse(self) -> "FaceModel":
        """The model of its 68 points alone: enough for landmarks and losses, without triangles."""
        return replace(
            self,
            neutral=self.keypoints_of(self.neutral),
            triangles=np.zeros((0, 3), np.int32),
            keypoints=Keypoints.at(range(NUM_KEYPOINTS)),
            identity=self.keypoints_of(self.identity),
            expression=self.keypoints_of(self.expression),
            uv=None if self.uv is None else self.keypoints_of(self.uv),
        )


def to_bytes(model: FaceModel) -> bytes:
    """A face model as a safetensors file, for `read_face_model`."""
    arrays = {name: getattr(model, name) for name in SHAPES}
    arrays = {name: values for name, values in arrays.items() if values is not None}
    arrays |= dict(zip(KEYPOINTS, (model.keypoints.indices, model.keypoints.weights), strict=True))
    said = {
        "schema": SCHEMA,
        "name": model.name,
        "license": model.license,
        "unit_mm": float(model.unit_mm),
        "crc32": _checksum(arrays),
    }
    return save(arrays, {KEY: json.dumps(said)})


def write_face_model(model: FaceModel, path: Path) -> None:
    """Write a face model into a file, whole or not at all.

    Raises:
        WeightsError: if the file is not named as a safetensors file.
        StorageError: if it cannot be written.
    """
    if path.suffix.lower() != ".safetensors":
        raise WeightsError(f"{path}: expected a name that ends with .safetensors")
    write_whole(path, to_bytes(model))


def open_face_model() -> FaceModel:
    """The face model inside the package, learned from photos; for research only.

    See docs/decisions/open-face-model.md.
    """
    return read_face_model(INSIDE)


def located(path: Path) -> Path:
    """The file that is meant: the name `open` is that of the model inside the package."""
    return INSIDE if str(path) == OPEN else path


def read_face_model(path: Path) -> FaceModel:
    """Read a face model as `to_bytes` writes it.

    Args:
        path: a file, or `open` for the model inside the package.

    Raises:
        WeightsError: naming the file, what was expected and what was found, if it cannot be read,
            is damaged, or is another file.
    """
    path = located(path)
    said, arrays = _read(path)
    try:
        indices, weights = (arrays.pop(name) for name in KEYPOINTS)
        return FaceModel(
            name=said["name"],
            license=said["license"],
            unit_mm=said["unit_mm"],
            keypoints=Keypoints(indices, weights),
            **arrays,
        )
    except ValueError as error:
        raise WeightsError(f"{path}: {error}; convert the model again") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file says of itself, and its arrays."""
    if not path.is_file():  # to open a pipe may wait forever
        found = "a folder" if path.is_dir() else "something else" if path.exists() else "none"
        raise WeightsError(f"{path}: expected a face model's .safetensors file, found {found}")
    try:
        with safe_open(path, framework="np") as file:
            said = _description((file.metadata() or {}).get(KEY), path)
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            _check_kinds(kinds, path)
            arrays = {name: file.get_tensor(name) for name in kinds}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: damaged, or not a safetensors file ({error})") from None
    if (found := _checksum(arrays)) != said["crc32"]:
        raise WeightsError(
            f"{path}: the file has changed since Canthus wrote it (its checksum is {found}, "
            f"expected was {said['crc32']}); copy it again"
        )
    return said, arrays


def _description(text: str | None, path: Path) -> dict[str, Any]:
    if text is None:
        raise WeightsError(
            f"{path}: expected a face model, found a safetensors file of something else; "
            "write one with `canthus face-model convert`"
        )
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: {KEY}: expected JSON, found {text!r:.60} ({error})") from None
    wanted = {"schema": int, "name": str, "license": str, "unit_mm": float, "crc32": str}
    found = said if isinstance(said, dict) else {}
    if found.get("schema", SCHEMA) != SCHEMA:
        raise WeightsError(
            f"{path}: {KEY}: expected schema {SCHEMA}, found {found['schema']!r:.60}; "
            "it was written by another Canthus: update this one, or convert the model again"
        )
    for name, kind in wanted.items():
        if not isinstance(found.get(name), kind):
            raise WeightsError(f"{path}: {KEY}: expected {name}, found {found.get(name)!r:.60}")
    return found


def _check_kinds(kinds: Mapping[str, str], path: Path) -> None:
    """Make sure that the arrays of a face model are there, of their kinds, and no others."""
    known = (*SHAPES, *KEYPOINTS)
    for name in known:
        wanted = "I32" if name in WHOLE_NUMBERS else "F32"
        if (found := kinds.get(name)) != wanted and (found or name not in OPTIONAL):
            raise WeightsError(f"{path}: expected {name} of {wanted}, found {found or 'none'}")
    if over := sorted(set(kinds) - set(known)):
        raise WeightsError(f"{path}: expected no array beyond a face model's, found {over[0]}")


def _checksum(arrays: Mapping[str, NDArray[np.generic]]) -> str:
    """Of the arrays' bytes, by the order of their names."""
    total = 0
    for name in sorted(arrays):
        total = zlib.crc32(np.ascontiguousarray(arrays[name]).data, total)
    return f"{total:08x}"


def _checked(given: Mapping[str, ArrayLike | None]) -> dict[str, Any]:
    """Arrays of a face model by their names, their types and shapes as they should be."""
    arrays: dict[str, Any] = {}
    sides: dict[str, int] = {}
    for name, values in given.items():
        arrays[name] = None if values is None else _array(name, values)
        if values is not None:
            _check_shape(name, arrays[name], SHAPES[name], sides)
    if not sides["V"]:
        raise ValueError("neutral: expected vertices, found none")
    return arrays


def _array(name: str, values: ArrayLike) -> NDArray[Any]:
    return _whole_numbers(name, values) if name in WHOLE_NUMBERS else _numbers(name, values)


def _numbers(name: str, values: ArrayLike) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
        array = np.array(values, np.float32, order="C")
    if not np.isfinite(array).all():
        first = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(f"{name}{list(first)}: expected a finite number, found {array[first]}")
    array.setflags(write=False)
    return array


def _whole_numbers(name: str, values: ArrayLike) -> NDArray[np.int32]:
    given = np.asarray(values)
    if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= LARGEST):
        raise ValueError(f"{name}: expected indices of vertices, found {given.dtype} or beyond")
    array = np.array(given, np.int32, order="C")
    array.setflags(write=False)
    return array


def _check_shape(
    name: str, array: NDArray[Any], shape: tuple[str | int, ...], sides: dict[str, int]
) -> None:
    """Make sure that an array fits those before it, and keep the lengths it is the first with."""
    said = ", ".join(str(sides.get(str(side), side)) for side in shape)
    fits = array.ndim == len(shape) and all(
        found == (side if isinstance(side, int) else sides.setdefault(side, found))
        for side, found in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: expected shape ({said}), found {array.shape}")


def _check_indices(name: str, indices: NDArray[np.int32], count: int) -> None:
    if indices.size and (largest := int(indices.max())) >= count:
        raise ValueError(f"{name}: expected vertices from 0 to {count - 1}, found {largest}")


def _moved(name: str, coefficients: ArrayLike, basis: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far coefficients (..., K) move vertices along a basis (K, V, 3)."""
    given = np.asarray(coefficients, np.float32)
    if given.ndim < 1 or given.shape[-1] != len(basis):
        raise ValueError(f"expected {len(basis)} coefficients of {name}, found shape {given.shape}")
    return np.tensordot(given, basis, 1)
