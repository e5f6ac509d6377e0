"""Configurations, keys and values of key-value and object buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.commands.object.transfer import headers_of
from pynats_cli.errors import CliError
from pynats_cli.jetstream.kv.bucket import (
    Bucket,
    Wish,
    changed_config,
    check_key,
    check_pattern,
    new_config,
)
from pynats_cli.jetstream.kv.screens import text_of, value_text
from pynats_cli.jetstream.kv.values import DELETE, PURGE, PUT, Value, value_of
from pynats_cli.jetstream.objects import bucket as objects
from pynats_cli.jetstream.reading import Stored
from pynats_common.go.durations import HOUR_NS, MINUTE_NS

ALLOWED = "abcXYZ019-_/=."


@given(st.text(ALLOWED, min_size=1, max_size=20))
def test_a_key_is_tokens_between_dots(key: str) -> None:
    if all(key.split(".")):
        assert check_key(key) == check_pattern(key) == key
    else:
        with pytest.raises(CliError, match="invalid key"):
            check_key(key)


@pytest.mark.parametrize("key", ["", "a*", "a.>", "a b", "é", "a\n", "a:b", "*"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(CliError, match="invalid key"):
        check_key(key)


@pytest.mark.parametrize("pattern", [">", "*", "a.*.c", "a.>", "k*"])
def test_patterns_have_wildcards(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize("pattern", ["a..b", ">.a", "a b", ""])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(CliError, match="invalid key"):
        check_pattern(pattern)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a*", "é"])
def test_what_is_no_bucket_is_refused(name: str) -> None:
    for naming in (Bucket.stream_name, objects.ObjectBucket.stream_name):
        with pytest.raises(CliError, match="invalid bucket name"):
            naming(name)


def test_duplicates_are_known_for_no_longer_than_values_live() -> None:
    assert new_config("B", Wish(ttl_ns=MINUTE_NS))["duplicate_window"] == MINUTE_NS
    assert new_config("B", Wish(ttl_ns=HOUR_NS))["duplicate_window"] == 2 * MINUTE_NS


def test_an_edit_changes_what_is_asked_for_only() -> None:
    before = new_config("B", Wish(history=5, description="old", metadata={"a": "b"}))
    after = changed_config("B", before, Wish(history=3))
    assert after == {**before, "max_msgs_per_subject": 3}


def test_a_mirror_that_is_none_any_more_takes_values() -> None:
    mirror = new_config("B", Wish(mirror="A"))
    assert "subjects" not in mirror
    after = changed_config("B", mirror, Wish(no_mirror=True))
    assert after["subjects"] == ["$KV.B.>"]
    assert "mirror" not in after


def test_values_of_a_mirror_go_to_its_origin() -> None:
    near = Bucket("B", {"config": new_config("B", Wish(mirror="A"))})
    assert near.target("$JS.API") == "$KV.A."
    far = Bucket("B", {"config": new_config("B", Wish(mirror="A", mirror_domain="hub"))})
    assert far.target("$JS.API") == "$JS.hub.API.$KV.A."
    assert Bucket("B", {"config": new_config("B", Wish())}).target("$JS.x.API") == (
        "$JS.x.API.$KV.B."
    )


def test_a_bucket_is_a_mirror_or_has_sources() -> None:
    with pytest.raises(CliError, match="not both"):
        new_config("B", Wish(mirror="A", sources=("C",)))


@pytest.mark.parametrize(
    ("headers", "operation"),
    [
        ((), PUT),
        ((("KV-Operation", "DEL"),), DELETE),
        ((("KV-Operation", "PURGE"), ("Nats-Rollup", "sub")), PURGE),
        ((("Nats-Marker-Reason", "MaxAge"),), PURGE),
        ((("Nats-Marker-Reason", "Remove"),), DELETE),
    ],
)
def test_markers_are_told_by_headers(headers: tuple[tuple[str, str], ...], operation: str) -> None:
    bucket = Bucket("B", {"config": new_config("B", Wish())})
    value = value_of(bucket, Stored("$KV.B.a.b", 3, 0, headers, b""))
    assert (value.key, value.operation) == ("a.b", operation)


def test_values_that_cannot_be_printed_are_shown_in_base64() -> None:
    assert text_of("grün ".encode()) == "grün "
    assert text_of(b"a\nb") == "YQpi"
    assert text_of(b"\xff") == "/w=="
    shown = value_text("B", Value("k", b"\xff" * 200, 1, 0))
    assert "base64" in shown
    assert "Showing first 120 bytes of 268" in shown


def test_headers_of_objects_may_repeat() -> None:
    assert headers_of(["A: b", "A:c", "X:"]) == {"A": ["b", "c"], "X": [""]}
    with pytest.raises(CliError, match="invalid header"):
        headers_of(["none"])


@given(
    st.text(min_size=1, max_size=30),
    st.integers(0, 1 << 40),
    st.binary(min_size=32, max_size=32),
    st.booleans(),
)
def test_notes_about_objects_survive_their_json(
    name: str, size: int, digest: bytes, deleted: bool
) -> None:
    note = objects.Note(
        name=name, bucket="B", nuid="n", size=size, digest=digest, deleted=deleted,
        headers={"A": ["b"]}, time_ns=5,
    )  # fmt: skip
    assert objects.Note.read(note.as_dict(), 5) == note


@pytest.mark.parametrize("document", [{}, {"name": "a", "bucket": "b", "nuid": "n", "size": "x"}])
def test_a_note_that_cannot_be_read_is_an_error(document: dict[str, object]) -> None:
    with pytest.raises(CliError, match="cannot be read"):
        objects.Note.read(document, 0)
