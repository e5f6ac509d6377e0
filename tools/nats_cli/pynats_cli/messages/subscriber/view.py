"""Shows received messages: pretty, raw, or dumped as files."""

from __future__ import annotations

import time
from pathlib import Path

from pynats_common.go.durations import SECOND_NS, format_duration_ns
from pynats_common.go.quoting import quote

from pynats_cli.messages.subscriber.messages import Received, StreamFacts
from pynats_cli.messages.subscriber.options import SubscribeOptions
from pynats_cli.screen.human import thousands
from pynats_cli.screen.output import body, foreign_line, line, log, raw_body, write
from pynats_cli.screen.translate import TranslateError, translate_body

DUMP_DOT_EVERY = 100
"""Dumped messages for each dot of progress."""


class MessageView:
    """Writes messages to stdout or to the dump folder."""

    def __init__(self, options: SubscribeOptions, trace: bool = False) -> None:
        self._options = options
        self._trace = trace
        self._started_ns = time.monotonic_ns()

    def prepare(self) -> None:
        """Creates the dump folder."""
        if self._options.dump not in ("", "-"):
            Path(self._options.dump).mkdir(mode=0o700, parents=True, exist_ok=True)

    def show(self, message: Received, number: int, reply: Received | None = None) -> None:
        """Shows message `number` (from 1), with its reply."""
        if self._trace and message.reply:
            foreign_line(f"<<< Reply Subject: {message.reply}")
        if self._options.dump:
            name = str(message.facts.sequence if message.facts else number)
            self._dump(message, f"{name}.json", number)
            if reply is not None:
                self._dump(reply, f"{name}_reply.json", number)
        elif self._options.raw:
            raw_body(message.data, self._options.translate, exact=self._options.exact)
            if reply is not None:
                raw_body(reply.data, exact=self._options.exact)
        else:
            self._pretty(message, number, reply)

    def _pretty(self, message: Received, number: int, reply: Received | None) -> None:
        prefix = f"[#{number}]{self._time_text(message.facts)}"
        foreign_line(f"{prefix} {_headline(message)}")
        if not self._options.subjects_only:
            self._content(message)
        if reply is not None:
            line(f"{prefix} Matched reply on {quote(reply.subject)}")
            self._content(reply)

    def _content(self, message: Received) -> None:
        for name, value in message.headers:
            foreign_line(f"{name}: {value}")
        if message.headers:
            line()
        if not self._options.headers_only:
            body(message.data, self._options.translate, message.subject)

    def _time_text(self, facts: StreamFacts | None) -> str:
        if self._options.timestamp:
            moment = facts.time_ns if facts else time.time_ns()
            return f" @ {stamp_micro(moment)}"
        if self._options.delta_time:
            past = time.time_ns() - facts.time_ns if facts else None
            if past is None:
                past = time.monotonic_ns() - self._started_ns
            return f" @ {format_duration_ns(past)}"
        return ""

    def _dump(self, message: Received, name: str, number: int) -> None:
        data = message.data
        if self._options.translate:
            try:
                data = translate_body(data, self._options.translate, message.subject, "")
            except TranslateError as error:
                log(f"{quote(error.output)}\nError while translating msg body: {error}\n")
                return
        text = message.to_json(data)
        if self._options.dump == "-":
            write(text.encode() + b"\0")
            return
        path = Path(self._options.dump) / name
        try:
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            log(f"Could not save message: {error}")
        if number % DUMP_DOT_EVERY == 0:
            write(".")


def _headline(message: Received) -> str:
    facts = message.facts if message.streamed or message.direct else None
    if facts is None:
        text = f"Received on {quote(message.subject)}"
        return f"{text} with reply {quote(message.reply)}" if message.reply else text
    if message.direct:
        return (
            f"Received JetStream message (direct): stream: {facts.stream} seq {facts.sequence} / "
            f"subject: {message.subject} / time: {local_time(facts.time_ns)}"
        )
    return (
        f"Received JetStream message: stream: {facts.stream} seq: {thousands(facts.sequence)} / "
        f"pending: {thousands(facts.pending)} / subject: {message.subject} / "
        f"time: {local_time(facts.time_ns)}"
    )


def local_time(time_ns: int) -> str:
    """Local time as `2006-01-02 15:04:05`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_ns // SECOND_NS))


def stamp_micro(time_ns: int) -> str:
    """Local time as `Jan _2 15:04:05.000000`."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    local = time.localtime(seconds)
    day = time.strftime("%d", local).lstrip("0").rjust(2)
    return (
        f"{time.strftime('%b', local)} {day} {time.strftime('%H:%M:%S', local)}.{rest // 1000:06d}"
    )
