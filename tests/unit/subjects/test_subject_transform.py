"""Subject mapping: documented examples, properties, and cases without a reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.subject_mapping import reading
from pynats_common.subject_mapping.renaming import rename, renamed
from pynats_common.subjects import subject_matches
from pynats_server.core.fnv import fnv1a32
from pynats_server.core.interest.rename import Rename
from pynats_server.subjects import transform as transforms
from pynats_server.subjects.transform import SubjectTransform, TransformError

TOKEN = st.text(st.characters(codec="utf-8", exclude_characters=". \t\r\n\f\x00*>"), min_size=1)
SUBJECT = st.lists(TOKEN, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("data", "expected"), [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)]
)
def test_hash_vectors(data: bytes, expected: int) -> None:
    assert fnv1a32(data) == expected


@pytest.mark.parametrize(
    ("customer", "partition"),
    [("customerid1", 0), ("customerid2", 2), ("customerid3", 1), ("customerid4", 2)],
)
def test_documented_partitions(customer: str, partition: int) -> None:
    transform = SubjectTransform.compile(
        "neworders.*", "neworders.{{wildcard(1)}}.{{partition(3,1)}}"
    )
    assert transform.apply(f"neworders.{customer}") == f"neworders.{customer}.{partition}"


def test_result_has_the_type_of_the_subject() -> None:
    transform = SubjectTransform.compile("a.*", "b.$1")
    assert transform.apply("a.é") == "b.é"
    assert transform.apply("a.é".encode()) == "b.é".encode()
    assert transform.apply(b"a.\xff") == b"b.\xff"
    assert transform.apply("c.d") is None


def test_empty_sides() -> None:
    assert SubjectTransform.compile("", "a.>").apply("b.c") == "a.b.c"
    keep = SubjectTransform.compile("a.*", "")
    assert keep.apply("a.b") == "a.b"
    assert keep.apply("b.b") is None


def test_error_names_the_side_at_fault() -> None:
    with pytest.raises(TransformError, match=r"^invalid subject a\.\.b$") as refused:
        SubjectTransform.compile("a..b", "c")
    assert refused.value.in_source
    with pytest.raises(TransformError) as refused:
        SubjectTransform.compile("a", "c.>")
    assert not refused.value.in_source


@given(SUBJECT, st.data())
def test_every_matching_subject_is_taken_apart_and_joined(
    subject: str, data: st.DataObject
) -> None:
    tokens = subject.split(".")
    source = [data.draw(st.sampled_from([token, "*"])) for token in tokens]
    stars = [place for place, token in enumerate(source) if token == "*"]
    order = data.draw(st.permutations(range(len(stars))))
    dest = ["x%", *(f"{{{{wildcard({star + 1})}}}}" for star in order)]
    transform = SubjectTransform.compile(".".join(source), ".".join(dest))
    expected = ".".join(["x%", *(tokens[stars[star]] for star in order)])
    assert transform.apply(subject) == expected


@given(SUBJECT, SUBJECT)
def test_only_what_the_source_matches_is_changed(source: str, subject: str) -> None:
    for pattern in (source, source + ".>", source + ".*"):
        transform = SubjectTransform.compile(pattern, "x.>" if pattern.endswith(">") else "x")
        matched = transform.apply(subject) is not None
        assert matched == subject_matches(pattern, subject)


@given(SUBJECT, st.integers(1, 9))
def test_cutting_keeps_every_character(token: str, size: int) -> None:
    token = token.replace(".", "")
    for function in ("splitFromLeft", "splitfromright", "SliceFromLeft", "sliceFromRight"):
        transform = SubjectTransform.compile("*", f"{{{{{function}(1,{size})}}}}")
        cut = transform.apply(token.encode())
        assert cut is not None
        assert cut.replace(b".", b"") == token.encode()


# Valid and invalid tokens for both sides.
PIECE = st.sampled_from(
    ["a", "b", "*", ">", "", " ", "$1", "$2", "$x", "{{wildcard(1)}}", "{{partition(3,1)}}",
     "{{split(1,-)}}", "{{splitFromLeft(1,1)}}", "{{right(1,1)}}", "{{wildcard(9)}}", "{{", "}}"]
)  # fmt: skip
NEAR_MISS = st.text() | st.lists(PIECE, max_size=4).map(".".join)


@given(NEAR_MISS, NEAR_MISS, SUBJECT)
def test_what_compiles_is_a_subject_for_each_that_matches(
    src: str, dest: str, subject: str
) -> None:
    try:
        transform = SubjectTransform.compile(src, dest)
    except TransformError as refused:
        assert str(refused)
        return
    like_src = src.replace("*", "x-y").replace(">", "x.y") or "x"
    for asked in (subject, like_src, "a.b", "b"):
        made = transform.apply(asked)
        assert (made is not None) == subject_matches(src or ">", asked)
        if made is not None:
            assert transform.apply(asked.encode()) == made.encode()


@pytest.mark.parametrize(
    ("number", "made"),
    [("1", "b.x"), ("+1", "b.x"), ("0" * 9000 + "1", "b.x"), ("0" * 9000, "b.a"),
     ("-" + "0" * 9000, "b.a"), ("1" * 9000, None), (str(2**63 - 1), None)],
)  # fmt: skip
def test_numbers_of_any_length_are_read_or_refused(number: str, made: str | None) -> None:
    dest = f"b.{{{{wildcard({number})}}}}"
    if made is None:
        with pytest.raises(TransformError):
            SubjectTransform.compile("a.*", dest)
    else:
        assert SubjectTransform.compile("a.*", dest).apply("a.x") == made


@pytest.mark.parametrize(
    "token", ["{{wildcard(" * 100 + "}}", "{{split(1," * 100 + ")" * 100 + "\n}}x}}"]
)
def test_a_call_without_end_is_looked_for_once_a_line(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def counted(ends: list[int], at: int) -> int:
        looks.append(at)
        return 0

    monkeypatch.setattr(reading, "bisect_left", counted)
    with pytest.raises(TransformError):
        SubjectTransform.compile("a.*", token)
    assert 0 < len(looks) <= 2


def test_sources_become_expressions_with_the_first_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of them are checked without that."""
    built: list[list[str]] = []
    build = transforms.source_pattern
    monkeypatch.setattr(
        transforms, "source_pattern", lambda tokens: [built.append(tokens), build(tokens)][1]
    )
    transform = SubjectTransform.compile("a.*", "b.$1")
    assert not built
    assert transform.apply("a.x") == transform.apply(b"a.x").decode() == "b.x"  # type: ignore[union-attr]
    assert len(built) == 1


