"""Requests to trace a message: `Nats-Trace-Dest`, and `Nats-Trace-Only`, which keeps the message
from everybody. Nobody here listens to the events that the real server sends."""

from __future__ import annotations

from tests.conformance.protocol.rows_auth import login
from tests.conformance.protocol.rows_connect import connect
from tests.conformance.protocol.rows_routing import hpub, pub
from tests.support.script import Row, row

_START = connect(headers=True, no_responders=True) + b"SUB foo 1\r\nSUB inbox 2\r\n"
_VERBOSE = connect(headers=True, verbose=True) + b"SUB foo 1\r\n"


def _block(*lines: bytes) -> bytes:
    return b"NATS/1.0\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def _probe(*lines: bytes, subject: bytes = b"foo", reply: bytes = b"") -> bytes:
    """A message with these headers, and one after it that shows that all goes on."""
    return hpub(subject, _block(*lines), b"body", reply) + pub(b"foo", b"after")


_DEST = b"Nats-Trace-Dest: trace.here"
_ONLY = b"Nats-Trace-Only: true"

BLOCKS: dict[str, tuple[bytes, ...]] = {
    "dest": (_DEST,),
    "dest-and-only": (_DEST, _ONLY),
    "only-and-dest": (_ONLY, _DEST),
    "only": (_ONLY,),
    "without-blank": (b"Nats-Trace-Dest:trace.here", b"Nats-Trace-Only:true"),
    "more-blanks": (b"Nats-Trace-Dest:   trace.here  ", b"Nats-Trace-Only:  true "),
    "tabs": (b"Nats-Trace-Dest:\ttrace.here", b"Nats-Trace-Only:\ttrue"),
    "blank-before-colon": (b"Nats-Trace-Dest : trace.here", _ONLY),
    "blank-before-colon-of-only": (_DEST, b"Nats-Trace-Only : true"),
    "dest-in-small-letters": (b"nats-trace-dest: trace.here", _ONLY),
    "only-in-small-letters": (_DEST, b"nats-trace-only: true"),
    "dest-twice": (_DEST, b"Nats-Trace-Dest: elsewhere", _ONLY),
    "only-twice-yes-no": (_DEST, _ONLY, b"Nats-Trace-Only: false"),
    "only-twice-no-yes": (_DEST, b"Nats-Trace-Only: false", _ONLY),
    "among-others": (b"A: 1", _DEST, b"B: 2", _ONLY, b"C: 3"),
    "name-inside-a-value": (b"A: Nats-Trace-Dest: trace.here", _ONLY),
    "name-inside-a-name": (b"XNats-Trace-Dest: trace.here", _ONLY),
    "longer-name": (b"Nats-Trace-Destination: trace.here", _ONLY),
    "empty-dest": (b"Nats-Trace-Dest:", _ONLY),
    "blank-dest": (b"Nats-Trace-Dest:  ", _ONLY),
    "disabled": (b"Nats-Trace-Dest: trace disabled", _ONLY),
    "wildcard-dest": (b"Nats-Trace-Dest: trace.*", _ONLY),
    "wildcard-dest-without-only": (b"Nats-Trace-Dest: trace.*",),
    "gap-in-dest": (b"Nats-Trace-Dest: a..b", _ONLY),
    "two-words-in-dest": (b"Nats-Trace-Dest: a b", _ONLY),
    "origin-account": (_DEST, b"Nats-Trace-Origin-Account: A", _ONLY),
    "hop": (_DEST, b"Nats-Trace-Hop: 1", _ONLY),
    "traceparent": (b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", _ONLY),
    "reserved-dest-gateway": (b"Nats-Trace-Dest: _GR_.x.y", _ONLY),
    "reserved-dest-raft": (b"Nats-Trace-Dest: $NRG.x", _ONLY),
    "reserved-dest-raft-without-only": (b"Nats-Trace-Dest: $NRG.x",),
    "system-dest": (b"Nats-Trace-Dest: $SYS.x", _ONLY),
}

VALUES = [
    b"1", b"true", b"TRUE", b"True", b"tRuE", b"on", b"ON", b"oN", b"yes", b"y", b"t", b"0", b"2",
    b"11", b"01", b"false", b"off", b"", b" ", b'"true"', b"true,false", b"1 1",
]  # fmt: skip


def _name(data: bytes) -> str:
    return data.decode().replace(" ", "_").replace('"', "'")


def _denied(*lines: bytes, subject: bytes = b"free") -> bytes:
    return (
        login("deny", "p", headers=True)
        + b"SUB free 1\r\n"
        + hpub(subject, _block(*lines), b"body")
        + pub(b"free", b"after")
    )


ROWS: list[Row] = [
    *(row(f"trace-{name}", _START + _probe(*lines)) for name, lines in BLOCKS.items()),
    *(
        row(f"trace-only-is-{_name(value)}", _START + _probe(_DEST, b"Nats-Trace-Only: " + value))
        for value in VALUES
    ),
    row("trace-verbose", _VERBOSE + _probe(_DEST, _ONLY)),
    row("trace-reply", _START + _probe(_DEST, _ONLY, reply=b"inbox")),
    row("trace-reply-nobody-listens", _START + _probe(_DEST, _ONLY, subject=b"no", reply=b"inbox")),
    row(
        "trace-reply-nobody-listens-no-only", _START + _probe(_DEST, subject=b"no", reply=b"inbox")
    ),
    row("trace-queue", _START + b"SUB foo q 3\r\n" + _probe(_DEST, _ONLY)),
    row("trace-again-and-again", _START + _probe(_DEST, _ONLY) * 4),
    row(
        "trace-after-equal-lines",
        _START
        + hpub(b"foo", _block(b"Nats-XXXXX-Dest: trace.here", _ONLY), b"body") * 4
        + hpub(b"foo", _block(_DEST, _ONLY), b"body") * 4
        + hpub(b"foo", _block(b"Nats-XXXXX-Dest: trace.here", _ONLY), b"body") * 4,
    ),
    row("trace-name-in-the-body", _START + hpub(b"foo", _block(b"A: 1"), _block(_DEST, _ONLY))),
    row(
        "trace-no-headers-at-all", connect(headers=False) + b"SUB foo 1\r\n" + _probe(_DEST, _ONLY)
    ),
    row("trace-denied-dest", _denied(b"Nats-Trace-Dest: secret", _ONLY), "permissions"),
    row("trace-denied-dest-without-only", _denied(b"Nats-Trace-Dest: secret"), "permissions"),
    row("trace-denied-subject", _denied(_DEST, _ONLY, subject=b"secret"), "permissions"),
    row(
        "trace-denied-subject-and-dest",
        _denied(b"Nats-Trace-Dest: secret", _ONLY, subject=b"deep.a"),
        "permissions",
    ),
]
