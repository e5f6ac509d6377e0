"""JSON as Go writes it, and Go's texts of system errors."""

from __future__ import annotations

import errno
import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.go.errno import errno_text, error_text
from pynats_common.go.json import compact_json, html_safe, json_number


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.booleans())))
def test_json_is_safe_in_html_and_means_the_same(value: dict[str, object]) -> None:
    text = compact_json(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    assert html_safe(plain) == text.encode()


def test_escapes_are_those_of_go() -> None:
    assert (
        compact_json({"b": "<&>é", "a": [1, None]}) == '{"b":"\\u003c\\u0026\\u003eé","a":[1,null]}'
    )


def test_whole_numbers_have_no_fraction() -> None:
    assert repr(json_number(2.0)) == "2"
    assert repr(json_number(0.5)) == "0.5"


def test_errors_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "absent").read_bytes()
    assert error_text(caught.value) == "no such file or directory"
    assert errno_text(errno.EACCES) == "permission denied"
    assert error_text(OSError("its own words")) == "its own words"


def test_a_name_that_cannot_be_asked_for() -> None:
    with pytest.raises(UnicodeError) as caught:
        socket.getaddrinfo("a" * 64 + ".b", 1)
    assert error_text(caught.value) == "no such host"
