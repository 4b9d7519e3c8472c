"""The schemes and conversions as data: one JSON file per scheme, read when first asked for."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def read_table(name: str) -> Any:
    """What the table `name`.json holds."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))


class LazyMapping(Mapping[K, V]):
    """A mapping whose keys are known and whose values are made when first asked for."""

    def __init__(self, keys: tuple[K, ...], make: Callable[[K], V]) -> None:
        self._keys = keys
        self._make = make
        self._made: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            self._made[key] = self._make(key)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
