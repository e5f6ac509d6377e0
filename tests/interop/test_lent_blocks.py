"""Large messages go to readers as references to the stored block: they stay what they were when
they were delivered, whatever becomes of the stream before the reader takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pynats_server.options import JetStreamOptions, LogOptions, Options
from pynats_server.threaded import ThreadedServer

from tests.support.deadline import Deadline
from tests.support.raw import RawClient

CONNECT = b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
SIZE = 60_000
COUNT = 30
MESSAGE = re.compile(rb"MSG s\.(\d+) 9 (\S+) (\d+)\r\n")


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    jetstream = JetStreamOptions(enabled=True, store_dir=tmp_path)
    options = Options(host="127.0.0.1", port=-1, jetstream=jetstream, log=LogOptions())
    with ThreadedServer(options) as server:
        yield server.server.client_port


def body(number: int) -> bytes:
    return b"%08d" % number * (SIZE // 8)


class Asking:
    """A client that waits for each answer."""

    def __init__(self, port: int) -> None:
        self.client = RawClient(port)
        self.client.send(CONNECT + b"SUB r.* 1\r\n")
        self.client.fence()
        self.client.received.clear()
        self.asked = 0

    def ask(self, subject: bytes, data: bytes) -> dict[str, Any]:
        self.asked += 1
        head = b"MSG r.%d 1 " % self.asked
        self.client.send(b"PUB %b r.%d %d\r\n%b\r\n" % (subject, self.asked, len(data), data))
        assert self.client.read_until(head)
        assert self.client.read_until(b"}\r\n")
        answer = bytes(self.client.received).split(head, 1)[1].split(b"\r\n", 2)[1]
        self.client.received.clear()
        found: dict[str, Any] = json.loads(answer)
        assert "error" not in found
        return found

    def api(self, subject: str, **fields: Any) -> dict[str, Any]:
        return self.ask(b"$JS.API." + subject.encode(), json.dumps(fields).encode())

    def store(self, numbers: range) -> None:
        for number in numbers:
            self.ask(b"s.%d" % number, body(number))


def taken(reader: RawClient, count: int) -> list[int]:
    """The numbers of the next messages; each is whole and what it was."""
    numbers: list[int] = []
    deadline = Deadline(30)
    while len(numbers) < count and not deadline.passed:
        found = MESSAGE.search(reader.received)
        if found is None or len(reader.received) < found.end() + SIZE + 2:
            reader.read_some(1)
            continue
        number, size = int(found[1]), int(found[3])
        assert size == SIZE
        assert reader.received[found.end() : found.end() + size + 2] == body(number) + b"\r\n"
        assert reader.received[: found.start()] == b""
        del reader.received[: found.end() + size + 2]
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("change", ["erase", "purge", "delete", "append", "nothing"])
def test_what_was_delivered_stays_what_it_was(port: int, storage: str, change: str) -> None:
    asking = Asking(port)
    asking.api("STREAM.CREATE.S", name="S", subjects=["s.*"], storage=storage, max_bytes=2_000_000)
    asking.store(range(COUNT))
    with RawClient(port, rcvbuf=4096) as reader:
        reader.send(CONNECT + b"SUB in 9\r\n")
        reader.fence()
        reader.received.clear()
        config = {"deliver_subject": "in", "ack_policy": "none", "durable_name": "C"}
        asking.api("CONSUMER.CREATE.S.C", stream_name="S", config=config)
        deadline = Deadline(20)
        sent = 0
        while not deadline.passed:  # until the reader holds it back
            info = asking.api("CONSUMER.INFO.S.C")
            if info["delivered"]["consumer_seq"] == sent > 2:
                break
            sent = info["delivered"]["consumer_seq"]
        if change == "erase":
            for seq in range(1, COUNT + 1):
                asking.api("STREAM.MSG.DELETE.S", seq=seq)
        elif change == "purge":
            asking.api("STREAM.PURGE.S")
        elif change == "delete":
            asking.api("STREAM.DELETE.S")
        elif change == "append":
            asking.store(range(COUNT, 2 * COUNT))  # max_bytes takes the old ones
        got = taken(reader, sent)
        assert got == list(range(sent))
        if change == "nothing":
            assert taken(reader, COUNT - sent) == list(range(sent, COUNT))
    asking.client.close()


def test_readers_that_stand_still_hold_no_more_than_their_share(port: int) -> None:
    """Each has got what lies in another block; beyond the bound it was copied, and is right."""
    asking = Asking(port)
    asking.api("STREAM.CREATE.S", name="S", subjects=["s.*"])
    asking.store(range(400))  # 24 MB
    readers = []
    for place in range(20):
        reader = RawClient(port, rcvbuf=4096)
        reader.send(CONNECT + b"SUB in.%d 9\r\n" % place)
        reader.fence()
        reader.received.clear()
        config = {
            "deliver_subject": f"in.{place}",
            "ack_policy": "none",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": 1 + place * 20,
        }
        asking.api("CONSUMER.CREATE.S", stream_name="S", config=config)
        readers.append(reader)
    for place, reader in enumerate(readers):
        assert taken(reader, 20) == list(range(place * 20, place * 20 + 20))
        reader.close()
    asking.client.close()
