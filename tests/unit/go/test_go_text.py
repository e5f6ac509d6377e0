"""Text that may have been made of any bytes."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from pynats_common.go.text import NAME_MAX, bytes_of, raw_text, shortened


@given(st.binary())
@example(b"\xff caf\xc3\xa9 \xed\xa0\x80")
def test_bytes_come_back_from_the_text_made_of_them(raw: bytes) -> None:
    assert bytes_of(raw_text(raw)) == raw


def test_names_are_cut_where_the_log_shows_no_more() -> None:
    assert shortened("n" * NAME_MAX) == "n" * NAME_MAX
    assert shortened("n" * NAME_MAX + "x") == "n" * NAME_MAX + "..."
