"""JSON objects in texts of others."""

from __future__ import annotations

import pytest
from pynats_cli.documents import maybe_object, object_of
from pynats_cli.errors import CliError


@pytest.mark.parametrize(
    "data",
    [b"", b"[1]", b"null", b'"a"', b'{"a":1', b"\xff", "[" * 100_000, b'{"a":' * 100_000],
    ids=["nothing", "list", "null", "text", "cut", "no-utf8", "deep-lists", "deep-objects"],
)
def test_what_is_no_object_is_nothing_or_an_error(data: bytes | str) -> None:
    assert maybe_object(data) is None
    with pytest.raises(CliError, match=r"^the answer is odd$"):
        object_of(data, "the answer is odd")


def test_an_object_is_read() -> None:
    assert object_of(b'{"a":[1]}', "odd") == maybe_object('{"a":[1]}') == {"a": [1]}
    assert maybe_object(b"{}") == {}
