"""A stream stores what a subject is mapped to, and does not see what is mapped away from it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance.accounts.test_shares import connect
from tests.support.process import PYNATS, REFERENCE, ServerProcess
from tests.support.records import Recorded

CONFIG = """
jetstream { store_dir: "@FOLDER@/js" }
accounts {
  A {
    users = [{user: a, password: a}]
    jetstream = enabled
    mappings = { "from": "to", "away": "nowhere" } }
}
"""


def played(kind: str, folder: Path) -> list[str]:
    with ServerProcess(kind, folder / kind, CONFIG) as server:
        client = connect(server.port, "a")
        client.send(b"SUB in.* 1\r\n")
        for name, subject in (("D", "to"), ("S", "away")):
            config = f'{{"name":"{name}","subjects":["{subject}"],"storage":"memory"}}'
            client.send(
                f"PUB $JS.API.STREAM.CREATE.{name} in.{name} {len(config)}\r\n{config}\r\n".encode()
            )
            assert client.read_until(b'"created"'), name
        client.fence()
        before = len(client.received)
        for number, subject in enumerate(("from", "to", "away", "nowhere")):
            client.send(f"PUB {subject} in.{number} 1\r\nx\r\n".encode())
            assert client.read_until(f"MSG in.{number} 1 ".encode()), subject
        client.fence()
        told = bytes(client.received[before:]).decode().replace(", ", ",")
        client.close()
    return re.findall(r'\{"stream".*\}|503|Nats-Subject: \w+', told)


def test_streams_see_what_subjects_are_mapped_to(recorded: Recorded, tmp_path: Path) -> None:
    expected = recorded.of(lambda: played(REFERENCE, tmp_path))
    assert played(PYNATS, tmp_path) == expected
