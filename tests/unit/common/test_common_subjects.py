"""Subjects, patterns and overlaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common import subjects

literal = st.lists(st.sampled_from(["a", "b", "c*", ">d"]), min_size=1, max_size=5).map(".".join)
pattern = st.lists(st.sampled_from(["a", "b", "*", "c*"]), max_size=4).flatmap(
    lambda head: st.sampled_from(["a", ">", "*"]).map(lambda tail: ".".join([*head, tail]))
)


@pytest.mark.parametrize("subject", ["a", "a.b", "*", ">", "a.*.c", "a.>", "a*b", "a>b", "$SYS.x"])
def test_valid_subjects(subject: str) -> None:
    assert subjects.is_valid_subject(subject)


@pytest.mark.parametrize(
    "subject", ["", ".", "a.", ".a", "a..b", "a b", "a\tb", ">.a", "a.>.b", "a\r\n"]
)
def test_invalid_subjects(subject: str) -> None:
    assert not subjects.is_valid_subject(subject)
    assert not subjects.is_valid_publish_subject(subject)


@pytest.mark.parametrize(
    ("subject", "valid"),
    [("a.b", True), ("a*", True), ("a.*", False), (">", False), ("a.>", False)],
)
def test_publish_subjects_have_no_wildcards(subject: str, valid: bool) -> None:
    assert subjects.is_valid_publish_subject(subject) is valid


@pytest.mark.parametrize(
    ("pattern", "subject", "matches"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a", False),
        ("a", "a.b", False),
        ("*", "a", True),
        ("*", "a.b", False),
        (">", "a.b.c", True),
        ("a.>", "a", False),
        ("a.>", "a.b", True),
        ("a.*.c", "a.b.c", True),
        ("*.*", "a.b", True),
        ("a*", "ab", False),
    ],
)
def test_matching(pattern: str, subject: str, matches: bool) -> None:
    assert subjects.subject_matches(pattern, subject) is matches


@given(pattern, literal)
def test_a_match_is_an_overlap_in_both_directions(pattern: str, subject: str) -> None:
    if subjects.subject_matches(pattern, subject):
        assert subjects.subjects_overlap(pattern, subject)
        assert subjects.subjects_overlap(subject, pattern)


@given(literal)
def test_a_subject_matches_itself_and_everything_wider(subject: str) -> None:
    assert subjects.subject_matches(subject, subject)
    assert subjects.subject_matches(">", subject)
    parts = subjects.tokens(subject)
    for index in range(len(parts)):
        assert subjects.subject_matches(".".join([*parts[:index], ">"]), subject)
        starred = [*parts[:index], "*", *parts[index + 1 :]]
        assert subjects.subject_matches(".".join(starred), subject)


@given(pattern, pattern, literal)
def test_patterns_that_share_a_subject_overlap(left: str, right: str, subject: str) -> None:
    if subjects.subject_matches(left, subject) and subjects.subject_matches(right, subject):
        assert subjects.subjects_overlap(left, right)


def test_lists_of_subjects_are_split_at_commas_and_spaces() -> None:
    assert subjects.split_subjects(["a,b", "c d\te", ""]) == ["a", "b", "c", "d", "e"]
