"""Shows the messages of a consumer."""

from __future__ import annotations

import time

from pynats_cli.jetstream.consumers.pulling import Pulled
from pynats_cli.screen.output import foreign_line, line, write, write_body


def show_message(message: Pulled, raw: bool) -> None:
    """A message in full, or with `raw` only its body and the end of the line."""
    if raw:
        body = message.data
        write(body if body.endswith(b"\n") else body + b"\n")
        return
    line(
        f"[{time.strftime('%H:%M:%S')}] subj: {message.subject} / tries: {message.tries} / "
        f"cons seq: {message.consumer_sequence} / str seq: {message.stream_sequence} / "
        f"pending: {message.pending}"
    )
    if message.headers:
        line("\nHeaders:\n")
        for name, value in message.headers:
            foreign_line(f"  {name}: {value}")
        line("\nData:\n")
    line()
    write_body(message.data + b"\n")
