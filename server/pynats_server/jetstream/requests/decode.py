"""Request bodies of the JetStream API: JSON to struct, strictly typed.

What is accepted and how refusals read follows the real server to the letter, since clients show
these texts: field names in any case, null as "not given", values that come one after another
read into the same object, repeated keys merged. The first complaint in the order of the text is
the one that counts, but a syntax error anywhere in a value comes before any other.

Recursion follows the type, never the body: its depth is that of the struct definitions. A body may
have a hundred thousand values: `decoding` reads them in slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from pynats_common.go.quoting import quote
from pynats_common.go.text import clean, raw_text
from pynats_common.go.times import normalise_time

from pynats_server.jetstream.config.model import JsonObject
from pynats_server.jetstream.errors import api_error
from pynats_server.jetstream.requests import syntax
from pynats_server.jetstream.requests.field_types import Algorithm, Choice, Moment, Number
from pynats_server.work import Work, finish

T = TypeVar("T", bound=JsonObject)
_Texts = TypeVar("_Texts", list[str], dict[str, str])
Path = tuple[str, ...]

INVALID_JSON: Final = 10025
ELEMENTS: Final = 64  # of a list or object, read before a rest: 0.2 ms
MEMBERS_MAX: Final = (
    4096  # keys of an object with known fields: repeated ones cost, and mean nothing
)
LONG: Final = 4096  # bytes from which lists of texts are read in compiled code
_KINDS: Final = {
    ord("{"): "object", ord("["): "array", ord('"'): "string",
    ord("t"): "bool", ord("f"): "bool", ord("n"): "null",
}  # fmt: skip
_FOLDED: Final = str.maketrans({"\u017f": "s", "\u212a": "k"})  # what folding adds to ASCII


def decode(body: bytes, type_: type[T], strict: bool) -> T:
    """`decoding` in one go: for types that have no lists of objects."""
    return finish(decoding(body, type_, strict))


def decoding(body: bytes, type_: type[T], strict: bool) -> Work[T]:
    """`body` as a `type_`; an empty body gives one without any field set.

    Unknown fields are refused when `strict`, passed over otherwise. Raises ApiError 10025 for
    everything that is not such an object.
    """
    try:
        return (yield from _read_stream(body, type_))
    except _Refused as refused:
        complaint = str(refused)
    except syntax.SyntaxProblem as problem:
        complaint = f"{problem.text} at offset {problem.offset}"
    except syntax.Truncated:
        complaint = "unexpected EOF"
    if not strict:
        return (yield from _read_leniently(body, type_))
    raise api_error(INVALID_JSON, err=complaint)


def decode_plainly(body: bytes, type_: type[T]) -> T:
    """`decode` for the few requests that the real server never reads strictly: exactly one value,
    unknown fields passed over. Raises ApiError 10025."""
    return finish(_read_leniently(body, type_))


def _read_stream(body: bytes, type_: type[T]) -> Work[T]:
    """Values in a row, each read into the same object."""
    made = type_()
    reader = _Reader(body, _object_plan(type_), forbid_unknown=True)
    at = syntax.skip_space(body, 0)
    while at < len(body):
        end = syntax.check_value(body, at)
        yield from reader.read_into(made, at)
        at = syntax.skip_space(body, end)
    return made


def _read_leniently(body: bytes, type_: type[T]) -> Work[T]:
    """Exactly one value, unknown fields passed over; complaints do not tell offsets."""
    made = type_()
    at = syntax.skip_space(body, 0)
    try:
        end = syntax.skip_space(body, syntax.check_value(body, at))
        if end < len(body):
            raise syntax.unexpected(body, end, "after top-level value")
        yield from _Reader(body, _object_plan(type_), forbid_unknown=False).read_into(made, at)
    except _Refused as refused:
        raise api_error(INVALID_JSON, err=str(refused)) from None
    except syntax.SyntaxProblem as problem:
        raise api_error(INVALID_JSON, err=problem.text) from None
    except syntax.Truncated:
        raise api_error(INVALID_JSON, err="unexpected end of JSON input") from None
    return made


class _Refused(ValueError):
    """A value that does not fit its type; the text is the complaint."""


@dataclass(frozen=True, slots=True)
class _Text:
    name: str = "string"


@dataclass(frozen=True, slots=True)
class _Flag:
    name: str = "bool"


@dataclass(frozen=True, slots=True)
class _Anything:
    name: str = "interface {}"


@dataclass(frozen=True, slots=True)
class _Items:
    item: _Plan
    name: str
    pointers: bool


@dataclass(frozen=True, slots=True)
class _Pairs:
    value: _Plan
    name: str


@dataclass(frozen=True, slots=True)
class _Maybe:
    """What may be absent; null makes it so."""

    plan: _Plan

    @property
    def name(self) -> str:
        return self.plan.name


@dataclass(frozen=True, slots=True)
class _Object:
    type_: type[JsonObject]
    name: str
    fields: dict[str, _Plan]
    folded: dict[str, str]  # lower-case name -> name

    def field_name(self, key: str) -> str | None:
        """The field that `key` means, if any; an exact match goes before one in other case."""
        if key in self.fields:
            return key
        return self.folded.get(key.lower().translate(_FOLDED))


_Plan = (
    _Text | _Flag | _Anything | _Items | _Pairs | _Maybe | _Object
    | Number | Choice | Algorithm | Moment
)  # fmt: skip


@cache
def _object_plan(type_: type[JsonObject]) -> _Object:
    hints = get_type_hints(type_, include_extras=True)
    fields = {name: _plan(hints[name]) for name in type_.__struct_fields__}
    return _Object(type_, type_.go_type(), fields, {name.lower(): name for name in fields})


def _plan(hint: Any) -> _Plan:
    """How to read a field of that type. Raises TypeError for types that requests do not have."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        for extra in arguments[1:]:
            if isinstance(extra, Number | Choice | Algorithm | Moment):
                return extra
        return _plan(arguments[0])
    if origin in (Union, UnionType):
        (kind,) = (argument for argument in arguments if argument is not NoneType)
        return _Maybe(_plan(kind))
    if origin is list:
        item = _plan(arguments[0])
        pointers = isinstance(item, _Object) and item.type_.by_pointer
        return _Items(item, f"[]{'*' if pointers else ''}{item.name}", pointers)
    if origin is dict:
        value = _plan(arguments[1])
        return _Pairs(value, f"map[string]{value.name}")
    if isinstance(hint, type) and issubclass(hint, JsonObject):
        return _object_plan(hint)
    if hint is int:
        return INT64
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    raise TypeError(f"no request field can be {hint!r}")


