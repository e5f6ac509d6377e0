"""Requests whose headers ask for a trace, in the forms of Jaeger, Zipkin and W3C.

https://www.jaegertracing.io/sdk-migration/#propagation-format,
https://github.com/openzipkin/b3-propagation, https://www.w3.org/TR/trace-context/.
"""

from __future__ import annotations

from typing import Final

from pynats_common.go.text import text_of

from pynats_server.core.tracing.request import w3c_sampled

JAEGER: Final = b"Uber-Trace-Id"
JAEGER_BAGGAGE: Final = b"Uberctx-"
B3_SAMPLED: Final = b"X-B3-Sampled"
B3_TRACE: Final = b"X-B3-Traceid"
B3_MANY: Final = (B3_SAMPLED, B3_TRACE, b"X-B3-Parentspanid", b"X-B3-Spanid")
B3: Final = b"B3"
W3C: Final = b"Traceparent"
W3C_STATE: Final = b"Tracestate"
ODD_DIGITS: Final = b"13579bdfBDF"  # in hexadecimal: they have the flag of the sampled
_BEGINS: Final = (b"uber", b"x-b3-", b"b3", b"trace")  # what all these begin with

Headers = dict[str, list[str]]
Raw = dict[bytes, list[bytes]]


def trace_headers(block: bytes) -> Headers | None:
    """The headers of a raw block that speak of its trace, named in the canonical form of MIME; None
    if it asks for none."""
    told = _wanted(_headers(block))
    if told is None:
        return None
    return {text_of(name): [text_of(value) for value in values] for name, values in told.items()}


def _wanted(headers: Raw) -> Raw | None:
    if JAEGER in headers:
        return _jaeger(headers)
    if B3_SAMPLED in headers or B3_TRACE in headers:
        if headers.get(B3_SAMPLED, [b"1"])[0] != b"1":
            return None
        return {name: headers[name] for name in B3_MANY if name in headers}
    if B3 in headers:
        return {B3: headers[B3]} if _b3_sampled(headers[B3][0]) else None
    if W3C in headers and w3c_sampled(headers[W3C][0]):
        return {name: headers[name] for name in (W3C, W3C_STATE) if name in headers}
    return None


def _jaeger(headers: Raw) -> Raw | None:
    # As in nats-server the flags have one or two characters, of which the last one counts.
    parts = headers[JAEGER][0].split(b":")
    if len(parts) != 4 or len(parts[3]) not in (1, 2) or parts[3][-1] not in ODD_DIGITS:
        return None
    baggage = {name: found for name, found in headers.items() if name.startswith(JAEGER_BAGGAGE)}
    return {JAEGER: headers[JAEGER], **baggage}


def _b3_sampled(value: bytes) -> bool:
    """`<trace>-<span>-<sampled>…`, or the decision alone."""
    parts = value.split(b"-")
    return parts[0] != b"0" if len(parts) < 3 else parts[2] != b"0"


def _headers(block: bytes) -> Raw:
    """Those that may speak of a trace."""
    found: Raw = {}
    for line in block.split(b"\r\n")[1:-1]:
        if line[:5].lower().startswith(_BEGINS):
            name, colon, value = line.partition(b":")
            if colon:
                found.setdefault(b"-".join(map(_capitalized, name.split(b"-"))), []).append(
                    value.strip(b" \t")
                )
    return found


def _capitalized(part: bytes) -> bytes:
    return part[:1].upper() + part[1:].lower()
