"""Play a case against one server and return its answers, normalised."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.conformance.jetstream.case import (
    API,
    Body,
    Case,
    Request,
    Restart,
    Seen,
    Send,
    Step,
    Watch,
)
from tests.conformance.jetstream.normalise import Normaliser
from tests.support.client import Client, Message, header_block
from tests.support.deadline import wait_until

NO_REPLY = "<no reply>"
SILENCE = "<silence>"  # and none was expected
QUIET_S = 0.1  # silence for so long, after the server has answered a later request: no answer
UNTIL_S = 10.0
_NAME = re.compile(rb"\$\{(\w+)\}")
_SENTINEL = API + "STREAM.NAMES"


class Player:
    """Plays the steps of one case; `connect` opens a connection to the case's account."""

    def __init__(
        self, connect: Callable[[], Client], restart: Callable[[], None] | None = None
    ) -> None:
        self._connect = connect
        self._restart = restart
        self._client = connect()
        self._watcher: Client | None = None
        self._watches: dict[str, int] = {}
        self._saved: dict[str, bytes] = {}
        self._normalise = Normaliser(self._counted())

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._client.close()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    def _counted(self) -> dict[str, int]:
        """The API's counters after this question; none where the account has no JetStream."""
        reply = self._client.request(API + "INFO")
        counters = json.loads(reply.payload).get("api") if reply and reply.payload else None
        if counters is None:
            return {}
        return {"total": counters["total"] + 1, "errors": counters["errors"]}

    def play(self, case: Case) -> list[Any]:
        """One entry per step; a Request's entry is the list of its replies."""
        return [self._step(step) for step in case.steps]

    def clean(self) -> None:
        """Delete the account's streams, so that a server shared by many cases stays small."""
        while True:
            reply = self._client.request(API + "STREAM.NAMES")
            names = json.loads(reply.payload).get("streams") if reply and reply.payload else None
            if not names:
                return
            for name in names:
                self._client.request(f"{API}STREAM.DELETE.{name}")

    def _step(self, step: Step) -> Any:
        if isinstance(step, Request):
            return self._request(step)
        if isinstance(step, Send):
            self._client.publish(*self._filled(step))
            self._client.flush()
            return None
        if isinstance(step, Watch):
            if self._watcher is None:
                self._watcher = self._connect()
            self._watches[step.subject] = self._watcher.subscribe(step.subject)
            self._watcher.flush()
            return None
        if isinstance(step, Seen):
            return self._seen(step)
        assert isinstance(step, Restart) and self._restart is not None
        self._close()
        self._restart()
        self._client = self._connect()
        return None

    def _filled(self, step: Request | Send) -> tuple[str, bytes, bytes]:
        """Subject, payload and headers with saved values put in."""
        headers = (
            step.headers
            if isinstance(step.headers, bytes)
            else header_block(dict(step.headers))
            if step.headers
            else b""
        )
        return (
            self._put_in(step.subject.encode()).decode(),
            self._put_in(encode_body(step.body)),
            self._put_in(headers),
        )

    def _put_in(self, text: bytes) -> bytes:
        return _NAME.sub(lambda match: self._saved[match[1].decode()], text)

    def _request(self, step: Request) -> list[Any]:
        if step.until is None:
            replies = self._replies(step)
        else:
            replies = wait_until(lambda: self._satisfied(step), f"{step.until}", UNTIL_S)
        for name, path in step.save.items():
            value = dig(json.loads(replies[0].payload), path)
            self._saved[name] = value.encode() if isinstance(value, str) else b"%d" % value
        missing = SILENCE if step.replies == "none" else NO_REPLY
        return [self._normalise.message(reply) for reply in replies] or [missing]

    def _satisfied(self, step: Request) -> list[Message] | None:
        assert step.until is not None
        path, value = step.until
        replies = self._replies(step)
        return replies if replies and dig(json.loads(replies[0].payload), path) == value else None

    def _replies(self, step: Request) -> list[Message]:
        client = self._client
        subject, payload, headers = self._filled(step)
        inbox = client.inbox()
        client.publish(subject, payload, headers, inbox)
        if step.replies == "none":
            client.request(_SENTINEL)
            return list(client.replies(inbox, QUIET_S))
        found = []
        for reply in client.replies(inbox):
            found.append(reply)
            if step.replies == "one" or reply.status is not None:
                break
        return found

    def _seen(self, step: Seen) -> list[Any]:
        assert self._watcher is not None
        sid = self._watches[step.subject]
        messages: list[Message] = []
        while len(messages) < step.count and (message := self._watcher.next(sid)) is not None:
            messages.append(message)
        while (message := self._watcher.next(sid, QUIET_S)) is not None:
            messages.append(message)
        if not step.ordered:
            messages.sort(key=_kind)
        shown = [self._normalise.message(message, own_subject=True) for message in messages]
        return shown if len(shown) >= step.count else [*shown, NO_REPLY]


def _kind(advisory: Message) -> tuple[str, str, str]:
    """The subject, for audits of requests also theirs, and the time."""
    told = json.loads(advisory.payload)
    return advisory.subject, str(dig(told, "subject")), str(dig(told, "timestamp"))


def encode_body(body: Body) -> bytes:
    """Bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body).encode()


def dig(value: Any, path: str) -> Any:
    """The value at a dotted path, None when it is not there."""
    for name in path.split("."):
        if isinstance(value, list):
            value = value[int(name)] if int(name) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value
