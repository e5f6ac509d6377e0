"""Ids in the form of a NUID."""

from __future__ import annotations

from pynats_common.ids.nuid import ALPHABET, LENGTH, new_nuid


def test_an_id_has_twenty_two_digits_and_letters() -> None:
    made = [new_nuid() for _ in range(1000)]
    assert {len(each) for each in made} == {LENGTH}
    assert set("".join(made)) == set(ALPHABET)
    assert len(set(made)) == len(made)
