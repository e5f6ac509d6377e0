"""Request bodies are read or refused; nothing else can happen.

The texts of refusals are compared with the real server in the conformance suite.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pynats_server.jetstream.config.model import JsonObject, StreamConfig, StreamConfigRequest
from pynats_server.jetstream.errors import ApiError
from pynats_server.jetstream.requests import decode as decode_module
from pynats_server.jetstream.requests import syntax
from pynats_server.jetstream.requests.decode import decode
from pynats_server.jetstream.requests.field_types import Choice, Int32, Time, Uint64

from tests.support.stream_configs import stream_configs


class Part(JsonObject):
    size: Int32 = 0


class Query(JsonObject):
    """A value of every type in requests."""

    words: list[str] = msgspec.field(default_factory=list)
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    parts: list[Part] = msgspec.field(default_factory=list)
    since: Time | None = None
    until: Uint64 | None = None
    anything: Any = None
    exact: bool = False


def refusal(body: bytes, strict: bool = True, type_: type[JsonObject] = Query) -> str:
    with pytest.raises(ApiError) as caught:
        decode(body, type_, strict)
    assert (caught.value.err_code, caught.value.code) == (10025, 400)
    return caught.value.description


def test_every_type_is_read() -> None:
    body = b"""
        {"words": ["a", "\\u00e9"], "counts": {"x": 1, "y": -2}, "parts": [{"size": 7}, {}],
         "since": "2020-01-01T00:00:00.50+02:00", "until": 18446744073709551615,
         "anything": {"a": [1, 2.5, null]}, "exact": true}
    """
    assert decode(body, Query, strict=True) == Query(
        words=["a", "é"],
        counts={"x": 1, "y": -2},
        parts=[Part(size=7), Part()],
        since="2020-01-01T00:00:00.5+02:00",
        until=2**64 - 1,
        anything={"a": [1, 2.5, None]},
        exact=True,
    )


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"{}", b"null {}"])
def test_nothing_given_is_an_empty_request(body: bytes) -> None:
    assert decode(body, Query, strict=True) == Query()
    assert decode(body, Query, strict=False) == Query()


def test_null_is_not_given() -> None:
    body = b'{"words":null,"counts":null,"parts":null,"since":null,"until":null,"exact":null}'
    assert decode(body, Query, strict=True) == Query()


def test_defaults_are_not_shared() -> None:
    decode(b'{"words":["a"],"counts":{"a":1}}', Query, strict=True).words.append("b")
    assert decode(b"{}", Query, strict=True) == Query()


def test_complaints_name_the_place_and_the_type() -> None:
    assert refusal(b'{"parts":[{"size":1},{"size":2147483648}]}') == (
        "invalid JSON: json: cannot unmarshal number 2147483648 into Go struct field "
        "Query.parts.1.size of type int32"
    )
    assert refusal(b'{"counts":{"a":1.0}}') == (
        "invalid JSON: json: cannot unmarshal number 1.0 into Go struct field "
        "Query.counts.a of type int64"
    )
    assert refusal(b"[]") == (
        "invalid JSON: json: cannot unmarshal array into Go value of type server.Query"
    )


def test_lenient_mode_passes_over_unknown_fields() -> None:
    body = b'{"nope":{"words":["x",{"a":"}"}]},"words":["a"]}'
    assert refusal(body) == 'invalid JSON: json: unknown field "nope"'
    assert decode(body, Query, strict=False) == Query(words=["a"])


def test_a_type_that_no_request_has_is_a_mistake_of_ours() -> None:
    class Wrong(JsonObject):
        ratio: float = 0.0

    with pytest.raises(TypeError, match="float"):
        decode(b"{}", Wrong, strict=True)


def test_a_choice_may_have_its_own_complaint() -> None:
    class Chosen(JsonObject):
        action: Annotated[str, Choice(("", "create"), complaint="unknown consumer action")] = ""

    assert decode(b'{"action":"create"}', Chosen, strict=True).action == "create"
    assert refusal(b'{"action":{"x":"\xff"}}', type_=Chosen) == (
        'invalid JSON: unknown consumer action: {"x":"\ufffd"}'
    )


def test_foreign_annotations_are_passed_over() -> None:
    class Annotations(JsonObject):
        word: Annotated[str, "a remark"] = ""

    assert decode(b'{"word":"w"}', Annotations, strict=True).word == "w"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"anything":' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        b'{"nope":' + b"[" * 9_999 + b"]" * 9_999 + b"}",
        b'{"until":' + b"9" * 1_000_000 + b"}",
        b'{"words":["' + b"\\" * 999_999,
        b"[" + b"1," * 500_000,
        b"[" + b"[]," * 200_000,
        b"{" + b'"a":[],' * 100_000,
    ],
    ids=lambda body: f"{body[:12]!r} {len(body)}",
)
@pytest.mark.parametrize("strict", [True, False])
def test_hostile_bodies_are_refused(body: bytes, strict: bool) -> None:
    try:
        decode(body, Query, strict)
    except ApiError as error:
        assert error.err_code == 10025
    else:
        assert not strict and b"nope" in body


TOKENS = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u12", b"\\ud800", b":[", b"},"),
        *(b"null", b"true", b"fals", b"1", b"-", b"0", b".", b"e", b"+", b" ", b"\n", b"\x00"),
        *(b"\xff", b"\xc3\xa9", b'"words"', b'"since"', b'"counts"', b'"parts"', b'"size"'),
        *(b'"anything"', b'"x"', b'"2020-01-01T00:00:00Z"'),
    ]
)
SOUP = st.lists(TOKENS, max_size=25).map(b"".join)


@given(SOUP | st.binary(max_size=40), st.booleans())
@example(b'{"anything":"\\ud800"}', True)
@example(b'{"anything":1e999}', True)
def test_any_bytes_give_a_request_or_an_api_error(body: bytes, strict: bool) -> None:
    try:
        decode(body, Query, strict)
    except ApiError as error:
        assert error.err_code == 10025


TEXTS = st.sampled_from(
    [
        b'"a"',
        b'"\\u00e9"',
        b'"\\ud800"',
        b'"\xff"',
        b"null",
        b"1",
        b'"\\/"',
        b'"\x7f"',
        b'"\\u0000"',
    ]
)


class Texts(JsonObject):
    words: list[str] = msgspec.field(default_factory=list)
    pairs: dict[str, str] = msgspec.field(default_factory=dict)


@given(st.lists(TEXTS), st.lists(st.tuples(TEXTS, TEXTS)), st.booleans())
def test_long_lists_are_read_as_short_ones_are(
    words: list[bytes], pairs: list[tuple[bytes, bytes]], strict: bool
) -> None:
    inner = b",".join(key + b":" + text for key, text in pairs)
    body = b'{"words":[%b],"pairs":{%b}}' % (b",".join(words), inner)
    found = []
    for long in (0, 1 << 20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decode_module, "LONG", long)
            try:
                found.append(repr(decode(body, Texts, strict)))
            except ApiError as error:
                found.append(repr(error.as_dict()))
    assert found[0] == found[1]


def test_an_object_has_a_limited_number_of_keys() -> None:
    """Repeated ones cost time and mean nothing."""
    most = decode_module.MEMBERS_MAX
    assert decode(b'{"exact":true%b}' % (b',"exact":true' * (most - 1)), Query, True).exact
    complaint = f"invalid JSON: json: more than {most} keys in an object"
    assert refusal(b'{"exact":true%b}' % (b',"exact":true' * most)) == complaint


@given(SOUP)
def test_the_syntax_is_that_of_json(body: bytes) -> None:
    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        json.loads(body.decode("utf-8", "replace"), parse_constant=refuse)
        expected = True
    except ValueError:
        expected = False
    try:
        at = syntax.skip_space(body, 0)
        end = syntax.check_value(body, at)
        accepted = syntax.skip_space(body, end) == len(body)
    except (syntax.SyntaxProblem, syntax.Truncated):
        accepted = False
    assert accepted == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_all_json_is_checked_whole(value: Any, indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
    assert syntax.check_value(body, 0) == len(body)
    assert syntax.elements(b"[" + body + b" , " + body + b"]", 0) == [
        (1, 1 + len(body)),
        (4 + len(body), 4 + 2 * len(body)),
    ]
    assert syntax.members(b'{"": ' + body + b"}", 0) == [(1, 3, 5, 5 + len(body))]
    with pytest.raises((syntax.Truncated, syntax.SyntaxProblem)):
        syntax.check_value(b"[" + body, 0)


@given(st.text(), st.booleans())
def test_strings_are_read_back(text: str, ascii_only: bool) -> None:
    body = json.dumps(text, ensure_ascii=ascii_only).encode()
    assert syntax.string_at(body, 0, len(body)) == text


@given(stream_configs())
def test_a_configuration_is_read_back(fields: dict[str, Any]) -> None:
    config = decode(json.dumps(fields).encode(), StreamConfigRequest, strict=True)
    shown = json.dumps(config.as_dict()).encode()
    assert decode(shown, StreamConfigRequest, strict=True) == config
    assert all(hasattr(config, name) for name in StreamConfig.__struct_fields__)
