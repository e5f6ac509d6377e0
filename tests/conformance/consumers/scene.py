"""The steps that rows are made of; each writes what was done and what came of it.

A transcript's lines: `> what we did`, `= what the API said`, `p1 < a message that came to p1`.
Rows wait for messages and conditions; where nothing must come, a short silence after an answer of
the server stands for it. What came and was never asked for is told at the end of the row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.conformance.consumers.showing import (
    Body,
    ack_place,
    encoded,
    masked,
    shown_headers,
    shown_json,
    shown_message,
    text_of,
)
from tests.conformance.consumers.standing import dig, matches, receives, standing, total_of
from tests.support.client import Client, Message, header_block
from tests.support.deadline import Deadline, pause, wait_until

API = "$JS.API."
PATIENCE_S = 12.0
QUIET_S = 0.15  # silence for so long after an answer: nothing will come
STILL = 2  # times that a consumer's information is the same
STILL_S = 0.02
COUNTED_S = 0.3  # a consumer may also start later, or the message be gone
SERVED_S = 0.08  # a receiver may also get nothing for good reasons
TOO_MANY = 200  # messages of one receiver that are never silent
MS = 1_000_000
SECOND = 1000 * MS
HOUR = 3600 * SECOND


class RowBroken(Exception):
    """What a row waits for did not come; its transcript ends here."""


class Scene:
    """One row in one account: stream S with subjects s.>, as a rule one consumer C."""

    def __init__(
        self,
        connect: Callable[[], Client],
        restart: Callable[[bool, Callable[[Path], object] | None], None],
    ) -> None:
        self.lines: list[str] = []
        self._connect = connect
        self._restart = restart
        self.client = connect()
        self._others: dict[str, Client] = {}  # connections of receivers of their own
        self._sids: dict[str, tuple[Client, int]] = {}
        self._acks: dict[tuple[str, int], list[str]] = {}
        self.kept: dict[str, str] = {}  # the reply subject of the last message of each receiver
        self.headers: dict[str, str] = {}  # and its header block
        self._pulls = 0

    def end(self) -> None:
        """Tell what nobody asked for, and leave nothing behind."""
        self.call("INFO")
        for index, (name, (client, sid)) in enumerate(list(self._sids.items())):
            left = 0
            while (message := client.next(sid, 0 if index else QUIET_S)) is not None:
                if message.status == 100 and b"Idle Heartbeat" in message.headers:
                    continue  # one more or less, as time went by
                self._tell(name, message, "left over: ")
                left += 1
                if left == TOO_MANY:
                    break
        for name in self.call("STREAM.NAMES").get("streams") or []:
            self.call(f"STREAM.DELETE.{name}")

    def close(self) -> None:
        for client in [self.client, *self._others.values()]:
            client.close()

    def say(self, text: str) -> None:
        """A line of the transcript."""
        self.lines.append(text)

    # -- the API ----------------------------------------------------------------------------------

    def ask(self, subject: str, body: Body = None, headers: Mapping[str, str] = {}) -> Message:
        """The answer to a request, not written down."""
        block = header_block(dict(headers)) if headers else b""
        answer = self.client.request(subject, encoded(body), block, PATIENCE_S)
        if answer is None:
            self.say(f"! no answer to {subject}")
            raise RowBroken
        return answer

    def call(self, verb: str, body: Body = None) -> dict[str, Any]:
        """The JSON of an API answer, not written down."""
        answer = self.ask(API + verb, body)
        return dict(json.loads(answer.payload)) if answer.payload else {"error": answer.status}

    def api(self, verb: str, body: Body = None, headers: Mapping[str, str] = {}) -> dict[str, Any]:
        """An API request and its whole answer."""
        self.say(f"> {verb} {text_of(body)}".rstrip() + (f" {dict(headers)}" if headers else ""))
        answer = self.ask(API + verb, body, headers)
        if not answer.payload:
            self.say(f"= {shown_headers(answer.headers)}")
            return {}
        self.say(f"= {shown_json(answer.payload)}")
        return dict(json.loads(answer.payload))

    def stream(self, name: str = "S", subjects: str = "s.>", **config: Any) -> None:
        """Make a stream, of files unless told."""
        whole = {"name": name, **({"subjects": subjects.split()} if subjects else {}), **config}
        self.say(f"> stream {name} {subjects} {text_of(config) if config else ''}".rstrip())
        self._told(self.call(f"STREAM.CREATE.{name}", whole))

    def update_stream(self, name: str = "S", subjects: str = "s.>", **config: Any) -> None:
        whole = {"name": name, **({"subjects": subjects.split()} if subjects else {}), **config}
        self.say(f"> update stream {name} {text_of(config)}")
        self._told(self.call(f"STREAM.UPDATE.{name}", whole))

    def create(
        self, name: str = "C", stream: str = "S", action: str = "", **config: Any
    ) -> dict[str, Any]:
        """Make or change a durable consumer with explicit acks, unless told otherwise; where it
        stands then."""
        self.say(f"> {action or 'consumer'} {name} {text_of(config) if config else ''}".rstrip())
        whole = {"durable_name": name, "name": name, "ack_policy": "explicit", **config}
        whole = {key: value for key, value in whole.items() if value is not None}
        request = {"stream_name": stream, "config": whole, **({"action": action} if action else {})}
        answer = self.call(f"CONSUMER.CREATE.{stream}.{name}", request)
        self._stands(answer, name, stream)
        return answer

    def _told(self, answer: Mapping[str, Any]) -> None:
        if "error" in answer:
            self.say(f"= error {json.dumps(answer['error'], sort_keys=True)}")

    def _stands(self, answer: Mapping[str, Any], name: str, stream: str) -> None:
        """An error, or where the consumer stands."""
        if "error" in answer:
            self._told(answer)
        else:
            self.say(f"= {standing(self._still(name, stream))}")

    def info(self, name: str = "C", stream: str = "S") -> dict[str, Any]:
        """Where a consumer stands."""
        self.say(f"> info {name if stream == 'S' else stream + '.' + name}")
        answer = self._still(name, stream)
        if "error" in answer:
            self._told(answer)
        else:
            self.say(f"= {standing(answer)}")
        return answer

    def _still(self, name: str, stream: str) -> dict[str, Any]:
        """A consumer's information once it does not change any more: the real server does what it
        was told a little later than it answers."""
        deadline = Deadline(PATIENCE_S)
        same = 0
        answer = self.call(f"CONSUMER.INFO.{stream}.{name}")
        while same < STILL and "error" not in answer and not deadline.passed:
            pause(STILL_S)
            before, answer = standing(answer), self.call(f"CONSUMER.INFO.{stream}.{name}")
            same = same + 1 if standing(answer) == before else 0
        return answer

    def until(self, name: str = "C", stream: str = "S", **wanted: Any) -> None:
        """Wait until the consumer's info says so: names are those of `standing`, or `gone`."""
        self.say(f"> until {name} has {text_of(wanted)}")
        self._until(lambda: self.call(f"CONSUMER.INFO.{stream}.{name}"), wanted)

    def until_stream(self, name: str = "S", **wanted: Any) -> None:
        """Wait until the stream's state says so."""
        self.say(f"> until stream {name} has {text_of(wanted)}")
        self._until(lambda: self.call(f"STREAM.INFO.{name}").get("state", {}), wanted)

    def reset(self, body: Body = "", name: str = "C") -> None:
        """Reset a consumer; where it stands then."""
        self.say(f"> reset {name} {text_of(body)}".rstrip())
        answer = self.call(f"CONSUMER.RESET.S.{name}", body)
        if "error" in answer:
            self._told(answer)
            return
        start = {"consumer_seq": 0, "stream_seq": answer["reset_seq"] - 1}
        deadline = Deadline(COUNTED_S)
        while not deadline.passed:
            shown = self.call(f"CONSUMER.INFO.S.{name}")["delivered"]
            if start.items() <= shown.items():
                break
            pause(0.005)
        if answer["reset_seq"] > 1:  # where it began, the real server may tell where it was before
            self._stands(answer, name, "S")
        self.say(f"= next {answer['reset_seq']}")

    def pause(self, until: Body, name: str = "C") -> None:
        """Pause a consumer; times that are near are masked."""
        self.say(f"> pause {name} {text_of(until)}".rstrip())
        answer = self.call(f"CONSUMER.PAUSE.S.{name}", until)
        answer.pop("type", None)
        if answer.get("pause_remaining"):
            answer["pause_remaining"] = "<ns>"
        self.say(f"= {masked(json.dumps(answer, sort_keys=True))}")

    def _until(self, ask: Callable[[], dict[str, Any]], wanted: Mapping[str, Any]) -> None:
        deadline = Deadline(PATIENCE_S)
        while True:
            found = ask()
            if all(dig(found, key) == value for key, value in wanted.items()):
                return
            if deadline.passed:
                self.say(f"! still {json.dumps(found.get('error') or standing(found))}")
                raise RowBroken
            pause(0.01)

    def state(self, name: str = "S") -> None:
        """What a stream holds."""
        state = self.call(f"STREAM.INFO.{name}").get("state", {})
        numbers = [state.get(key) for key in ("messages", "first_seq", "last_seq")]
        deleted = f", without {state['num_deleted']}" if state.get("num_deleted") else ""
        self.say("= stream {}: {} messages, {} to {}".format(name, *numbers) + deleted)

    def delete_message(self, seq: int, name: str = "S") -> None:
        self.say(f"> delete message {seq}")
        self._told(self.call(f"STREAM.MSG.DELETE.{name}", {"seq": seq}))

    def purge(self, name: str = "S", **request: Any) -> None:
        self.say(f"> purge {text_of(request)}")
        self._told(self.call(f"STREAM.PURGE.{name}", request))

    # -- messages ---------------------------------------------------------------------------------

    def publish(
        self, subject: str = "s.a", payload: Body = "x", tell: bool = False, **headers: str
    ) -> None:
        """Publish, wait for the answer, written down if `tell`, and until all consumers know.
        `X_Y="z"` is header X-Y."""
        before = self._counts()
        self._publish(subject, payload, tell, headers)
        self._counted(before, [subject])

    def _publish(self, subject: str, payload: Body, tell: bool, headers: Mapping[str, str]) -> None:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        answer = self.ask(subject, payload, named)
        if tell:
            self.say(f"> publish {subject} {named or ''}".rstrip())
            self.say(f"= {shown_message(answer)}".replace(f"{answer.subject} ", ""))
        elif b"error" in answer.payload or not answer.payload:
            self.say(f"! publish {subject}: {answer.payload!r} {answer.headers!r}")

    def fill(self, count: int, *subjects: str, alone: bool = False) -> None:
        """Publish messages "1", "2", … over the subjects in turn; `alone` asks for nothing of the
        consumers in between."""
        given = subjects or ("s.a",)
        self.say(f"> publish {count} to {' '.join(given)}")
        pairs = [(given[number % len(given)], str(number + 1)) for number in range(count)]
        before = [] if alone else self._counts()
        if any(receives(consumer) for consumer in before):
            for subject, payload in pairs:
                self.publish(subject, payload)
            return
        for subject, payload in pairs:
            self._publish(subject, payload, False, {})
        self._counted(before, [subject for subject, _ in pairs])

    def _counts(self) -> list[dict[str, Any]]:
        """The consumers of S, not written down."""
        return self.call("CONSUMER.LIST.S").get("consumers") or []

    def _counted(self, before: list[dict[str, Any]], subjects: list[str]) -> None:
        """Wait a little until all consumers have counted these messages, and until those that have
        a receiver have nothing left: the real server tells them after its answer."""
        if not before:
            return
        wanted = {
            info["name"]: total_of(info) + sum(matches(info["config"], s) for s in subjects)
            for info in before
        }
        for is_done, patience_s in (
            (lambda info: total_of(info) >= wanted.get(info["name"], 0), COUNTED_S),
            (lambda info: not (receives(info) and info["num_pending"]), SERVED_S),
        ):
            deadline = Deadline(patience_s)
            while not (all(map(is_done, self._counts())) or deadline.passed):
                pause(0.005)

    def pull(
        self,
        body: Body = "",
        to: str = "",
        consumer: str = "C",
        stream: str = "S",
        headers: Mapping[str, str] = {},
        own: bool = False,
    ) -> str:
        """Ask for messages to a receiver: p1, p2, …, or `to`. With `own` it has a connection of
        its own."""
        name = to or self._next_pull()
        if name not in self._sids:
            self._receiver(name, f"in.{name}", own)
        target = "" if (consumer, stream) == ("C", "S") else f" {stream}.{consumer}"
        more = f" {dict(headers)}" if headers else ""
        self.say(f"> {name}: pull{target} {text_of(body)}".rstrip() + more)
        block = header_block(dict(headers)) if headers else b""
        self.client.publish(
            f"{API}CONSUMER.MSG.NEXT.{stream}.{consumer}", encoded(body), block, f"in.{name}"
        )
        self.client.flush()
        return name

    def pull_quietly(self, body: Body, to: str = "") -> str:
        """A pull that the row itself tells of."""
        name = self.pull(body, to)
        self.lines.pop()
        return name

    def _next_pull(self) -> str:
        self._pulls += 1
        return f"p{self._pulls}"

    def listen(self, subject: str, name: str, queue: str = "", own: bool = False) -> str:
        """Subscribe; messages come to receiver `name`."""
        self.say(f"> {name}: subscribe {subject} {queue}".rstrip())
        self._receiver(name, f"{subject} {queue}".rstrip(), own)
        return name

    def _receiver(self, name: str, subject: str, own: bool) -> None:
        client = self.client
        if own:
            client = self._others[name] = self._connect()
        self._sids[name] = (client, client.subscribe(subject))
        client.flush()

    def leave(self, name: str) -> None:
        """The receiver unsubscribes, or its own connection closes."""
        client, sid = self._sids.pop(name)
        if name in self._others:
            self.say(f"> {name} disconnects")
            self._others.pop(name).close()
        else:
            self.say(f"> {name} unsubscribes")
            client.unsubscribe(sid)
            client.flush()

    def take(self, name: str, count: int = 1) -> list[Message]:
        """The next messages of a receiver."""
        client, sid = self._sids[name]
        taken: list[Message] = []
        while len(taken) < count:
            message = client.next(sid, PATIENCE_S)
            if message is None:
                self.say(f"! {len(taken)} of {count} came to {name}")
                raise RowBroken
            taken.append(message)
            self._tell(name, message)
        return taken

    def next_within(self, name: str, seconds: float) -> Message | None:
        """The next message of a receiver if it comes so soon, for the row itself to tell."""
        client, sid = self._sids[name]
        return client.next(sid, seconds)

    def take_quietly(self, name: str) -> Message:
        """The next message of a receiver, for the row itself to tell."""
        message = self.next_within(name, PATIENCE_S)
        if message is None:
            self.say(f"! nothing came to {name}")
            raise RowBroken
        return message

    def take_all(self, name: str) -> None:
        """The messages of a receiver up to and with a status."""
        for _ in range(TOO_MANY):
            if self.take(name)[0].status is not None:
                return

    def take_sorted(self, name: str, count: int) -> None:
        """As `take`, where their order is nobody's promise."""
        start = len(self.lines)
        self.take(name, count)
        self.lines[start:] = sorted(self.lines[start:])

    def quiet(self, *names: str) -> None:
        """Nothing has come and nothing comes."""
        self.call("INFO")
        for index, name in enumerate(names):
            client, sid = self._sids[name]
            message = client.next(sid, 0 if index else QUIET_S)
            if message is None:
                self.say(f"{name} < nothing")
            else:
                self._tell(name, message)

    def settle(self, *names: str) -> None:
        """All that comes to these receivers until nothing comes any more."""
        self.call("INFO")
        for index, name in enumerate(names):
            client, sid = self._sids[name]
            told = 0
            while (message := client.next(sid, 0 if index else QUIET_S)) is not None:
                self._tell(name, message)
                told += 1
                if told == TOO_MANY:
                    self.say("! and so on")
                    raise RowBroken
            if not told:
                self.say(f"{name} < nothing")

    def _tell(self, name: str, message: Message, before: str = "") -> None:
        if message.reply:
            self.kept[name] = message.reply
        self.headers[name] = message.headers.decode("latin-1")
        place = ack_place(message.reply)
        if place is not None:
            self._acks.setdefault(place, []).append(message.reply)
        own = f"{message.subject} " if place else ""
        self.say(f"{name} < {before}{own}{shown_message(message)}")

    def header(self, name: str, header: str) -> str:
        """The value of a header of the last message of a receiver."""
        for line in self.headers[name].split("\r\n"):
            key, _, value = line.partition(": ")
            if key == header:
                return value
        self.say(f"! {name} has no {header}")
        raise RowBroken

    # -- acks -------------------------------------------------------------------------------------

    def ack(
        self,
        seq: int,
        body: Body = "",
        consumer: str = "C",
        delivery: int = 0,
        silent: bool = False,
        headers: Mapping[str, str] = {},
    ) -> None:
        """Ack stream sequence `seq`, by its last or an earlier (from 1) delivery, and wait for the
        answer; none comes if `silent`."""
        earlier = f" by delivery {delivery}" if delivery else ""
        named = "" if consumer == "C" else f" of {consumer}"
        self.say(f"> ack {seq}{named}{earlier} {text_of(body)}".rstrip())
        self.ack_subject(self.reply(seq, consumer, delivery), body, silent, headers)

    def reply(self, seq: int, consumer: str = "C", delivery: int = 0) -> str:
        """The reply subject of a delivery."""
        return self._acks[consumer, seq][delivery - 1]

    def ack_subject(
        self,
        subject: str,
        body: Body = "",
        silent: bool = False,
        headers: Mapping[str, str] = {},
    ) -> None:
        inbox = self.client.inbox()
        block = header_block(dict(headers)) if headers else b""
        self.client.publish(subject, encoded(body), block, inbox)
        if silent:
            self.call("INFO")
        answer = next(self.client.replies(inbox, QUIET_S if silent else PATIENCE_S), None)
        if answer is None:
            self.say("= no answer")
        elif answer.headers or answer.payload:
            self.say(f"= {shown_message(answer)}")
        else:
            self.say("= answered")

    def tell(self, seq: int, body: Body = "", consumer: str = "C") -> None:
        """As `ack`, without wanting an answer."""
        self.say(f"> ack {seq} {text_of(body)} (no answer wanted)")
        self.client.publish(self.reply(seq, consumer), encoded(body))
        self.client.flush()

    def next(self, seq: int, body: str = "+NXT", consumer: str = "C") -> str:
        """Ack with a pull to a new receiver."""
        name = self._next_pull()
        self._receiver(name, f"in.{name}", False)
        self.say(f"> {name}: ack {seq} {masked(body)}")
        self.client.publish(self.reply(seq, consumer), body.encode(), b"", f"in.{name}")
        self.client.flush()
        return name

    def answer(self, name: str, headers: Mapping[str, str] = {}, payload: Body = "") -> None:
        """Answer the last message of a receiver."""
        self.say(f"> answer {masked(self.kept[name])} {dict(headers) or ''}".rstrip())
        block = header_block(dict(headers)) if headers else b""
        self.client.publish(self.kept[name], encoded(payload), block)
        self.client.flush()

    # -- the server -------------------------------------------------------------------------------

    def restart(self, kill: bool = False) -> None:
        """Stop the server, or kill it, and start it again; subscriptions are gone."""
        self.say("> kill and start" if kill else "> restart")
        self._start_again(kill, None)

    def restart_after(self, change: Callable[[Path], object]) -> None:
        """As `restart`, with a change of the store's files in between."""
        self.say("> restart, with other files")
        self._start_again(False, change)

    def _start_again(self, kill: bool, change: Callable[[Path], object] | None) -> None:
        for client in [self.client, *self._others.values()]:
            client.close()
        self._others.clear()
        self._sids.clear()
        self._restart(kill, change)
        self.client = self._connect()

    def let_pass(self, seconds: float) -> None:
        """Let time pass, where that is what the row is about."""
        self.say(f"> {seconds} s pass")
        pause(seconds)

    def wait_for(self, what: str, probe: Callable[[], bool]) -> None:
        """Wait for a condition that has no step of its own."""
        self.say(f"> until {what}")
        try:
            wait_until(probe, what, PATIENCE_S)
        except AssertionError:
            self.say("! in vain")
            raise RowBroken from None
