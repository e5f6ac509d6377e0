"""Distinguished names in configurations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pynats_server.auth.certificates.dn import Dn, parse_dn, same_as

KINDS = st.sampled_from(["CN", "OU", "O", "C", "DC", "cn", "Ou"])
VALUES = st.text(
    st.characters(blacklist_categories=["Cs"]) | st.sampled_from(' ,+"\\<>;=#'), min_size=1
)
RDNS = st.lists(st.tuples(KINDS, VALUES), min_size=1, max_size=3).map(tuple)
NAMES = st.lists(RDNS, min_size=1, max_size=5).map(tuple)


def _signs(value: str) -> str:
    """Every sign that means something behind a backslash."""
    return "".join("\\" + char if char in ' ,+"\\<>;=#' else char for char in value)


def _hex(value: str) -> str:
    """Every byte as two digits."""
    return "".join(f"\\{byte:02x}" for byte in value.encode())


@given(NAMES, st.sampled_from([_signs, _hex]), st.sampled_from(["", " ", "   "]))
def test_what_is_escaped_is_read_as_it_was(dn: Dn, escaped: object, blank: str) -> None:
    text = f"{blank},{blank}".join(
        f"{blank}+{blank}".join(f"{kind}{blank}={blank}{escaped(value)}" for kind, value in rdn)  # type: ignore[operator]
        for rdn in dn
    )
    assert parse_dn(blank + text + blank) == dn


@given(st.text() | st.text(st.sampled_from('CN=a,+\\ "#2c')))
def test_any_text_is_a_name_or_is_not(text: str) -> None:
    found = parse_dn(text)
    assert found is None or all(kind and value for rdn in found for kind, value in rdn)


@given(NAMES, st.randoms())
def test_order_and_the_case_of_types_do_not_count(dn: Dn, random: object) -> None:
    mixed = [tuple(random.sample(rdn, len(rdn))) for rdn in dn]  # type: ignore[attr-defined]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    other = tuple(tuple((kind.lower(), value) for kind, value in rdn) for rdn in mixed)
    assert same_as(other) == same_as(dn)


@given(NAMES, RDNS)
def test_more_is_something_else(dn: Dn, rdn: tuple[tuple[str, str], ...]) -> None:
    assert same_as((*dn, rdn)) != same_as(dn)
