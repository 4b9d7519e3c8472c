"""The weights of MTCNN's three nets, read from the installed package `mtcnn` (MIT license).

The package itself is never imported: it wants TensorFlow. Its files are joblib's: pickles, packed
by lz4, with the numbers of each array in between. joblib would read them, but unpickles whatever it
is given, and importing it takes 60 ms, twice what the detector needs to start. So we unpickle only
the bytes that we know, and only arrays.
"""

import hashlib
import io
import math
import pickle
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from canthus.errors import WeightsError

Arrays = Sequence[NDArray[np.float32]]

# SHA-256 of each file, unpacked: the thresholds are tuned for these weights, the package's lz4
# keeps no checksum, and a damaged pickle can do worse than raise: crash, or take all memory.
DIGESTS: Mapping[str, str] = {
    "pnet": "78044d0bcd6d96c2e98f0a3d56e1226302f2969d61561bc572b09b72b6291d10",
    "rnet": "1affe37b246ee58ff1eb3f7ffafd9c20427a96d3bece1a481a9511822148c88a",
    "onet": "0549ccbdaf116fcebcf1bad1279c1d7d22b2b6c8de356091eb788e2d42f08426",
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
        data = lz4.frame.decompress(path.read_bytes())
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}; {INSTALL}") from None
    except RuntimeError as error:
        raise WeightsError(f"{path}: damaged: {error}; {INSTALL}") from None
    if hashlib.sha256(data).hexdigest() != DIGESTS[name]:
        raise WeightsError(f"{path}: damaged, or not the weights of mtcnn 1.0; {INSTALL}")
    return [stored.values for stored in _Unpickler(io.BytesIO(data)).load()]


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

    def __setstate__(self, state: Mapping[str, tuple[int, ...]]) -> None:
        padding = self.file.read(1)[0]
        self.file.read(padding)
        numbers = self.file.read(4 * math.prod(state["shape"]))
        self.values = np.frombuffer(numbers, "<f4").reshape(state["shape"])
