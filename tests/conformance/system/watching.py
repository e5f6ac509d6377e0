"""A server whose events are watched: clients come, misbehave and go, and everything that listeners
were told is written down, in order.

Events come by themselves, some time after what they tell of. So each look ends with a client of
account M, or where there is none a guest, the marker: what was told before its CONNECT belongs to
what was done before.
"""

from __future__ import annotations

import json
import re
from itertools import count
from types import TracebackType
from typing import Any, Self

from tests.support.deadline import PATIENCE_S, Deadline
from tests.support.process import ServerProcess
from tests.support.raw import RawClient

EVENTS = ("$SYS.ACCOUNT.>", "$SYS.SERVER.*.CLIENT.>", "$SYS.SERVER.ACCOUNT.>",
          "$SYS.SERVER.*.SHUTDOWN", "$SYS.SERVER.*.LAMEDUCK")  # fmt: skip
LISTENING = ("SYS", "$SYS", "L")  # accounts that get events
_SERVER_ID = re.compile(r"N[A-Z2-7]{55}")
_GUEST = re.compile(r"nats-\w{8}")
_FORMS = {
    "id": re.compile(r"[0-9A-Za-z]{22}"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    "rtt": re.compile(r"[1-9]\d*"),
    "num_subscriptions": re.compile(r"\d+"),  # with those that a server has by itself
    "seq": re.compile(r"[1-9]\d*"),
}
_FORMS |= dict.fromkeys(("start", "stop", "time"), _FORMS["timestamp"])
_FORMS |= {name: re.compile(r"\d+") for name in ("mem", "cpu", "subscriptions")}


class Watched:
    """`listeners`: by name, the user and the subjects of each; one of them must hear EVENTS."""

    def __init__(
        self, server: ServerProcess, listeners: dict[str, tuple[str, tuple[str, ...]]]
    ) -> None:
        self.server = server
        self.listeners: dict[str, RawClient] = {}
        self._seen: dict[str, int] = {}
        self._marker = "m" if " M {" in server.config_path.read_text() else ""
        self._names = (f"marker-{number}" for number in count(1))
        self._clients: list[RawClient] = []
        for name, (user, subjects) in listeners.items():
            client = self.listeners[name] = self.join(user, name)
            for sid, subject in enumerate(subjects, 1):
                client.send(f"SUB {subject} {sid}\r\n".encode())
            client.fence()
        self.told()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for client in (*self._clients, *self.listeners.values()):
            client.close()

    def open(self) -> RawClient:
        """A connection that has read INFO."""
        client = RawClient(self.server.port)
        client.read_info()
        self._clients.append(client)
        return client

    def say(self, client: RawClient, **connect: Any) -> None:
        """Sends CONNECT and waits for what comes of it."""
        asked = {"verbose": False, "lang": "test", "version": "1.0", "protocol": 1} | connect
        client.send(b"CONNECT " + json.dumps(asked).encode() + b"\r\n")
        client.fence()

    def join(self, user: str, name: str = "", **connect: Any) -> RawClient:
        """A client that has logged in."""
        client = self.open()
        self.say(client, **({"user": user, "pass": user} if user else {}), name=name, **connect)
        return client

    def leave(self, client: RawClient, name: str) -> None:
        """Closes a client, and waits until it was told."""
        client.close()
        self.wait(f'"name":"{name}"'.encode(), b".DISCONNECT ")

    def wait(self, *parts: bytes) -> None:
        """Until a listener was told something with all these parts in one message."""
        deadline = Deadline(PATIENCE_S)
        watcher = next(iter(self.listeners.values()))
        while not any(
            all(part in each for part in parts) for each in bytes(watcher.received).split(b"MSG ")
        ):
            deadline.check(f"{parts} in an event")
            watcher.read_some(deadline.remaining())

    def told(self) -> dict[str, list[Any]]:
        """What each listener got since the last look."""
        name = next(self._names)
        marker = self.join(self._marker, name)
        self.wait(name.encode(), b".CONNECT ")
        marker.finish()  # else it may still count where connections are counted
        return self.looked()

    def last(self) -> dict[str, list[Any]]:
        """The same, up to the end of the server."""
        for client in self.listeners.values():
            client.read_to_end()
        return self.looked()

    def looked(self) -> dict[str, list[Any]]:
        told = {}
        for name, client in self.listeners.items():
            if not client.closed:
                client.fence()
            items = messages(bytes(client.received[self._seen.get(name, 0) :]))
            self._seen[name] = len(client.received)
            told[name] = [shown(*item) for item in items if not _is_of_marker(*item)]
        return told


def messages(received: bytes) -> list[tuple[str, Any]]:
    """Subject and JSON of each delivery; an -ERR has no JSON."""
    found: list[tuple[str, Any]] = []
    while received:
        line, _, received = received.partition(b"\r\n")
        if line.startswith(b"MSG "):
            words = line.decode().split()
            size = int(words[-1])
            found.append((words[1], json.loads(received[:size])))
            received = received[size + 2 :]
        elif line.startswith(b"-ERR"):
            found.append((line.decode(), None))
    return found


def _is_of_marker(subject: str, event: Any) -> bool:
    if subject.startswith(("$SYS.ACCOUNT.M.", "$SYS.SERVER.ACCOUNT.M.")):
        return True
    who = event.get("client", {}) if isinstance(event, dict) else {}
    return str(who.get("name", "")).startswith("marker-")


def shown(subject: str, event: Any) -> Any:
    """Without what differs from run to run. Who gets events has counts of them, too."""
    if isinstance(event, dict) and isinstance(event.get("server"), dict):
        event["server"] = ", ".join(event["server"])  # the same in all; the last events show it
    who = ""
    if isinstance(event, dict):
        who = event.get("acc") or event.get("client", {}).get("acc")
    if who in LISTENING and "sent" in event:
        event |= {"sent": list(event["sent"]), "received": list(event["received"])}
    return [_SERVER_ID.sub("<id>", subject), _mask(event)]


def _mask(value: Any) -> Any:
    if isinstance(value, list):
        return [_mask(each) for each in value]
    if not isinstance(value, dict):
        return (
            _SERVER_ID.sub("<id>", _GUEST.sub("<guest>", value))
            if isinstance(value, str)
            else value
        )
    masked = {}
    for name, inner in value.items():
        form = _FORMS.get(name)
        known = form is not None and form.fullmatch(str(inner))
        masked[name] = f"<{name}>" if known and not isinstance(inner, dict) else _mask(inner)
    if isinstance(masked.get("id"), int):
        masked["id"] = "<cid>"
    return masked