INT64: Final = Number("int64", -(2**63), 2**63 - 1)
_SIMPLE: Final[dict[Any, _Plan]] = {str: _Text(), bool: _Flag(), Any: _Anything()}


class _Reader:
    """Reads checked values of one body; `at` and `end` are where such a value begins and ends."""

    def __init__(self, body: bytes, plan: _Object, forbid_unknown: bool) -> None:
        self._body = body
        self._plan = plan
        self._forbid_unknown = forbid_unknown

    def read_into(self, made: JsonObject, at: int) -> Work[None]:
        """Sets the fields of `made` from the object there; null changes nothing."""
        kind = self._kind(at)
        if kind == "null":
            return
        if kind != "object":
            raise self._mismatch(kind, (), self._plan.name)
        yield from self._read_object(self._plan, at, (), made)

    def _kind(self, at: int) -> str:
        return _KINDS.get(self._body[at], "number")

    def _read(self, plan: _Plan, at: int, end: int, path: Path, before: Any) -> Work[Any]:
        """The value; `before` is what the field holds so far."""
        kind = self._kind(at)
        if kind != "null" and isinstance(plan, _Maybe):
            plan = plan.plan
        if _JSON_KINDS.get(type(plan)) == kind:
            match plan:
                case _Object():
                    before = plan.type_() if before is None else before
                    return (yield from self._read_object(plan, at, path, before))
                case _Items():
                    return (yield from self._read_items(plan, at, end, path, before))
                case _Pairs():
                    return (yield from self._read_pairs(plan, at, end, path, before))
        return self._read_simple(plan, at, end, path, before, kind)

    def _read_simple(
        self, plan: _Plan, at: int, end: int, path: Path, before: Any, kind: str
    ) -> Any:
        """A value without parts, null, or one of the wrong kind."""
        if isinstance(plan, Choice):
            return self._read_choice(plan, at, end)
        if isinstance(plan, Algorithm):
            return self._read_algorithm(plan, at, end, kind)
        if kind == "null":
            if isinstance(plan, _Maybe):
                return None
            return [] if isinstance(plan, _Items) else {} if isinstance(plan, _Pairs) else before
        if _JSON_KINDS.get(type(plan)) not in (kind, "any"):
            raise self._mismatch(kind, path, plan.name)
        match plan:
            case _Text():
                return syntax.string_at(self._body, at, end)
            case Number():
                return self._read_number(plan, at, end, path)
            case _Flag():
                return self._body[at] == ord("t")
            case Moment():
                return self._read_moment(at, end)
            case _Anything():
                return self._read_anything(at, end)
        raise AssertionError(f"no reader for {plan!r}")

    def _read_number(self, plan: Number, at: int, end: int, path: Path) -> int:
        raw = self._body[at:end]
        # Longer ones are out of every range; int() would refuse thousands of digits.
        if len(raw) > 20 or not raw.lstrip(b"-").isdigit() or (plan.low == 0 and raw[:1] == b"-"):
            raise self._mismatch(f"number {raw.decode()}", path, plan.name)
        value = int(raw)
        if not plan.low <= value <= plan.high:
            raise self._mismatch(f"number {raw.decode()}", path, plan.name)
        return value

    def _read_choice(self, plan: Choice, at: int, end: int) -> str:
        """Compares the raw text: an escaped letter does not match."""
        raw = self._body[at:end]
        written = raw_text(raw)
        text = written.lower() if plan.any_case else written
        if text[:1] == '"':
            word = text[1:-1]
            if word in plan.words:
                return word
            for spelling, meant in plan.other:
                if word == spelling:
                    return meant
        if plan.complaint:
            raise _Refused(f"{plan.complaint}: {clean(written)}")
        raise _Refused(f"can not unmarshal {quote(raw)}")

    def _read_algorithm(self, plan: Algorithm, at: int, end: int, kind: str) -> str:
        if kind not in ("string", "null"):
            raise _Refused(f"json: cannot unmarshal {kind} into Go value of type string")
        word = syntax.string_at(self._body, at, end) if kind == "string" else ""
        if word not in plan.words:
            raise _Refused(plan.complaint)
        return word

    def _read_moment(self, at: int, end: int) -> str:
        try:
            return normalise_time(syntax.string_at(self._body, at, end))
        except ValueError as error:
            raise _Refused(str(error)) from None

    def _read_anything(self, at: int, end: int) -> Any:
        try:
            return msgspec.json.decode(self._body[at:end])
        except (msgspec.DecodeError, RecursionError) as error:
            raise _Refused(f"json: {error}") from None

    def _read_items(
        self, plan: _Items, at: int, end: int, path: Path, before: list[Any]
    ) -> Work[list[Any]]:
        if isinstance(plan.item, _Text) and (texts := self._all_texts(at, end, list[str])):
            return list(texts)
        made: list[Any] = []
        for index, (start, stop) in enumerate(syntax.elements(self._body, at)):
            if index % ELEMENTS == ELEMENTS - 1:
                yield
            # Elements of a repeated key are merged into the earlier ones, as in Go.
            fresh = index >= len(before) or (plan.pointers and self._kind(start) == "null")
            old = _zero(plan.item) if fresh else before[index]
            made.append((yield from self._read(plan.item, start, stop, (*path, str(index)), old)))
        return made

    def _read_pairs(
        self, plan: _Pairs, at: int, end: int, path: Path, before: dict[str, Any]
    ) -> Work[dict[str, Any]]:
        # The field's own dictionary: to copy it for every repetition of the key would be quadratic.
        if isinstance(plan.value, _Text) and (texts := self._all_texts(at, end, dict[str, str])):
            before.update(texts)
            return before
        for step, (key_at, key_end, start, stop) in enumerate(syntax.members(self._body, at)):
            if step % ELEMENTS == ELEMENTS - 1:
                yield
            key = syntax.string_at(self._body, key_at, key_end)
            old = _zero(plan.value)
            before[key] = yield from self._read(plan.value, start, stop, (*path, key), old)
        return before

    def _all_texts(self, at: int, end: int, type_: type[_Texts]) -> _Texts | None:
        """A long list or object of nothing but proper strings, read in one go; None for others."""
        if end - at < LONG:
            return None
        try:
            return msgspec.json.decode(self._body[at:end], type=type_)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _read_object(
        self, plan: _Object, at: int, path: Path, made: JsonObject
    ) -> Work[JsonObject]:
        members = syntax.members(self._body, at)
        if len(members) > MEMBERS_MAX:
            raise _Refused(f"json: more than {MEMBERS_MAX} keys in an object")
        for step, (key_at, key_end, start, end) in enumerate(members):
            if step % ELEMENTS == ELEMENTS - 1:
                yield
            key = syntax.string_at(self._body, key_at, key_end)
            name = plan.field_name(key)
            if name is not None:
                before = getattr(made, name)
                value = yield from self._read(plan.fields[name], start, end, (*path, key), before)
                setattr(made, name, value)
            elif self._forbid_unknown:
                raise _Refused(f"json: unknown field {quote(key.encode())}")
        return made

    def _mismatch(self, kind: str, path: Path, wanted: str) -> _Refused:
        if not path:
            return _Refused(f"json: cannot unmarshal {kind} into Go value of type {wanted}")
        steps = (step.replace("~", "~0").replace("/", "~1") for step in path)
        place = ".".join((self._plan.name.removeprefix("server."), *steps))
        # The real server omits these words for elements of arrays, and for keys like them.
        words = "" if path[-1].isdecimal() else "Go struct field "
        return _Refused(f"json: cannot unmarshal {kind} into {words}{place} of type {wanted}")


_JSON_KINDS: Final[dict[type, str]] = {
    Number: "number", Moment: "string", _Text: "string", _Flag: "bool", _Anything: "any",
    _Items: "array", _Pairs: "object", _Object: "object",
}  # fmt: skip


def _zero(plan: _Plan) -> Any:
    match plan:
        case Number():
            return 0
        case _Text():
            return ""
        case _Flag():
            return False
        case _Items():
            return []
        case _Pairs():
            return {}
        case _Object():
            return plan.type_()
    return None
