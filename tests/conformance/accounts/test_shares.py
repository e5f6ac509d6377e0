"""What is drawn: members of groups and destinations with weights. Counted, over many messages; the
bounds are far wider than chance is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.accounts.rows.names import stream, streams
from tests.conformance.accounts.rows.streams import users
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

MANY = 2000


def connect(port: int, user: str) -> RawClient:
    client = RawClient(port)
    client.read_info()
    client.send(
        f'CONNECT {{"user":"{user}","pass":"{user}","verbose":false,"headers":true,'
        '"no_responders":true}\r\n'.encode()
    )
    client.fence()
    return client


def heard(client: RawClient, before: int) -> Counter[tuple[str, int]]:
    """Messages by subject and sid."""
    client.fence()
    lines = bytes(client.received[before:]).split(b"\r\n")
    words = [line.decode().split(" ") for line in lines if line.startswith((b"MSG ", b"HMSG "))]
    return Counter((each[1], int(each[2])) for each in words)


def test_a_group_over_accounts_has_each_message_once(tmp_path: Path) -> None:
    config = streams(stream("ev.>", ", prefix: imp"), stream("ev.q", ", to: plain"))
    with ServerProcess(PYNATS, tmp_path, config) as server:
        a, b, publisher = (connect(server.port, user) for user in ("a", "b", "a"))
        a.send(b"SUB ev.q g 1\r\n")
        b.send(b"SUB imp.ev.q g 2\r\nSUB plain g 3\r\n")
        a.fence()
        b.fence()
        before = len(a.received), len(b.received)
        publisher.send(b"PUB ev.q 1\r\nx\r\n" * MANY)
        publisher.fence()
        got = heard(a, before[0]) + heard(b, before[1])
        for client in (a, b, publisher):
            client.close()
    assert sum(got.values()) == MANY
    assert set(got) == {("ev.q", 1), ("imp.ev.q", 2), ("plain", 3)}
    assert min(got.values()) > MANY / 6, got


MAPPINGS = {
    # name: (mappings, published subject, how many hundredths arrive where)
    "a part": ('"part": [{dest: part.x, weight: 20}]', "part", {"part.x": 20, "part": 80}),
    "all of two": (
        '"two": [{dest: two.x, weight: 70}, {dest: two.y, weight: 30}]',
        "two",
        {"two.x": 70, "two.y": 30},
    ),
    "what is left is lost": (
        '"loss.>": [{dest: "loss.>", weight: 50}]',
        "loss.x",
        {"loss.x": 50},
    ),
    "what is left of two is lost": (
        '"lossx": [{dest: lossx, weight: 50}, {dest: lossy, weight: 20}]',
        "lossx",
        {"lossx": 50, "lossy": 20},
    ),
    "all is lost": ('"gone": [{dest: gone, weight: 0}]', "gone", {}),
    "a random token": (
        '"rand.*": "rand.{{random(4)}}.$1"',
        "rand.x",
        {f"rand.{number}.x": 25 for number in range(4)},
    ),
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_weights_of_mappings(name: str, tmp_path: Path) -> None:
    mappings, subject, hundredths = MAPPINGS[name]
    config = f"accounts {{ A {{ {users('a')}\n mappings = {{ {mappings} }} }} }}"
    with ServerProcess(PYNATS, tmp_path, config) as server:
        client, publisher = connect(server.port, "a"), connect(server.port, "a")
        client.send(b"SUB > 1\r\n")
        client.fence()
        before = len(client.received)
        publisher.send(f"PUB {subject} 1\r\nx\r\n".encode() * MANY)
        publisher.fence()
        got = {each: count for (each, _), count in heard(client, before).items()}
        client.close()
        publisher.close()
    assert set(got) == set(hundredths)
    for each, share in hundredths.items():
        assert abs(got[each] - MANY * share / 100) < MANY / 10, got
