"""Scenarios of accounts that share, as scripts: clients of several accounts talk, and everything
that each of them receives is written down after every line.

    b SUB imp.> 1                   a protocol line of client b (user b, connected at first use)
    a PUB ev.x rep | hi             a publish: subject, perhaps a reply subject, and the payload
    a HPUB ev.x | A: 1; B: 2 | hi   the same with headers; ~ stands for a blank
    a REPLY | answer                to the reply subject that a has received last
    a HREPLY | A: 1 | answer        the same with headers
    a AGAIN 2 | answer              to the one before that
    a PUB _R_.acc0.req1 | hi        to what is shown so
    a OPEN {"echo": false}          connects with other options; `b2` is one more client of user b
    a CLOSE
    wait 0.5                        seconds
    reload NAME                     with another configuration of the scenario
    refused NAME                    the same, and the server refuses it
    b SUB x 1 && a PUB x | hi       two at once

Lines of one client that arrive together have no order among its subscriptions: they are sorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.client import header_lines
from tests.support.deadline import PATIENCE_S, Deadline, pause
from tests.support.masks import MASKED, masked
from tests.support.process import ServerProcess
from tests.support.raw import RawClient
from tests.support.transcript import parse_transcript

_REPLY = re.compile(r"_R_\.(\w{6})\.(\w{6})(\.\w{8}\.T)?")
_SHOWN_REPLY = re.compile(r"_R_\.(acc\d+)\.(req\d+)")
_ACK = re.compile(r"(\$JS\.ACK\.\S+\.)\d{19}(\.\d+ )")
_SIZES = re.compile(r"(?: \d+){1,2} \|")  # of a delivery
_WHOLE_JSON = re.compile(r"\{.*\}")
_JSON = re.compile(r"\{[^{}]*\}")
_OPTIONS = {
    "verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "test",
    "version": "1.0.0", "protocol": 1, "name": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """`script` is played with the accounts of `config` in force; `others` are for `reload`."""

    name: str
    config: str
    script: str
    others: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


class Stage:
    """One run of a script against one server."""

    def __init__(
        self,
        port: int,
        reload: Callable[[str], bool],
        show: Callable[[Any], Any] = lambda value: masked(value, MASKED),
    ) -> None:
        self._port = port
        self._reload = reload
        self._show = show  # JSON, without what differs from run to run
        self._clients: dict[str, RawClient] = {}
        self._seen: dict[str, int] = {}  # bytes of what each has received
        self._replies: dict[str, list[str]] = {}
        self._names: dict[str, str] = {}
        self.told: list[str] = []

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def play(self, scenario: Scenario) -> list[str]:
        """What came of it."""
        for line in scenario.script.strip().splitlines():
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            self.told.append(f"> {line}")
            for part in line.split(" && "):
                who, _, rest = part.strip().partition(" ")
                if who == "wait":
                    pause(float(rest))
                elif who in ("reload", "refused"):
                    assert self._reload(scenario.others[rest]) == (who == "reload"), line
                else:
                    self._act(who, rest)
            self.arrived(len(self.told))
            self._settle()
        return self.told

    def arrived(self, lines: int) -> None:
        """What is waited for, besides answers to pings, before a line's consequences (the first of
        which becomes number `lines`) are written down."""

    def await_messages(self, who: str, count: int) -> None:
        """Reads until a client has got that many since the last line."""
        client, deadline = self._clients[who], Deadline(PATIENCE_S)
        while not client.closed and self._fresh(who) < count and not deadline.passed:
            client.read_some(deadline.remaining())

    def _fresh(self, who: str) -> int:
        received = bytes(self._clients[who].received[self._seen[who] :])
        items = [item for item in parse_transcript(received, self._port) if isinstance(item, str)]
        return sum(item.startswith(("MSG ", "HMSG ")) for item in items)

    def _act(self, who: str, rest: str) -> None:
        rest = _SHOWN_REPLY.sub(self._meant, rest)
        words, *parts = (part.strip() for part in rest.split("|"))
        verb, *arguments = words.split()
        if verb == "OPEN":
            self._open(who, json.loads(words.partition(" ")[2]))
            return
        client = self._clients.get(who) or self._open(who, {})
        if verb == "CLOSE":
            client.finish()  # so that the server has noticed it before the next line
            del self._clients[who]
            return
        if verb in ("REPLY", "HREPLY", "AGAIN"):
            back = int(arguments.pop(0)) if verb == "AGAIN" else 1
            arguments.insert(0, self._replies[who][-back])
            verb = "HPUB" if verb == "HREPLY" else "PUB"
        if verb == "PUB":
            payload = parts[0] if parts else ""
            size = len(payload.encode())
            client.send(f"PUB {' '.join(arguments)} {size}\r\n{payload}\r\n".encode())
        elif verb == "HPUB":
            headers = [each.strip().replace("~", " ") for each in parts[0].split(";")]
            block = header_lines(each for each in headers if each)
            payload = (parts[1] if len(parts) > 1 else "").encode()
            line = f"HPUB {' '.join(arguments)} {len(block)} {len(block) + len(payload)}\r\n"
            client.send(line.encode() + block + payload + b"\r\n")
        else:
            client.send(f"{words}\r\n".encode())

    def _open(self, who: str, options: dict[str, Any]) -> RawClient:
        client = self._clients[who] = RawClient(self._port)
        self._connect(client, who, options)
        self._seen[who] = len(client.received)
        return client

    def _connect(self, client: RawClient, who: str, options: dict[str, Any]) -> None:
        client.read_info()
        user = who.rstrip("0123456789")
        asked = _OPTIONS | {"user": user, "pass": user, "name": who} | options
        client.send(b"CONNECT " + json.dumps(asked).encode() + b"\r\n")
        client.fence()

    def _settle(self) -> None:
        """Writes down what everybody has got."""
        for client in self._clients.values():
            client.fence()
        for who, client in sorted(self._clients.items()):
            client.fence()
            fresh = bytes(client.received[self._seen.get(who, 0) :])
            self._seen[who] = len(client.received)
            lines = []
            for item in parse_transcript(fresh, self._port):
                if isinstance(item, str) and item not in ("PING", "PONG"):
                    self._note_reply(who, item)
                    lines.append(f"{who} < {self.masked(item)}")
            if client.closed:
                lines.append(f"{who} < closed")
            self.told += sorted(lines)
        for who in [who for who, client in self._clients.items() if client.closed]:
            self._clients.pop(who).close()

    def _note_reply(self, who: str, item: str) -> None:
        line = item.partition(" | ")[0].split(" ")
        sizes = {"MSG": 1, "HMSG": 2}.get(line[0], 0)
        if sizes and len(line) == 4 + sizes:
            self._replies.setdefault(who, []).append(line[3])

    def masked(self, item: str) -> str:
        """Without what differs from run to run. Header sizes follow the length of such numbers."""
        head, bar, rest = item.partition(" | ")
        # What the real server itself publishes without a reply subject has two blanks there.
        item = _REPLY.sub(self._named, head.replace("  ", " ") + bar + rest)
        item = _ACK.sub(r"\1<time>\2", item)
        whole = _WHOLE_JSON.sub(self._shown_json, item)
        text = _JSON.sub(self._shown_json, item) if whole == item else whole
        return text if text == item else _SIZES.sub(_without_digits, text, count=1)

    def _shown_json(self, found: re.Match[str]) -> str:
        for text in (_unescaped(found[0]), found[0]):  # JSON within JSON may be as it was
            try:
                return json.dumps(self._show(json.loads(text)))
            except ValueError:
                pass
        return found[0]

    def _meant(self, shown: re.Match[str]) -> str:
        tokens = {name: token for token, name in self._names.items()}
        return f"_R_.{tokens[shown[1]]}.{tokens[shown[2]][len(tokens[shown[1]]) :]}"

    def _named(self, found: re.Match[str]) -> str:
        account = self._names.setdefault(found[1], f"acc{len(self._names)}")
        request = self._names.setdefault(found[1] + found[2], f"req{len(self._names)}")
        return f"_R_.{account}.{request}" + (".<hash>.T" if found[3] else "")


def play(
    kind: str,
    scenario: Scenario,
    folder: Path,
    stage: Callable[[int, Callable[[str], bool]], Stage] = Stage,
) -> list[str]:
    """What came of a scenario on a server of its own."""
    with (
        ServerProcess(kind, folder / kind, scenario.config) as server,
        stage(server.port, server.reload) as made,
    ):
        return made.play(scenario)


def _without_digits(sizes: re.Match[str]) -> str:
    return re.sub(r"\d+", "N", sizes[0])


def _unescaped(shown: str) -> str:
    try:
        return shown.encode().decode("unicode_escape").encode("latin-1").decode()
    except ValueError:
        return shown
