"""Headers of the PROXY protocol."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_server.clients.arriving.proxy_header import (
    NO_HEADER,
    V1_BEGINS,
    V1_BYTES_MAX,
    V2_BEGINS,
    V2_SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    read_header,
)

BYTES_MAX = 16 + 0xFFFF  # of any header
V4 = ipaddress.IPv4Address("1.2.3.4"), ipaddress.IPv4Address("5.6.7.8")
PORTS = (1111).to_bytes(2, "big") + (2222).to_bytes(2, "big")
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def v2(body: bytes, command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    """A header of version 2."""
    size = len(body) if length is None else length
    return V2_SIGNATURE + bytes([command, family]) + size.to_bytes(2, "big") + body


def in_v2(source: Ip, dest: Ip, port: int) -> bytes:
    """As a proxy says it in version 2."""
    family = 0x11 if source.version == 4 else 0x21
    ports = port.to_bytes(2, "big") + b"\0\0"
    return v2(source.packed + dest.packed + ports, family=family)


def in_v1(source: Ip, dest: Ip, port: int) -> bytes:
    """As a proxy says it in version 1."""
    return f"PROXY TCP{source.version} {source} {dest} {port} 0\r\n".encode()


addresses = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)),
    st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6)),
)
ports = st.integers(0, 0xFFFF)


@given(addresses, ports, st.sampled_from([in_v1, in_v2]), st.binary(max_size=40), st.data())
def test_what_a_proxy_says_is_read_however_it_arrives(
    pair: tuple[Ip, Ip], port: int, say: object, rest: bytes, data: st.DataObject
) -> None:
    said = say(*pair, port)  # type: ignore[operator]
    source = pair[0]
    mapped = source.ipv4_mapped if isinstance(source, ipaddress.IPv6Address) else None
    found = read_header(said + rest)
    assert found == ProxyHeader(len(said), str(mapped or source), port)
    assert read_header(said[: data.draw(st.integers(0, len(said) - 1))]) is None


@given(
    st.sampled_from([b"", b"PROXY TCP4 ", b"PROXY TCP6 ::1 ", V1_BEGINS, V2_BEGINS, V2_SIGNATURE,
                     V2_SIGNATURE + b"\x21\x11\0\x0c"]),
    st.binary(max_size=200),
)  # fmt: skip
def test_anything_is_a_header_or_none_or_refused_and_more_never_changes_that(
    begin: bytes, rest: bytes
) -> None:
    data = begin + rest
    outcomes = []
    for end in range(len(data) + 1):
        try:
            outcomes.append(read_header(data[:end]))
        except ProxyHeaderError as error:
            assert "\n" not in str(error)
            outcomes.append(ProxyHeader(-1))
    known = [outcome for outcome in outcomes if outcome is not None]
    assert len(set(known)) <= 1
    assert outcomes[: len(outcomes) - len(known)] == [None] * (len(outcomes) - len(known))
    if known and known[0].taken > 0:
        assert known[0].taken <= BYTES_MAX


@given(st.binary(min_size=V1_BYTES_MAX, max_size=400))
def test_a_line_without_an_end_is_not_waited_for(rest: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read_header(V1_BEGINS + rest.replace(b"\n", b"x"))


def test_no_header_is_longer_than_a_length_of_two_bytes_can_say() -> None:
    whole = v2(V4[0].packed + V4[1].packed + PORTS + b"\x04" * (0xFFFF - 12))
    assert len(whole) == BYTES_MAX
    assert read_header(whole) == ProxyHeader(BYTES_MAX, "1.2.3.4", 1111)


def test_who_it_is_is_known_before_the_end_has_come() -> None:
    head = v2(V4[0].packed + V4[1].packed + PORTS, length=0xFFFF)
    assert read_header(head[:-1]) is None
    assert read_header(head) == ProxyHeader(BYTES_MAX, "1.2.3.4", 1111)
    assert read_header(v2(b"", command=0x20, length=500)) == ProxyHeader(516)


@pytest.mark.parametrize(
    "data",
    [b"CONNECT {}\r\n", b"PING\r\n", b"PI", b"proxy TCP4", b"\r\nPING\r\n", b"PROXYX", b"\x16"],
)
def test_other_first_bytes_are_left_alone(data: bytes) -> None:
    assert read_header(data) == NO_HEADER


@pytest.mark.parametrize("data", [b"", b"P", b"PROXY", b"\r", b"\r\n\r\n\0"])
def test_a_beginning_says_nothing_yet(data: bytes) -> None:
    assert read_header(data) is None