PLACES = st.integers(0, 2)
FUNCTIONS = st.tuples(
    st.sampled_from(
        ["split", "left", "right", "slicefromleft", "slicefromright", "splitfromleft",
         "splitfromright"]
    ),
    PLACES.map(lambda place: (place,)),
    st.integers(-2, 9),
    st.sampled_from([b"", b"-", b"ab", b"aa"]),
)  # fmt: skip
PARTITIONS = st.tuples(
    st.just("partition"), st.lists(PLACES, max_size=3).map(tuple), st.integers(-3, 9), st.just(b"")
)
PIECES = st.lists(
    st.one_of(st.binary(max_size=3), st.integers(-4, 2), FUNCTIONS, PARTITIONS), max_size=5
)
TOKENS = st.lists(
    st.text("ab-é", min_size=1, max_size=12).map(str.encode) | st.binary(min_size=1, max_size=6),
    min_size=3,
    max_size=5,
).map(lambda tokens: [token.replace(b".", b"_") for token in tokens])


@given(PIECES, TOKENS)
def test_the_compiled_renaming_is_the_plain_one(
    pieces: list[reading.Piece], tokens: list[bytes]
) -> None:
    subject = b".".join(tokens)
    assert rename(pieces, subject) == Rename(pieces).apply(subject)


def test_plain_renaming_of_documented_mappings() -> None:
    def plain(source: str, destination: str, subject: str) -> str | None:
        return renamed(reading.read_mapping(source, destination), subject)

    assert plain("foo.*.*", "bar.{{wildcard(2)}}.$1", "foo.a.b") == "bar.b.a"
    assert plain("foo.*", "bar.{{split(1,-)}}", "foo.-abc-def--ghi-") == "bar.abc.def.ghi"
    assert plain("foo.*", "{{partition(3,1)}}", "bar.a") is None
    assert plain("foo", "{{random(1)}}", "foo") == "0"
