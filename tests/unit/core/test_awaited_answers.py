"""What is awaited from services of other accounts is bounded."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.deadline import PATIENCE_S, Deadline, wait_until
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

CHUNK = 4096
REPLY = re.compile(rb"HMSG ask 1 (_R_\S+) \d+ \d+\r\n[^\x00]*?\r\n\r\n\r\n")
KEPT = 262_144  # as docs/reference/behaviour.md says
MORE = 16
CONFIG = """
accounts {
  A { users = [{ user: a, password: p }], exports = [{ service: ask }] }
  B {
    users = [{ user: b, password: p }]
    imports = [{ service: { account: A, subject: ask } }]
  }
}
"""


def client_of(server: ServerProcess, user: str) -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    connect = f'CONNECT {{"verbose":false,"user":"{user}","pass":"p","headers":true}}\r\n'
    client.send(connect.encode())
    client.fence()
    return client


def test_the_oldest_answers_are_given_up_where_very_many_are_awaited(tmp_path: Path) -> None:
    with (
        ServerProcess(PYNATS, tmp_path, CONFIG) as server,
        client_of(server, "a") as responder,
        client_of(server, "b") as requester,
    ):
        responder.send(b"SUB ask 1\r\n")
        responder.fence()
        requester.send(b"SUB in.* 1\r\n")
        found: list[bytes] = []
        deadline = Deadline(PATIENCE_S)
        for first in range(0, KEPT + MORE, CHUNK):
            last = min(first + CHUNK, KEPT + MORE)
            requester.send(b"".join(b"PUB ask in.%d 0\r\n\r\n" % n for n in range(first, last)))
            # Read and thrown away: a transcript of them all would be long.
            while len(told := REPLY.findall(responder.received)) < last - first:
                assert responder.read_some(deadline.remaining())
            found += told
            responder.received.clear()
        for reply in (found[0], found[MORE - 1], found[MORE], found[-1]):
            responder.send(b"PUB " + reply + b" 0\r\n\r\n")
        wait_until(
            lambda: requester.fence() or b"MSG in.%d 1 0" % (KEPT + MORE - 1) in requester.received,
            "the last answer",
        )
        assert re.findall(rb"MSG in\.(\d+) ", requester.received) == [
            b"%d" % MORE,
            b"%d" % (KEPT + MORE - 1),
        ]
