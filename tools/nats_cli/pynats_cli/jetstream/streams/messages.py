"""A message that a stream holds, as text for people."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from pynats_common.go.times import parse_instant_ns

from pynats_cli.screen import human
from pynats_cli.screen.translate import TranslateError, translate_body
from pynats_cli.screen.visible import visible

_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\x1b") | {127}


@dataclass(frozen=True)
class StoredMessage:
    """`time` is RFC 3339."""

    stream: str
    subject: str
    sequence: int
    time: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def of(cls, message: dict[str, Any], stream: str) -> StoredMessage:
        """From the answer of the API."""
        return cls(
            stream=stream,
            subject=str(message["subject"]),
            sequence=int(message["seq"]),
            time=str(message["time"]),
            headers=tuple(header_lines(base64.b64decode(message.get("hdrs") or ""))),
            body=base64.b64decode(message.get("data") or ""),
        )

    def described(self, now_ns: int, translate: str = "") -> bytes:
        """With all that is known of it."""
        moment, _, fraction = self.time.removesuffix("Z").replace("T", " ").partition(".")
        at = f"{moment}.{fraction}" if fraction else moment
        age = human.duration(now_ns - parse_instant_ns(self.time))
        text = (
            f"Item: {self.stream}#{self.sequence} received {at} +0000 UTC ({age}) "
            f"on Subject {visible(self.subject)}\n\n"
        )
        if self.headers:
            text += f"Headers:\n{self._headers()}\n"
        return text.encode() + self._body(translate) + b"\n\n"

    def brief(self, translate: str = "") -> bytes:
        """As one of many."""
        received = human.local_time(self.time)
        text = f"[{self.sequence}] Subject: {visible(self.subject)} Received: {received}\n"
        if self.headers:
            text += "\n" + self._headers()
        return text.encode() + self._body(translate) + b"\n\n"

    def _headers(self) -> str:
        return "".join(f"  {visible(name)}: {visible(value)}\n" for name, value in self.headers)

    def raw_line(self, translate: str = "") -> bytes:
        """The body as it is, and a line end."""
        return self._translated(translate) + b"\n"

    def _body(self, translate: str) -> bytes:
        if not self.body and not translate:
            return b"nil body"
        return printable(self._translated(translate))

    def _translated(self, translate: str) -> bytes:
        if not translate:
            return self.body
        try:
            return translate_body(self.body, translate, self.subject, self.stream)
        except TranslateError as error:
            return f"Error while translating msg body: {error}".encode()


def header_lines(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a block of headers, in its order."""
    found = []
    for line in raw.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found.append((name, value.strip()))
    return found


def printable(body: bytes) -> bytes:
    """A body that a terminal can show; others in base64, with a note."""
    try:
        body.decode()
    except UnicodeDecodeError:
        pass
    else:
        if not _CONTROLS.intersection(body):
            return body
    note = f"(binary, {len(body)} bytes, base64)\n".encode()
    return note + base64.b64encode(body)
