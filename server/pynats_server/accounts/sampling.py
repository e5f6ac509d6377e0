"""Requests whose headers ask for a trace, in the forms of Jaeger, Zipkin and W3C.

https://www.jaegertracing.io/sdk-migration/#propagation-format,
https://github.com/openzipkin/b3-propagation, https://www.w3.org/TR/trace-context/.
"""

from __future__ import annotations

from typing import Final

JAEGER: Final = "Uber-Trace-Id"
JAEGER_BAGGAGE: Final = "Uberctx-"
B3_SAMPLED: Final = "X-B3-Sampled"
B3_TRACE: Final = "X-B3-Traceid"
B3_MANY: Final = (B3_SAMPLED, B3_TRACE, "X-B3-Parentspanid", "X-B3-Spanid")
B3: Final = "B3"
W3C: Final = "Traceparent"
W3C_STATE: Final = "Tracestate"
SAMPLED_BIT: Final = 1

Headers = dict[str, list[str]]


def trace_headers(block: bytes) -> Headers | None:
    """The headers of a raw block that speak of its trace, named in the canonical form of MIME; None
    if it asks for none."""
    headers = _headers(block)
    if JAEGER in headers:
        return _jaeger(headers)
    if B3_SAMPLED in headers or B3_TRACE in headers:
        if headers.get(B3_SAMPLED, ["1"])[0] != "1":
            return None
        return {name: headers[name] for name in B3_MANY if name in headers}
    if B3 in headers:
        return {B3: headers[B3]} if _b3_sampled(headers[B3][0]) else None
    if W3C in headers and w3c_sampled(headers[W3C][0]):
        return {name: headers[name] for name in (W3C, W3C_STATE) if name in headers}
    return None


def w3c_sampled(value: str) -> bool:
    """Whether a `traceparent` has the flag of the sampled. As in nats-server its last part is a
    number of eight bits with a sign, so `80` and above are none."""
    parts = value.split("-")
    if len(parts) != 4 or len(parts[3]) != 2:
        return False
    try:
        flags = int(parts[3], 16)
    except ValueError:
        return False
    return flags < 0x80 and bool(flags & SAMPLED_BIT)


def _jaeger(headers: Headers) -> Headers | None:
    parts = headers[JAEGER][0].split(":")
    if len(parts) != 4:
        return None
    try:
        flags = int(parts[3], 16)
    except ValueError:
        return None
    if not flags & SAMPLED_BIT:
        return None
    baggage = {name: found for name, found in headers.items() if name.startswith(JAEGER_BAGGAGE)}
    return {JAEGER: headers[JAEGER], **baggage}


def _b3_sampled(value: str) -> bool:
    """`<trace>-<span>-<sampled>…`, or the decision alone."""
    parts = value.split("-")
    return parts[0] != "0" if len(parts) < 3 else parts[2] != "0"


def _headers(block: bytes) -> Headers:
    found: Headers = {}
    for line in block.decode(errors="replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            canonical = "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
            found.setdefault(canonical, []).append(value.strip(" \t"))
    return found
