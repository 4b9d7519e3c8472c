"""The weights of MTCNN's three nets, read from the installed package `mtcnn` (MIT license).

The package itself is never imported: it wants TensorFlow. Its files are joblib's: pickles, packed
by lz4, with the numbers of each array in between. We read them with an unpickler that knows arrays
and nothing else. joblib would do it too, but unpickles whatever it is given, and importing it takes
60 ms, which is more than all that the detector needs otherwise.
"""

import hashlib
import io
import math
import pickle
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.errors import WeightsError

Arrays = Sequence[NDArray[np.float32]]

# SHA-256 of the numbers in each file. The thresholds are tuned for these, and lz4 as the package
# uses it keeps no checksum of its own.
DIGESTS: Mapping[str, str] = {
    "pnet": "13b6e2c6d49be93cf0eb957a139daa5c8ba4d6b162ccc644ff2125c19a73f524",
    "rnet": "5073c2b622b16c4cd7acca5408838f9b8e703c39a9bfb4f14382c23a756d0ef2",
    "onet": "112f10e8fa59867395794dbcb6f5c49c239365d4dcc91703841e0231bf1197c7",
}
INSTALL = "install it anew: pip install --force-reinstall --no-deps 'mtcnn>=1.0,<2'"


def find() -> Path:
    """The folder of the weights in the installed package.

    Raises:
        WeightsError: if the package is not installed.
    """
    spec = find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(
            "the face detector's weights come with the package mtcnn, which is not installed; "
            "pip install 'mtcnn>=1.0,<2', or give the boxes of the faces yourself"
        )
    return Path(spec.submodule_search_locations[0]) / "assets" / "weights"


def read(folder: Path, name: str) -> Arrays:
    """Read one net's weights, in the order of its layers.

    Args:
        folder: what `find` answers.
        name: "pnet", "rnet" or "onet".

    Raises:
        WeightsError: naming the file, if it is missing, damaged, or not the one we know.
    """
    path = folder / f"{name}.lz4"
    try:
        arrays = _parse(_unpack(path.read_bytes()))
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}; {INSTALL}") from None
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: damaged: {error}; {INSTALL}") from None
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    if digest.hexdigest() != DIGESTS[name]:
        raise WeightsError(f"{path}: not the weights of mtcnn 1.0; {INSTALL}")
    return arrays


def _unpack(data: bytes) -> bytes:
    import lz4.frame  # type: ignore[import-untyped]

    unpacked: bytes = lz4.frame.decompress(data)
    return unpacked


def _parse(data: bytes) -> Arrays:
    """The list of arrays in joblib's bytes.

    Raises:
        ValueError: if they are anything else.
    """
    try:
        stored = _Unpickler(io.BytesIO(data)).load()
        return [item.values for item in stored]
    except (pickle.UnpicklingError, AttributeError, EOFError, IndexError, KeyError, TypeError) as e:
        raise ValueError(f"expected a list of arrays, found other things ({e})") from None


class _Unpickler(pickle.Unpickler):
    """Builds float32 arrays in lists, and refuses all else that a pickle may ask for.

    A file without `peek`, such as BytesIO, is read no further than the pickle has been followed,
    so that an array's numbers can be read from behind its description.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._file = file

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return type("Stored", (_Stored,), {"file": self._file})
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("numpy", "ndarray"):
            return "ndarray"  # joblib notes the class; nobody calls it
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


class _Stored:
    """Where joblib describes an array, whose numbers follow."""

    file: io.BytesIO
    values: NDArray[np.float32]

    def __setstate__(self, state: Mapping[str, object]) -> None:
        shape, dtype = state["shape"], state["dtype"]
        if dtype != np.float32 or not isinstance(shape, tuple) or state["order"] != "C":
            raise ValueError(f"expected float32 in C order, found {dtype}, {shape}")
        padding = self.file.read(1)[0]
        self.file.read(padding)
        numbers = self.file.read(4 * math.prod(shape))
        self.values = np.frombuffer(numbers, np.float32).reshape(shape)
