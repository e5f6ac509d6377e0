"""Typed JSON records that lose nothing.

A record is a dataclass. Decoding keeps the JSON object, so that encoding preserves unknown fields,
the spelling of unchanged values (an explicit null or an empty list) and the order of keys. New and
changed values are written in the order and with the omissions of the reference implementation,
because the token id is a hash over exactly those bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pynats_common.go.json import compact_json
from pynats_common.go.text import clean
from pynats_common.jwt.errors import ClaimsError

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
R = TypeVar("R", bound="Record")


def member(
    name: str, *, keep: bool = False, default: Any = dataclasses.MISSING, make: Any = None
) -> Any:
    """Field stored under JSON key `name`; `keep` writes it even when it is empty."""
    metadata = {"json": name, "keep": keep}
    if make is not None:
        return field(default_factory=make, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Record:
    """Base of all records; `source` is the JSON object this one was decoded from."""

    source: dict[str, Any] | None = field(default=None, repr=False, compare=False, kw_only=True)

    @classmethod
    def from_json(cls: type[R], value: object, path: str = "") -> R:
        """Record from a decoded JSON value. Raises ClaimsError naming the path."""
        return decode_record(cls, value, path)

    def to_json(self) -> dict[str, Any]:
        """JSON object of this record, unknown fields included."""
        return encode_record(self)


@dataclass(frozen=True)
class _Plan:
    """The JSON form of one dataclass field."""

    attribute: str
    name: str
    keep: bool
    type: Any
    default: Callable[[], Any]


_Cls = Any  # functools.cache needs a hashable; mypy says dataclass types are not


@functools.cache
def _plans(cls: _Cls) -> tuple[_Plan, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        _Plan(f.name, f.metadata["json"], f.metadata["keep"], hints[f.name], _default_of(f))
        for f in dataclasses.fields(cls)
        if "json" in f.metadata
    )


def _default_of(item: dataclasses.Field[Any]) -> Callable[[], Any]:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory
    return lambda: item.default


@functools.cache
def _by_name(cls: _Cls) -> dict[str, _Plan]:
    return {plan.name.lower(): plan for plan in _plans(cls)}


def decode_record(cls: type[R], value: object, path: str = "") -> R:
    """See `Record.from_json`. A null field counts as absent, because older encoders wrote nulls."""
    if not isinstance(value, dict):
        raise ClaimsError(f"{path or 'claims'}: expected an object")
    known = _by_name(cast("Any", cls))
    arguments: dict[str, Any] = {}
    for name, item in value.items():
        plan = known.get(name.lower())
        if plan is not None and name != plan.name and plan.name in value:
            # With two spellings of one field, the signature check and the reader of the claims
            # could see different values.
            raise ClaimsError(f"{path or 'claims'}: field {plan.name!r} occurs in two spellings")
        if plan is not None and item is not None:
            where = f"{path}.{name}" if path else name
            arguments[plan.attribute] = _decode(plan.type, item, where)
    return cls(**arguments, source=value)


def _decode(kind: Any, value: object, path: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(kind, value, path)
    if origin is list:
        if not isinstance(value, list):
            raise ClaimsError(f"{path}: expected a list")
        (item_kind,) = typing.get_args(kind)
        return [_decode(item_kind, item, f"{path}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise ClaimsError(f"{path}: expected an object")
        value_kind = typing.get_args(kind)[1]
        if value_kind is Any:
            return value
        return {k: _decode(value_kind, v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(kind, type) and issubclass(kind, Record):
        return decode_record(kind, value, path)
    return _decode_scalar(kind, value, path)


def _decode_union(kind: Any, value: object, path: str) -> Any:
    options = [option for option in typing.get_args(kind) if option is not type(None)]
    if len(options) == 1:
        return _decode(options[0], value, path)
    if isinstance(value, str) and str in options:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and int in options:
        return _decode_scalar(int, value, path)
    for option in options:
        if isinstance(value, list) and typing.get_origin(option) is list:
            return _decode(option, value, path)
        if isinstance(option, type) and issubclass(option, Record):
            return decode_record(option, value, path)
    raise ClaimsError(f"{path}: unexpected value")


def _decode_scalar(kind: Any, value: object, path: str) -> Any:
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ClaimsError(f"{path}: expected an integer")
        if not _INT64_MIN <= value <= _INT64_MAX:
            raise ClaimsError(f"{path}: integer out of range")
        return value
    if kind in (str, bool):
        if not isinstance(value, kind):
            raise ClaimsError(f"{path}: expected a {'string' if kind is str else 'boolean'}")
        return value
    return value


def _cls(record: Record) -> Any:
    return type(record)


def encode_record(record: Record) -> dict[str, Any]:
    """See `Record.to_json`."""
    source, known = record.source or {}, _by_name(_cls(record))
    # The spelling of a key in the source wins over ours (decoding ignores case).
    spelling = {name.lower(): name for name in source}
    fields: dict[str, Any] = {}
    for plan in _plans(_cls(record)):
        name = spelling.get(plan.name.lower(), plan.name)
        value = getattr(record, plan.attribute)
        unchanged, original = _original(plan, source, name, value)
        if unchanged:
            fields[name] = original
        elif _is_empty(value) if not plan.keep else _was_absent(plan, record.source, name, value):
            continue
        else:
            fields[name] = _encode(value)
    for name, value in source.items():
        if name.lower() not in known:
            fields[name] = value
    return {name: fields[name] for name in _key_order(type(record), source, fields)}


def _was_absent(plan: _Plan, source: dict[str, Any] | None, name: str, value: Any) -> bool:
    """True for a field that the decoded object lacked and that still has its default."""
    return source is not None and name not in source and _encode(value) == _encode(plan.default())


def _original(plan: _Plan, source: dict[str, Any], name: str, value: Any) -> tuple[bool, Any]:
    """Whether the source's spelling of this value can be kept, and that spelling."""
    if name not in source:
        return False, None
    original = source[name]
    if original is None:
        return _is_empty(value) or _encode(value) == _encode(plan.default()), None
    if _holds_records(value):
        return False, None
    return _encode(_decode(plan.type, original, name)) == _encode(value), original


