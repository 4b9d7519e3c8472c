"""The YAML of scheme files, which nobody vouches for: its values, and the line of each key."""

from pathlib import Path
from typing import Any

from canthus.errors import DatasetError

LARGEST = 4_000_000  # bytes of a scheme file
LONGEST = 200  # characters of a value; also keeps integers small enough to be floats and text


def read_values(path: Path) -> tuple[dict[Any, Any], dict[str, int]]:
    """The keys and values of a file, and the lines of its keys, from 1.

    Raises:
        DatasetError: naming the line that cannot be read, or is refused: an alias, a key that is
            given twice, a value of more characters than any should have.
    """
    import yaml  # only for files; importing canthus stays cheap

    text = _text(path)
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        _check(root, path)
        values = None if root is None else loader.construct_document(root)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise DatasetError(f"{path}: cannot be read as YAML: {error}") from None
    if root is None or not isinstance(values, dict):
        raise DatasetError(f"{path}: expected keys and values, found {type(values).__name__}")
    return values, {str(key.value): key.start_mark.line + 1 for key, _ in root.value}


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise DatasetError(f"{path}: expected a scheme file, found none")
        if (size := path.stat().st_size) > LARGEST:
            raise DatasetError(f"{path}: expected at most {LARGEST} bytes, found {size}")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read as text: {error}") from None


def _check(root: Any, path: Path) -> None:
    """Refuse what makes a document mean more, or less, than it seems to.

    An alias can make a few lines stand for more than a memory holds; of a key given twice the
    first would be lost.
    """
    seen: set[int] = set()
    todo = [] if root is None else [root]
    while todo:
        node = todo.pop()
        where = _line(node, path)
        if id(node) in seen:
            raise DatasetError(f"{where}: expected values as such, found an anchor with an alias")
        seen.add(id(node))
        if node.id == "scalar" and len(node.value) > LONGEST:
            raise DatasetError(f"{where}: expected at most {LONGEST} characters in a value")
        if node.id == "sequence":
            todo += node.value
        if node.id == "mapping":
            _refuse_twice([key for key, _ in node.value], path)
            todo += [each for pair in node.value for each in pair]


def _refuse_twice(keys: list[Any], path: Path) -> None:
    seen: set[str] = set()
    for key in keys:
        if (name := str(key.value)) in seen:
            where = _line(key, path)
            raise DatasetError(f"{where}: expected each key once, found {name!r:.60} again")
        seen.add(name)


def _line(node: Any, path: Path) -> str:
    """`file:line` of a node, for messages."""
    return f"{path}:{node.start_mark.line + 1}"
