"""Configs: plain frozen dataclasses, checked once, where they come in from YAML."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform

import yaml

from canthus.errors import RecipeError

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True)
def config(cls: type[T]) -> type[T]:
    """Mark a class as a config: frozen, keyword-only, and closed to unknown keys."""
    cls.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def parse(kind: type[T], values: Mapping[str, object], where: str) -> T:
    """Check plain values and make the config of them.

    Raises:
        RecipeError: naming every key that is unknown, missing or of the wrong type.
    """
    from pydantic import (
        TypeAdapter,
        ValidationError,
    )  # pydantic is slow to import; align needs none

    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}, "
            f"found {_shown(fault['input'])}"
            for fault in error.errors(include_url=False)
        )
        raise RecipeError(f"{where}: " + "; ".join(faults)) from None


def read(kind: type[T], path: Path, overrides: Iterable[str] = ()) -> T:
    """Read a config from YAML, after `key.path=value` overrides.

    Raises:
        RecipeError: if the file is missing or is not YAML, or what it says is not such a config.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise RecipeError(f"{path}: expected keys and values, found {_shown(values)}")
    for override in overrides:
        _set(values, override)
    return parse(kind, values, str(path))


def dump(instance: object) -> dict[str, Any]:
    """The plain values of a config, ready for YAML or JSON."""
    plain: dict[str, Any] = _plain(instance)
    return plain


def to_yaml(instance: object) -> str:
    """A config as YAML that `read` takes back."""
    return yaml.safe_dump(dump(instance), sort_keys=False, allow_unicode=True)


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _set(values: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise RecipeError(f"--set {override}: expected key.path=value")
    *parents, last = path.split(".")
    try:
        value = yaml.safe_load(_float_friendly(text))
    except yaml.YAMLError:
        raise RecipeError(f"--set {override}: {text!r} is not a YAML value") from None
    place: Any = values
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
        if not isinstance(place, (dict, list)):
            raise RecipeError(f"--set {override}: {key!r} holds a value, not keys")
    place[int(last) if isinstance(place, list) else last] = value


def _float_friendly(text: str) -> str:
    """YAML 1.1 takes 3e-4 for a string, since it has no dot: say it as YAML means it."""
    try:
        number = float(text)
    except ValueError:
        return text
    return repr(number) if "e" in text.lower() and "." in repr(number) else text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
