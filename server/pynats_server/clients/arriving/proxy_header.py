"""The header of the PROXY protocol, version 1 or 2: bytes in, an address out.

https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt describes it. What is refused here is
what the real server refuses.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

V1_BEGINS: Final = b"PROXY "
V2_BEGINS: Final = b"\r\n\r\n\0\r"  # of the signature: as much as tells that it is one
V2_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
V1_BYTES_MAX: Final = 107
V2_HEAD_BYTES: Final = 16

_PORT = re.compile(rb"[0-9]+")
_SHOWN_MAX = 32  # bytes from outside in a complaint
# By address family: bytes of each of both addresses, and its name.
_ADDRESSES: Final = {0x10: (4, "IPv4"), 0x20: (16, "IPv6")}

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class ProxyHeaderError(ValueError):
    """It begins as a header, and is none."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What the first bytes of a connection are: `taken` of them are the header, of which the end
    may be to come, and the client comes from `host` and `port`; with no host it is the peer itself.
    """

    taken: int
    host: str = ""
    port: int = 0


NO_HEADER: Final = ProxyHeader(0)


def read_header(data: bytes) -> ProxyHeader | None:
    """The header that `data` begins with; `NO_HEADER` if there is none, None while that or who it
    names cannot be told yet. Raises ProxyHeaderError."""
    for begins, read in ((V1_BEGINS, _read_v1), (V2_BEGINS, _read_v2)):
        if data[: len(begins)] == begins[: len(data)]:
            return read(data) if len(data) >= len(begins) else None
    return NO_HEADER


def _read_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\n", 0, V1_BYTES_MAX) + 1
    if not end:
        if len(data) >= V1_BYTES_MAX:
            raise _invalid("v1 line too long")
        return None
    line = data[:end]
    words = line.split()[1:]
    if not line.endswith(b"\r\n") or not words:
        raise _invalid("invalid v1 format")
    if words[0] == b"UNKNOWN":
        return ProxyHeader(end)
    if len(words) != 5:
        raise _invalid("invalid v1 format")
    if words[0] not in (b"TCP4", b"TCP6"):
        raise _invalid(f"invalid protocol {_shown(words[0])}")
    addresses = [_address(word) for word in words[1:3]]
    port = _port("source", words[3])
    _port("dest", words[4])
    version = int(words[0][3:])
    if any(address.version != version for address in addresses):
        raise _invalid(f"TCP{version} with IPv{10 - version} address")
    return ProxyHeader(end, _host(addresses[0]), port)


def _read_v2(data: bytes) -> ProxyHeader | None:
    if data[: len(V2_SIGNATURE)] != V2_SIGNATURE[: len(data)]:
        raise _invalid("invalid signature")
    if len(data) < V2_HEAD_BYTES:
        return None
    version, command = data[12] & 0xF0, data[12] & 0x0F
    family, transport = data[13] & 0xF0, data[13] & 0x0F
    taken = V2_HEAD_BYTES + int.from_bytes(data[14:16], "big")
    if version != 0x20:
        raise _invalid(f"invalid version 0x{version:02x}")
    if command > 1:
        raise ProxyHeaderError(f"unknown PROXY protocol command: 0x{command:02x}")
    if command == 1:
        if transport != 1:
            raise _unsupported("only STREAM protocol supported")
        if family and family not in _ADDRESSES:
            raise _unsupported(f"unsupported address family 0x{family:02x}")
        if family and taken - V2_HEAD_BYTES < 2 * _ADDRESSES[family][0] + 4:
            name = _ADDRESSES[family][1]
            raise ProxyHeaderError(f"{name} address data too short: {taken - V2_HEAD_BYTES} bytes")
    if command == 0 or not family:
        return ProxyHeader(taken)
    size = _ADDRESSES[family][0]
    if len(data) < V2_HEAD_BYTES + 2 * size + 4:
        return None
    source = data[V2_HEAD_BYTES : V2_HEAD_BYTES + size]
    ports = V2_HEAD_BYTES + 2 * size
    port = int.from_bytes(data[ports : ports + 2], "big")
    return ProxyHeader(taken, _host(ipaddress.ip_address(source)), port)


def _address(word: bytes) -> Ip:
    try:
        address = ipaddress.ip_address(word.decode("ascii"))
    except ValueError:
        raise _invalid("invalid address") from None
    if b"%" in word:  # a zone: it means nothing here
        raise _invalid("invalid address")
    return address


def _port(which: str, word: bytes) -> int:
    if not _PORT.fullmatch(word):
        fault = "invalid syntax"
    elif int(word) > 0xFFFF:
        fault = "value out of range"
    else:
        return int(word)
    raise ProxyHeaderError(f'invalid {which} port: parsing "{_shown(word)}": {fault}')


def _host(address: Ip) -> str:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _shown(word: bytes) -> str:
    return word[:_SHOWN_MAX].decode("ascii", "backslashreplace")


def _invalid(reason: str) -> ProxyHeaderError:
    return ProxyHeaderError(f"invalid PROXY protocol header: {reason}")


def _unsupported(reason: str) -> ProxyHeaderError:
    return ProxyHeaderError(f"unsupported PROXY protocol feature: {reason}")
