"""The list of subjects in index.db, against a reader that follows the format's description."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common.varints import put_uvarint
from pynats_server.jetstream.store.format.subjectlist import list_end, subjects_of
from pynats_server.jetstream.store.search.filters import FilterSet
from pynats_server.jetstream.store.search.subjectwalk import SubjectWalk

NUMBERS = st.integers(min_value=0, max_value=2**64 - 1)
ENTRIES = st.dictionaries(
    st.binary(min_size=1, max_size=300).filter(lambda subject: 0 not in subject),
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    max_size=20,
)


def encode(entries: dict[bytes, tuple[int, int, int]], with_last: bool) -> bytes:
    out = bytearray()
    put_uvarint(out, len(entries))
    for subject, (total, first, last) in entries.items():
        put_uvarint(out, len(subject))
        out += subject
        put_uvarint(out, total)
        put_uvarint(out, first)
        if with_last or total > 1:
            put_uvarint(out, last)
    return bytes(out)


@given(ENTRIES, st.booleans(), st.binary(max_size=5), st.binary(max_size=5))
def test_the_list_ends_where_its_last_entry_does(
    entries: dict[bytes, tuple[int, int, int]], with_last: bool, before: bytes, after: bytes
) -> None:
    encoded = encode(entries, with_last)
    data = before + encoded + after
    assert list_end(data, len(before), with_last) == len(before) + len(encoded)
    tree = subjects_of(memoryview(encoded), with_last)
    walk = SubjectWalk(tree, FilterSet([b">"]))
    assert {subject for subject, _ in walk.totals(1 << 60)} == set(entries)


@given(ENTRIES, st.booleans(), st.data())
def test_a_list_that_is_cut_off_is_refused(
    entries: dict[bytes, tuple[int, int, int]], with_last: bool, data: st.DataObject
) -> None:
    encoded = encode(entries, with_last)
    size = data.draw(st.integers(min_value=0, max_value=len(encoded) - 1))
    with pytest.raises(ValueError, match="cut off"):
        list_end(encoded[:size], 0, with_last)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80" * 9 + b"\x02",  # a count beyond 64 bits
        b"\x80" * 11,
        b"\x01\x00\x01\x01\x01",  # an empty subject
        b"\x01" + b"\xff" * 9 + b"\x01",  # longer than everything there is
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut off"):
        list_end(data, 0, True)