def _holds_records(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_records(item) for item in value)
    if isinstance(value, dict):
        return any(_holds_records(item) for item in value.values())
    return isinstance(value, Record)


def _key_order(cls: type[Record], source: dict[str, Any], fields: dict[str, Any]) -> list[str]:
    """Keys in the source's order; a new key goes before the next known key."""
    rank = {plan.name.lower(): index for index, plan in enumerate(_plans(cast("Any", cls)))}
    order = [name for name in source if name in fields]
    for name in (n for n in fields if n not in source):
        mine = rank[name.lower()]
        at = next((i for i, k in enumerate(order) if rank.get(k.lower(), -1) > mine), len(order))
        order.insert(at, name)
    return order


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value == 0 or value in ("", [], {})


def _encode(value: Any) -> Any:
    if isinstance(value, Record):
        return encode_record(value)
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {name: _encode(value[name]) for name in sorted(value)}
    return value


def dump_compact(value: object) -> bytes:
    """Compact JSON with the reference's escapes (`<` as \\u003c, and `>`, `&` alike)."""
    return compact_json(value).encode("utf-8", "replace")


def load_object(data: bytes, what: str) -> dict[str, Any]:
    """JSON object from untrusted bytes. Raises ClaimsError."""
    try:
        value = json.loads(
            data.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once
        )
        if b"\\u" in data:
            value = _cleaned(value)
    except (ValueError, RecursionError):
        raise ClaimsError(f"{what}: not valid JSON") from None
    if not isinstance(value, dict):
        raise ClaimsError(f"{what}: expected an object")
    return cast("dict[str, Any]", value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. With a field that occurs twice, two readers could see two values."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field occurs twice")
    return found


def _cleaned(value: Any) -> Any:
    """With U+FFFD for halves of surrogate pairs, as Go has it: no output could carry them."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return _once([(clean(name), _cleaned(item)) for name, item in value.items()])
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(name)
