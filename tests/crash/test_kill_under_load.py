"""kill -9 during publishing, repeatedly: every acknowledged message exists once, in order, with its
sequence."""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.filestore import FileStore

from tests.support.deadline import PATIENCE_S, pause, wait_until
from tests.support.fuzzing import examples

ROUNDS = examples(20)
PUBLISHERS = 2
WINDOW = 200
READY = re.compile(rb"Listening for client connections on [^:]+:(\d+)")
ACK = re.compile(rb"MSG _INBOX\.\d+\.\d+\.(\d+) 1 \d+\r\n(\{[^\r]*\})\r\n")
CONNECT = b'CONNECT {"verbose":false,"headers":true,"protocol":1}\r\nSUB _INBOX.%s.* 1\r\nPING\r\n'


class Broker:
    """A server process on one store folder."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.log = log
        command = [sys.executable, "-m", "pynats_server", "-a", "127.0.0.1", "-p", "-1", "-js"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "-sd", str(folder)], stdout=output, stderr=output
            )
        self.port = self._wait_ready()

    def _wait_ready(self) -> int:
        def port() -> int | None:
            assert self.process.poll() is None, f"ended at once: {self.log.read_text()}"
            found = READY.search(self.log.read_bytes())
            return int(found[1]) if found else None

        return wait_until(port, "the port in the log") or 0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE_S) == 0


class Connection:
    """A blocking client of the plain protocol."""

    def __init__(self, port: int, label: str = "0.0") -> None:
        self.inbox = f"_INBOX.{label}".encode()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE_S)
        self.socket.sendall(CONNECT % label.encode())
        self.rest = b""
        while b"PONG\r\n" not in self.rest:
            self.rest += self.socket.recv(65536)
        self.rest = b""

    def request(self, subject: str, body: object = None) -> dict[str, object]:
        payload = b"" if body is None else json.dumps(body).encode()
        head = f"PUB {subject} _INBOX.0.0.0 {len(payload)}\r\n".encode()
        self.socket.sendall(head + payload + b"\r\n")
        data = b""
        while (found := ACK.search(data)) is None:
            more = self.socket.recv(65536)
            assert more, "the server closed the connection"
            data += more
        answer: dict[str, object] = json.loads(found[2])
        return answer


class Publisher(threading.Thread):
    """Publishes numbered payloads as fast as the window allows until the server is gone."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(daemon=True)
        self.connection = Connection(port, name)
        self.label = name
        self.acknowledged: dict[int, int] = {}  # number -> sequence
        self.failures: list[str] = []

    def run(self) -> None:
        sock, inbox, data, sent = self.connection.socket, self.connection.inbox, b"", 0
        sock.setblocking(False)
        ready = select.poll()
        ready.register(sock, select.POLLIN)
        try:
            while True:
                room = WINDOW - (sent - len(self.acknowledged))
                # Not select(): a long test session may have more descriptors than it supports.
                ready.modify(sock, select.POLLIN | (select.POLLOUT if room > 0 else 0))
                ready.poll(5000)
                if room > 0:
                    frames = []
                    for number in range(sent + 1, sent + room + 1):
                        body = f"{self.label}:{number}".encode()
                        frames.append(b"PUB load.%d %s.%d %d\r\n%s\r\n" % (
                            number % 7, inbox, number, len(body), body,
                        ))  # fmt: skip
                    sock.setblocking(True)
                    sock.sendall(b"".join(frames))
                    sock.setblocking(False)
                    sent += room
                try:
                    more = sock.recv(1 << 16)
                except BlockingIOError:
                    continue
                if not more:
                    return
                data += more
                end = 0
                for found in ACK.finditer(data):
                    ack = json.loads(found[2])
                    if "error" in ack:
                        self.failures.append(str(ack))
                    self.acknowledged[int(found[1])] = ack["seq"]
                    end = found.end()
                data = data[end:]
        except OSError:
            return


def test_acknowledged_messages_survive_kills(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    chance = random.Random(os.environ.get("PYNATS_CRASH_SEED", "7"))
    promised: dict[int, bytes] = {}  # sequence -> payload
    broker = Broker(folder, tmp_path / "log")
    connection = Connection(broker.port)
    made = connection.request(
        "$JS.API.STREAM.CREATE.LOAD", {"name": "LOAD", "subjects": ["load.*"]}
    )
    connection.socket.close()
    assert "error" not in made, made
    for number in range(ROUNDS):
        publishers = [Publisher(broker.port, f"{number}.{i}") for i in range(PUBLISHERS)]
        for publisher in publishers:
            publisher.start()
        for publisher in publishers:
            wait_until(lambda p=publisher: p.acknowledged, "an acknowledgement", interval_s=0.002)
        pause(chance.uniform(0, 0.2))  # the moment of death is the input of this test
        broker.kill()
        for publisher in publishers:
            publisher.join(PATIENCE_S)
            assert not publisher.is_alive()
            publisher.connection.socket.close()
            assert publisher.failures == []
            order = [seq for _, seq in sorted(publisher.acknowledged.items())]
            assert order == sorted(order)
            for sent, seq in publisher.acknowledged.items():
                assert seq not in promised
                promised[seq] = f"{publisher.label}:{sent}".encode()
        if number % 3 == 1:
            tear_last_write(folder, chance)
        broker = Broker(folder, tmp_path / "log")
        connection = Connection(broker.port)
        state = connection.request("$JS.API.STREAM.INFO.LOAD")["state"]
        assert isinstance(state, dict)
        assert state["last_seq"] >= max(promised, default=0)
        assert "lost" not in state
        connection.socket.close()
    broker.stop()
    assert len(promised) > ROUNDS
    check_everything(folder, promised)


def tear_last_write(folder: Path, chance: random.Random) -> None:
    """A write that a power cut interrupted: part of a record at the end."""
    blocks = list(folder.glob("jetstream/$G/streams/LOAD/msgs/*.blk"))
    last = max(blocks, key=lambda path: int(path.stem))
    with last.open("ab") as out:
        out.write(chance.randbytes(chance.randrange(1, 200)))


def check_everything(folder: Path, promised: dict[int, bytes]) -> None:
    store = FileStore(FileConfig("LOAD", folder / "jetstream/$G/streams/LOAD"))
    seen: set[bytes] = set()
    for seq, _ in store.oldest():
        payload = store.load(seq).payload
        assert payload not in seen
        seen.add(payload)
        if seq in promised:
            assert promised.pop(seq) == payload
    store.close()
    assert promised == {}
