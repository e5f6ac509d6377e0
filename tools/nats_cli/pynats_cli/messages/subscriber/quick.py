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
        last = number + flow.room()
        texts: list[bytes] = []
        raw, exact, known = self._raw, self._exact, self._quoted.get
        for subject, reply, headers, data in batch:
            if headers or number == last or reply.startswith(b"$JS.ACK."):
                break
            number += 1
            if raw:
                texts.append(data if exact or data.endswith(b"\n") else data + b"\n")
                continue
            named = known(subject) or self._quote(subject)
            if reply:
                named += b" with reply " + quote(reply).encode()
            # A text that ends with a newline of its own gets one more, else three.
            if data.endswith(b"\n"):
                texts.append(b"[#%d] Received on %b\n%b\n" % (number, named, data))
            else:
                texts.append(b"[#%d] Received on %b\n%b\n\n\n" % (number, named, data or _EMPTY))
        taken = len(texts)
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
