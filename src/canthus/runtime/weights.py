"""Which weights file a user means: one by name, inside the package, or one of the user's own."""

import stat
from os import PathLike
from pathlib import Path

from canthus.errors import WeightsError

INSIDE = Path(__file__).parents[1] / "weights"
DEFAULT = "lgrn"
ALIASES = {"accurate": DEFAULT, "fast": "hourglass-fast", "dense": "tddfa"}
SUFFIXES = (".onnx", ".safetensors")
PICKLES = (".pth", ".pt", ".tar", ".ckpt", ".pkl", ".pickle", ".bin", ".joblib")


def names() -> list[str]:
    """The models inside the package, the default first."""
    found = sorted(path.stem for path in INSIDE.glob("*.onnx"))
    return sorted(found, key=lambda name: name != DEFAULT)


def find(name_or_path: str | PathLike[str] | None = None) -> Path:
    """The weights file that a name or a path means; none means the default model.

    A name of a model inside the package comes first: a file of that name is `./name`.

    Raises:
        WeightsError: if there is neither such a model nor such a file, or the file is of a kind
            that Canthus does not open.
    """
    given = str(DEFAULT if name_or_path is None else name_or_path)
    name = ALIASES.get(given, given)
    if name in names():
        return INSIDE / f"{name}.onnx"
    if given in (DEFAULT, *ALIASES):
        raise WeightsError(f"model {name!r} is missing from {INSIDE}; install Canthus again")
    return _checked(Path(given))


def _checked(path: Path) -> Path:
    if path.suffix.lower() in PICKLES:
        raise WeightsError(
            f"{path}: a pickle, which may run any code when opened; "
            f"Canthus opens {' and '.join(SUFFIXES)} files only"
        )
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        inside = ", ".join((*names(), *ALIASES))
        raise WeightsError(f"{path}: no such file, nor a model inside ({inside})") from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read: {error}") from None
    if not stat.S_ISREG(mode):
        raise WeightsError(f"{path}: expected a weights file, found a folder or a device")
    if path.suffix.lower() not in SUFFIXES:
        raise WeightsError(f"{path}: expected a {' or '.join(SUFFIXES)} file")
    return path
