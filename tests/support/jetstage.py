"""Scenarios of JetStream across accounts: the scripts of `stage`, and

b ASK JS.A.INFO | {}            a request, and its answer
b ACK | +ACK                    to the reply subject that b has received last; waits for the
                                answer
b AWAIT 3                       until b has received so many messages since the script began
b UNTIL JS.A.STREAM.INFO.M state.messages 3
                                asks until the answer has this value there; says nothing
b FIELDS mirror.lag state | JS.A.STREAM.INFO.M
                                asks for these parts of the answer
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from tests.support.deadline import wait_until
from tests.support.masks import MASKED
from tests.support.raw import RawClient
from tests.support.stage import Stage

HIDDEN = MASKED | {
    "created", "ts", "first_ts", "last_ts", "last_active", "leader", "response", "delivery",
    "server_id", "update_time",
}  # fmt: skip
_IDENTITY = re.compile(r"(Nats-Stream-Source: .*) \S{8}(?=\r)")
_SIZES = re.compile(r" \d+ \d+ \|")
_STAMP = re.compile(r"(Nats-Time-Stamp: )[^\\]+")
_MESSAGE = re.compile(rb"(?:^|\n)(?:MSG|HMSG) (\S+) ")


class JetStage(Stage):
    """See above."""

    def __init__(self, port: int, reload: Callable[[str], bool]) -> None:
        super().__init__(port, reload, shown)
        self._inboxes = 0

    def _act(self, who: str, rest: str) -> None:
        words, _, payload = (part.strip() for part in rest.partition("|"))
        verb, *arguments = words.split()
        client = self._clients.get(who)
        if verb in ("ASK", "ACK", "UNTIL", "FIELDS") and client is None:
            client = self._open(who, {})
        if client is None or verb not in ("ASK", "ACK", "AWAIT", "UNTIL", "FIELDS"):
            super()._act(who, rest)
        elif verb == "ASK":
            self._ask(client, arguments[0], payload)
        elif verb == "ACK":
            self._ask(client, self._replies[who][-1], payload)
        elif verb == "AWAIT":
            wait_until(lambda: self._has(client, int(arguments[0])), f"{who} has {arguments[0]}")
        elif verb == "UNTIL":
            subject, path, value = arguments
            self._until(who, subject, path, json.loads(value))
        else:
            found = self._answer(who, payload)
            told = {path: at(found, path) for path in arguments}
            self.told.append(f"{who} : {json.dumps(shown(told))}")

    def _ask(self, client: RawClient, subject: str, payload: str) -> None:
        self._inboxes += 1
        inbox = f"_INBOX.{self._inboxes}"
        client.send(
            f"SUB {inbox} ask{self._inboxes}\r\n"
            f"PUB {subject} {inbox} {len(payload)}\r\n{payload}\r\n".encode()
        )
        begun = f"MSG {inbox} ".encode()

        def has_answer() -> bool:
            client.fence()
            return begun in client.received

        wait_until(has_answer, f"an answer to {subject}")

    def _has(self, client: RawClient, count: int) -> bool:
        client.fence()
        subjects = _MESSAGE.findall(client.received)
        return sum(not subject.startswith(b"_INBOX.") for subject in subjects) >= count

    def _answer(self, who: str, subject: str) -> Any:
        """What a client of its own gets, so that nobody's transcript has it."""
        with RawClient(self._port) as client:
            self._connect(client, who, {})
            client.send(f"SUB _INBOX.x 1\r\nPUB {subject} _INBOX.x 0\r\n\r\n".encode())

            def has_answer() -> bool:
                client.fence()
                return bool(_MESSAGE.search(client.received))

            wait_until(has_answer, f"an answer to {subject}")
            body = client.received[
                client.received.find(b"{", client.received.find(b"MSG _INBOX")) :
            ]
            if not body:
                return {}
            return json.JSONDecoder().raw_decode(body.decode())[0]

    def _until(self, who: str, subject: str, path: str, wanted: Any) -> None:
        def is_there() -> bool:
            return bool(at(self._answer(who, subject), path) == wanted)

        wait_until(is_there, f"{path} of {subject} is {wanted}", interval_s=0.05)

    def masked(self, item: str) -> str:
        """See `Stage`."""
        if _STAMP.search(item):  # it has 27 to 30 letters
            item = _SIZES.sub(" N N |", _STAMP.sub(r"\1<time>", item), count=1)
        return super().masked(item)


def shown(value: Any) -> Any:
    """JSON without what differs from run to run, in the order of names. The prefix of an API is
    shown, but not the figures of one."""
    if isinstance(value, list):
        return [shown(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("api"), dict):
        value = value | {"api": "<api>"}
    if isinstance(value.get("hdrs"), str):
        block = base64.b64decode(value["hdrs"]).decode()
        value = value | {"hdrs": _IDENTITY.sub(r"\1 <identity>", block)}
    return {
        name: f"<{name}>" if name in HIDDEN and inner else shown(inner)
        for name, inner in sorted(value.items())
    }


def at(found: Any, path: str) -> Any:
    """The part of a document with these names, separated by dots; None if it has none."""
    for name in path.split("."):
        if isinstance(found, list):
            found = found[int(name)] if int(name) < len(found) else None
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            return None
    return found
