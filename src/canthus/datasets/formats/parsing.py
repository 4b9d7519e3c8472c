"""What the readers of foreign files share: bytes, JSON and XML that nobody vouches for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from canthus.datasets.trust import LIMIT, instead_of_file, number
from canthus.errors import DatasetError

LARGEST = 10**9  # bytes of an annotation file
DEEPEST = 32  # elements within elements; no format here has more than 5
SHOWN = 60  # characters of a wrong value that a message repeats


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a JSON file, and where it stands.

    Attributes:
        value: as it was parsed.
        file: the file's path.
        at: the way to it, as `annotations[3].keypoints`; empty for the whole file.
    """

    value: object
    file: Path
    at: str = ""

    @property
    def where(self) -> str:
        """`file: annotations[3].keypoints`, for messages."""
        return f"{self.file}: {self.at}" if self.at else str(self.file)

    def wrong(self, expected: str) -> DatasetError:
        """The error that says where, what was expected and what was found."""
        try:
            found = "nothing" if self.value is None else repr(self.value)
        except (ValueError, RecursionError):  # an integer of too many digits, say
            found = type(self.value).__name__
        return DatasetError(f"{self.where}: expected {expected}, found {found:.{SHOWN}}")

    def has(self, key: str) -> bool:
        """Whether it is an object in which a key is given and not null.

        Raises:
            DatasetError: if it is no object.
        """
        return self._object().get(key) is not None

    def child(self, key: str) -> "Node":
        """The value of a key; null where there is none.

        Raises:
            DatasetError: if it is no object.
        """
        at = f"{self.at}.{key}" if self.at else key
        return Node(self._object().get(key), self.file, at)

    def fields(self) -> "Iterator[tuple[str, Node]]":
        """The keys and values of an object, in its order.

        Raises:
            DatasetError: if it is no object.
        """
        return ((str(key), self.child(str(key))) for key in self._object())

    def items(self) -> "list[Node]":
        """The entries of a list.

        Raises:
            DatasetError: if it is no list.
        """
        values = self._list()
        return [Node(each, self.file, f"{self.at}[{i}]") for i, each in enumerate(values)]

    def text(self) -> str:
        """A text.

        Raises:
            DatasetError: if it is none.
        """
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return self.value

    def numbers(self, count: int) -> list[float]:
        """A list of `count` finite numbers, each a place in a picture.

        Raises:
            DatasetError: naming the first entry that is none.
        """
        values = self._list()
        if len(values) != count:
            raise DatasetError(f"{self.where}: expected {count} numbers, found {len(values)}")
        for index, value in enumerate(values):
            # a comparison with NaN is false
            if type(value) not in (int, float) or not -LIMIT < value < LIMIT:  # type: ignore[operator]
                raise self.items()[index].wrong("a finite number")
        return [float(value) for value in values]  # type: ignore[arg-type]

    def _object(self) -> dict[str, object]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object of keys and values")
        return self.value

    def _list(self) -> list[object]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return self.value


@dataclass(slots=True)
class Element:
    """An element of an XML file, and the line that it begins on.

    Attributes:
        tag: its name.
        attributes: its attributes, as the file has them.
        file: the file's path.
        line: counted from 1.
        children: the elements in it.
    """

    tag: str
    attributes: dict[str, str]
    file: Path
    line: int
    children: "list[Element]" = field(default_factory=list)

    @property
    def where(self) -> str:
        """`file:line`, for messages."""
        return f"{self.file}:{self.line}"

    def all(self, *tags: str) -> "list[Element]":
        """The children of some names, in the file's order."""
        return [child for child in self.children if child.tag in tags]

    def text(self, key: str) -> str:
        """An attribute.

        Raises:
            DatasetError: if it is not there.
        """
        if key not in self.attributes:
            raise DatasetError(
                f"{self.where}: expected <{self.tag} {key}=...>, found "
                f"{', '.join(self.attributes) or 'no attributes'}"
            )
        return self.attributes[key]

    def number(self, key: str) -> float:
        """An attribute that is a place in a picture.

        Raises:
            DatasetError: if it is not there, or no finite number.
        """
        return number(self.text(key), f"{self.where}: {key}")

    def flag(self, key: str) -> bool:
        """An attribute of 0 or 1; not there is 0.

        Raises:
            DatasetError: if it is something else.
        """
        value = self.attributes.get(key, "0")
        if value not in ("0", "1"):
            raise DatasetError(f"{self.where}: expected {key} of 0 or 1, found {value!r:.{SHOWN}}")
        return value == "1"


def read_bytes(path: Path) -> bytes:
    """The bytes of an annotation file.

    Raises:
        DatasetError: if it cannot be read, or is larger than any such file is.
    """
    try:
        if not path.is_file():
            raise DatasetError(f"{path}: expected a file, found {instead_of_file(path)}")
        if (size := path.stat().st_size) > LARGEST:
            raise DatasetError(f"{path}: expected at most {LARGEST} bytes, found {size}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from None


def read_json(path: Path) -> Node:
    """The values of a JSON file in UTF-8, with or without a byte order mark.

    Raises:
        DatasetError: if it cannot be read as JSON.
    """
    try:
        return Node(json.loads(read_bytes(path).decode("utf-8-sig")), path)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{path}:{error.lineno}: expected JSON, found {error.msg}") from None
    except RecursionError:
        raise DatasetError(f"{path}: expected annotations, found JSON nested too deep") from None
    except ValueError as error:  # no UTF-8, or a number of thousands of digits
        raise DatasetError(f"{path}: cannot be read as JSON: {error}") from None


def read_xml(path: Path, root: str) -> Element:
    """The root element of an XML file.

    Raises:
        DatasetError: if it cannot be read as XML, declares entities, is nested too deep, or its
            root has another name.
    """
    found = _Builder(path).parse(read_bytes(path))
    if found.tag != root:
        raise DatasetError(f"{found.where}: expected <{root}>, found <{found.tag:.{SHOWN}}>")
    return found


class _Builder:
    """Makes a tree with lines of an XML file; entities are refused where they are declared."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity
        self._open = [Element("", {}, path, 0)]

    def parse(self, data: bytes) -> Element:
        """The root element."""
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise DatasetError(f"{self._path}:{error.lineno}: expected XML, {reason}") from None
        except (LookupError, ValueError) as error:  # an encoding that nobody knows
            raise DatasetError(f"{self._path}: cannot be read as XML: {error}") from None
        return self._open[0].children[0]

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self._path, self._parser.CurrentLineNumber)
        if len(self._open) > DEEPEST:
            raise DatasetError(
                f"{element.where}: expected at most {DEEPEST} elements within each other"
            )
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, tag: str) -> None:
        self._open.pop()

    def _entity(self, name: str, *_: object) -> None:
        raise DatasetError(
            f"{self._path}:{self._parser.CurrentLineNumber}: expected annotations, "
            f"found a declared entity {name!r:.{SHOWN}}; such files are refused"
        )
