"""Rows of a differential suite: what to send on which connection, and how.

A row is data. `run_row` plays it against one server and returns one transcript per connection;
the test plays it against two servers and compares.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise

from tests.support.deadline import pause
from tests.support.raw import RawClient
from tests.support.signing import filled
from tests.support.transcript import CLOSED, TIMED_OUT, Item, parse_transcript

QUIET = b'CONNECT {"verbose":false,"pedantic":false}\r\n'
# The reference closes the TCP connection before it removes the subscriptions, without a signal.
AFTER_CLOSE_S = 0.05
SPLIT_PAUSE_S = 0.001  # long enough for the server to read the first part, on an idle machine


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for connection `conn` (opened on first use).

    `splits` are offsets at which the bytes are cut into separate writes; `fence=False` for
    incomplete input, because a PING would be read as its continuation. It may ask for signatures of
    the nonce, see `signing`.
    `pongs` corrects how many PONGs the fence has to wait for (see RawClient.send).
    """

    conn: str
    data: bytes
    splits: tuple[int, ...] = ()
    fence: bool = True
    pongs: int | None = None

    def parts(self) -> list[bytes]:
        edges = [0, *self.splits, len(self.data)]
        return [self.data[a:b] for a, b in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Fence:
    """Wait until connection `conn` has seen everything caused so far."""

    conn: str


@dataclass(frozen=True, slots=True)
class Eof:
    """Connection `conn` stops sending and reads until the server closes."""

    conn: str


Step = Send | Fence | Eof


@dataclass(frozen=True, slots=True)
class Row:
    """One case.

    name    unique, becomes the test id
    config  key of the configuration both servers run with
    steps   what happens; connections still open at the end are fenced, then half-closed
    ours    where we differ on purpose: the transcripts pynats-server must give instead
    why     the reason for the difference
    any_order  order of deliveries is not defined: compare each transcript as a sorted list
    """

    name: str
    steps: tuple[Step, ...]
    config: str = "plain"
    ours: dict[str, list[str]] | None = None
    why: str = ""
    any_order: bool = False

    def __post_init__(self) -> None:
        if (self.ours is None) != (not self.why):
            raise ValueError(f"row {self.name}: a difference and its reason come together")


def row(name: str, data: bytes, config: str = "plain", **options: object) -> Row:
    """A row of one connection that sends `data` as its first bytes.

    Data that does not end a line leaves the server waiting: no fence then.
    """
    fence = bool(options.pop("fence", data.endswith(b"\n")))
    splits = options.pop("splits", ())
    pongs = options.pop("pongs", None)
    step = Send("a", data, splits, fence, pongs)  # type: ignore[arg-type]
    return Row(name, (step,), config, **options)  # type: ignore[arg-type]


def quiet(name: str, data: bytes, config: str = "plain", **options: object) -> Row:
    """As `row`, after a CONNECT with verbose and pedantic off."""
    return row(name, QUIET + data, config, **options)


def talk(
    name: str, *steps: tuple[str, bytes] | Step, config: str = "plain", **options: object
) -> Row:
    """A row of several connections; a pair (conn, bytes) is a Send with a fence."""
    made = tuple(Send(*step) if isinstance(step, tuple) else step for step in steps)
    return Row(name, made, config, **options)  # type: ignore[arg-type]


def run_row(port: int, case: Row) -> dict[str, list[Item]]:
    """Play `case` against the server on `port`; one transcript per connection, in opening order."""
    clients: dict[str, RawClient] = {}
    nonces: dict[str, str] = {}
    fenced: dict[str, bool] = {}
    try:
        for step in case.steps:
            if step.conn not in clients:
                clients[step.conn] = RawClient(port)
                nonces[step.conn] = _nonce(clients[step.conn].read_info())
            client = clients[step.conn]
            if isinstance(step, Send):
                _send(client, replace(step, data=filled(step.data, step.conn, nonces)))
                fenced[step.conn] = step.fence
            elif isinstance(step, Fence):
                client.fence()
            else:
                client.finish()
                pause(AFTER_CLOSE_S)
        if len(clients) > 1:  # output for other connections may be unread
            for name, client in clients.items():
                if fenced.get(name, True):
                    client.fence()
        return {
            name: _transcript(client, port, waiting=not fenced.get(name, True))
            for name, client in clients.items()
        }
    finally:
        for client in clients.values():
            client.close()


def _nonce(info: bytes) -> str:
    """What the greeting wants to be signed; a refusal may stand behind it."""
    line = info.partition(b"\n")[0]
    return str(json.loads(line[5:]).get("nonce", "")) if line.startswith(b"INFO ") else ""


def _send(client: RawClient, step: Send) -> None:
    parts = step.parts()
    client.send(parts[0], step.pongs)
    for part in parts[1:]:
        pause(SPLIT_PAUSE_S)
        client.send(part, 0 if step.pongs is not None else None)
    if step.fence:
        client.fence()


def _transcript(client: RawClient, port: int, waiting: bool) -> list[Item]:
    """`waiting` = the last bytes had no fence after them, so the server may still send
    something."""
    half_closed = client.finished
    if waiting and not half_closed:
        client.settle()
    closed = client.closed and not half_closed
    if not half_closed:
        client.finish()
    items = parse_transcript(bytes(client.received), port)
    if client.timed_out:
        items.append(TIMED_OUT)
    if closed:
        items.append(CLOSED)
    return items
