"""Shows plain messages quickly: all of one read are one text.

A message is plain when it has no headers and is not from a stream, and nothing special was asked
for. The text is the same as `view` gives.
"""

from __future__ import annotations

from pynats_common.go.quoting import quote

from pynats_cli.connect.natspy.batches import Message
from pynats_cli.messages.subscriber.flow import Flow
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.screen.output import write, write_body

_EMPTY = b"nil body"
_SUBJECTS_MAX = 10_000
"""Quoted subjects that are remembered."""


def is_enough(options: SubscribeOptions) -> bool:
    """True when the flags ask for nothing but text."""
    special = (
        options.translate, options.dump, options.headers_only, options.subjects_only,
        options.match_replies, options.timestamp, options.delta_time, options.ignore_subject,
        options.reports, options.graph,
    )  # fmt: skip
    return not any(special)


class QuickView:
    """Text of many messages at once."""

    def __init__(self, options: SubscribeOptions) -> None:
        self._raw = options.raw
        self._exact = options.exact
        self._quoted: dict[bytes, bytes] = {}

    def take(self, batch: list[Message], flow: Flow) -> list[Message]:
        """Shows the messages up to the first that is not plain; gives back the rest."""
        number = flow.received
        room = flow.room()
        texts: list[bytes] = []
        taken = 0
        for subject, reply, headers, data in batch:
            if headers or taken == room or reply.startswith(b"$JS.ACK."):
                break
            taken += 1
            if self._raw:
                whole = self._exact or data.endswith(b"\n")
                texts.append(data if whole else data + b"\n")
                continue
            # A text that ends with a newline of its own gets one more, else three.
            body = data if data.endswith(b"\n") else (data or _EMPTY) + b"\n\n"
            named = self._quoted.get(subject) or self._quote(subject)
            with_reply = b" with reply " + quote(reply).encode() if reply else b""
            texts.append(
                b"[#%d] Received on %b%b\n%b\n" % (number + taken, named, with_reply, body)
            )
        if taken:
            put = write if self._raw else write_body
            put(b"".join(texts))
            flow.count(taken)
        return batch[taken:]

    def _quote(self, subject: bytes) -> bytes:
        if len(self._quoted) >= _SUBJECTS_MAX:
            self._quoted.clear()
        text = self._quoted[subject] = quote(subject.decode()).encode()
        return text
