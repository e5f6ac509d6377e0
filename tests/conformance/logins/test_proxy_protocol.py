"""Connections that begin with a header of the PROXY protocol, as the real server takes them."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from pynats_server.clients.arriving.proxy_header import V2_SIGNATURE, ProxyHeaderError, read_header

from tests.support.pool import ServerPool
from tests.support.raw import RawClient
from tests.support.records import Recorded

CONFIG = "proxy_protocol: true\n"
_LOG_IN = b'CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n'
_PORTS = (1111).to_bytes(2, "big") + (2222).to_bytes(2, "big")


def _packed(*addresses: str) -> bytes:
    return b"".join(ipaddress.ip_address(each).packed for each in addresses)


_V4 = _packed("1.2.3.4", "5.6.7.8") + _PORTS
_V6 = _packed("2001:db8::1", "2001:db8::2") + _PORTS


def _v2(command: int = 0x21, family: int = 0x11, body: bytes = _V4) -> bytes:
    return V2_SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


HEADERS: dict[str, bytes] = {
    **{f"line {text[:60]}": text.encode() + b"\r\n" for text in (
        "PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222",
        "PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222",
        "PROXY TCP6 2001:DB8:0:0::1 2001:db8::2 1111 2222",
        "PROXY TCP6 ::ffff:1.2.3.4 ::ffff:5.6.7.8 1111 2222",
        "PROXY TCP6 ::ffff:1.2.3.4 2001:db8::1 1111 2222",
        "PROXY TCP4 ::ffff:1.2.3.4 5.6.7.8 1111 2222",
        "PROXY UNKNOWN", "PROXY UNKNOWN a b c", "PROXY UNKNOWNX", "PROXY unknown",
        "PROXY TCP4 1.2.3.4 5.6.7.8 0 0", "PROXY  TCP4   1.2.3.4 5.6.7.8  1111 2222 ",
        "PROXY TCP4\t1.2.3.4 5.6.7.8 1111 2222", "PROXY\tTCP4 1.2.3.4 5.6.7.8 1111 2222",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1111 2222", "PROXY TCP6 1.2.3.4 5.6.7.8 1111 2222",
        "PROXY TCP4 1.2.3.4 2001:db8::2 1111 2222", "PROXY UDP4 1.2.3.4 5.6.7.8 1111 2222",
        "PROXY UDP4", "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2222",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2222",
        "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2222", "PROXY TCP4 1.2.3.4 5.6.7.8 00001 2222",
        "PROXY TCP4 1.2.3.4 5.6.7.8 x 2222", "PROXY TCP4 01.2.3.4 5.6.7.8 1111 2222",
        "PROXY TCP6 fe80::1%eth0 2001:db8::2 1111 2222", "PROXY TCP4 localhost 5.6.7.8 1 2",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1111", "PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222 3",
        "PROXY TCP4 1.2.3.4 x 1111 2222", "PROXY TCP4 x 5.6.7.8 99999 2222",
        "PROXY TCP4 2001:db8::1 5.6.7.8 99999 2222", "PROXY TCP4 1.2.3.4\0 5.6.7.8 1111 2222",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\rx", "PROXY ", "PROXY", "PROXY TCP4", "PROXYX",
        "proxy TCP4 1.2.3.4 5.6.7.8 1111 2222", "PRO", "",
    )},
    **{f"line of {size} bytes": b"PROXY UNKNOWN " + b"x" * (size - 16) + b"\r\n"
       for size in (106, 107, 108, 200)},
    "line feed alone": b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\n",
    "two": b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n" * 2,
    "none": b"",
    "v2": _v2(),
    "v2 of IPv6": _v2(family=0x21, body=_V6),
    "v2 of mapped": _v2(family=0x21, body=_packed("::ffff:1.2.3.4", "::ffff:5.6.7.8") + _PORTS),
    "v2 local": _v2(0x20, 0, b""),
    "v2 local with addresses": _v2(0x20),
    "v2 local with more": _v2(0x20, 0, b"\x04\0\x03abc"),
    "v2 local of datagrams": _v2(0x20, 0x12),
    "v2 with more": _v2(body=_V4 + b"\x04\0\x03abc"),
    "v2 with more that is malformed": _v2(body=_V4 + b"\x04\xff"),
    "v2 unspecified": _v2(family=0, body=b""),
    "v2 unspecified stream": _v2(family=0x01),
    "v2 of IPv4, unspecified": _v2(family=0x10),
    "v2 datagrams": _v2(family=0x12),
    "v2 unix": _v2(family=0x31, body=b"x" * 216),
    "v2 version 1": _v2(0x11),
    "v2 command 2": _v2(0x22),
    "v2 short": _v2(body=b"123"),
    "v2 short IPv6": _v2(family=0x21, body=b"1" * 20),
    "v2 other signature": V2_SIGNATURE[:-2] + b"X\n" + _v2()[12:],
    "v2 signature broken early": V2_SIGNATURE[:6] + b"x" + _v2()[7:],
    "v2 port 0": _v2(body=_packed("1.2.3.4", "5.6.7.8") + b"\0" * 4),
    "v2 address 0": _v2(body=b"\0" * 12),
    "v2 long": _v2(body=_V4 + b"\x04" * 5000),
    "v2 as long as can be": _v2(body=_V4 + b"\x04" * (0xFFFF - 12)),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_header(
    name: str,
    recorded: Recorded,
    reference_servers: ServerPool,
    servers_under_test: ServerPool,
) -> None:
    theirs = recorded.of(lambda: _told(reference_servers, HEADERS[name]))
    ours = _told(servers_under_test, HEADERS[name])
    # The same fault, in words of ours where theirs are Go's.
    fault = theirs.pop("log").replace("strconv.ParseUint: ", "")
    ours.pop("log")
    assert ours == theirs
    try:
        read_header(HEADERS[name] + _LOG_IN)
    except ProxyHeaderError as error:
        assert str(error) == fault
    else:
        assert not fault


def _told(servers: ServerPool, header: bytes) -> dict[str, str]:
    """The client's address as INFO has it before and after, and what it is told besides."""
    server = servers.get("proxy_protocol", CONFIG)
    with RawClient(server.port) as client:
        client.read_info()
        port = client.socket.getsockname()[1]
        client.send(header + _LOG_IN, pongs=1)
        client.fence()
        lines = bytes(client.received).split(b"\r\n")
    found = [json.loads(line[5:]) for line in lines if line.startswith(b"INFO ")]
    others = [line.decode() for line in lines if line and not line.startswith(b"INFO ")]
    fault = ""
    if not others:
        text = rf"Error reading PROXY protocol header from 127\.0\.0\.1:{port}: (.*)"
        assert server.logs(f"header from 127.0.0.1:{port}")
        match = re.search(text, server.log())
        fault = match[1] if match else ""
    addresses = [info.get("client_ip", "-") for info in found]
    return {"addresses": " ".join(addresses), "told": " ".join(others), "log": fault}
