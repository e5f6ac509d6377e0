"""Says what the model says to a server, and compares what comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from tests.model.consumers import Place
from tests.model.world import PIN_HEADER, TIME, Sent, Served, World, pin_label
from tests.support.client import INBOX, Client, Message
from tests.support.deadline import Deadline
from tests.support.process import ServerProcess

PATIENCE_S = 5.0  # for what the model predicts
HASTE_S = 0.7  # while a run is made shorter
ACK_TOKENS = 9
TIME_TOKEN = 7
PIN = re.compile(PIN_HEADER.encode() + rb": ([^\r]*)")
BEAT = b"NATS/1.0 100 Idle Heartbeat\r\n"

Check = Callable[[Message], str]


class Divergence(AssertionError):
    """The server did not do what the model predicts."""


@dataclass(slots=True)
class Step:
    """One command: what is sent, and what must come back besides the deliveries."""

    text: str
    wire: bytearray = field(default_factory=bytearray)
    answers: dict[str, Check] = field(default_factory=dict)
    look_at: set[tuple[str, str]] = field(default_factory=set)  # consumers whose info must agree
    streams: set[str] = field(default_factory=set)


class Session:
    """A connection to `server` beside a `world`."""

    def __init__(self, server: ServerProcess, world: World, patience_s: float = PATIENCE_S) -> None:
        self.server = server
        self.world = world
        self.patience_s = patience_s
        self.client = Client(server.port, name="model")
        self.targets: dict[str, int] = {}  # sid of each subject listened on
        self.seen: dict[str, list[Sent]] = {}  # what came and was not predicted yet
        self.answered: dict[str, Message] = {}
        self.replies = 0
        self.moved_s = 0.0  # when something may have happened last
        self.pins: dict[str, str] = {}  # what stands for ids that the server made up
        self.beats: dict[str, int] = {}  # heartbeats so far, by inbox

    def close(self) -> None:
        self.client.close()

    def reconnect(self) -> None:
        self.client.close()
        self.client = Client(self.server.port, name="model")
        self.targets.clear()
        self.seen.clear()

    def delete_all_streams(self) -> None:
        """Makes the server as empty as the model."""
        found = self.client.request("$JS.API.STREAM.NAMES")
        assert found is not None
        for name in json.loads(found.payload)["streams"] or []:
            if name != "LASTING":
                self.client.request(f"$JS.API.STREAM.DELETE.{name}")

    def make_lasting_stream(self) -> None:
        """The reference fails now and then to create a stream while it removes the only other."""
        body = json.dumps({"name": "LASTING", "subjects": ["lasting"]}).encode()
        self.client.request("$JS.API.STREAM.CREATE.LASTING", body)

    # What steps are made of.

    def inbox(self) -> str:
        """A new reply subject."""
        self.replies += 1
        return f"{INBOX}.{self.replies}"

    def listen(self, subject: str, queue: str = "") -> None:
        self.targets[subject] = self.client.subscribe(subject, queue)

    def unlisten(self, subject: str) -> None:
        self.client.unsubscribe(self.targets.pop(subject))

    def publish(self, step: Step, subject: str, payload: bytes, headers: bytes, reply: str) -> None:
        target = f"{subject} {reply} " if reply else f"{subject} "
        size = len(headers) + len(payload)
        verb = f"HPUB {target}{len(headers)} {size}" if headers else f"PUB {target}{size}"
        step.wire += verb.encode() + b"\r\n" + headers + payload + b"\r\n"

    def api(self, step: Step, subject: str, body: Any, check: Check) -> None:
        payload = b"" if body is None else json.dumps(body).encode()
        self.ask(step, f"$JS.API.{subject}", payload, check)

    def ask(
        self, step: Step, subject: str, payload: bytes, check: Check, headers: bytes = b""
    ) -> None:
        reply = self.inbox()
        step.answers[reply] = check
        self.publish(step, subject, payload, headers, reply)

    # Comparing.

    def play(self, step: Step) -> None:
        """Sends a step and waits until all that is predicted has come."""
        self.client.publish_raw(bytes(step.wire))
        deadline = Deadline(self.patience_s)
        while not self._complete(step):
            if deadline.passed:
                raise Divergence(self._missing(step))
            self._read(deadline)
        self.moved_s = monotonic()
        self._agree(step, deadline)

    def let_rest(self, seconds: float) -> None:
        """Returns when all that has happened is at least so old; nothing else may happen."""
        rest = Deadline(max(0.0, self.moved_s + seconds - monotonic()))
        while not rest.passed:
            self._read(rest)
        self._complete(Step("rest"))

    def _read(self, deadline: Deadline) -> None:
        self.client.read_once(deadline)
        for subject, sid in self.targets.items():
            for message in self.client.taken(sid):
                if message.headers.startswith(BEAT):
                    self.beats[subject] = self.beats.get(subject, 0) + 1
                else:
                    self.seen.setdefault(subject, []).append(self._normal(message))
        for message in self.client.taken():
            self.answered[message.subject] = message

    def _normal(self, message: Message) -> Sent:
        """Without what cannot be predicted: the time in ack subjects, which is remembered."""
        reply, pending, headers = message.reply, 0, message.headers
        tokens = reply.split(".")
        if len(tokens) == ACK_TOKENS and reply.startswith("$JS.ACK."):
            stream, seq, time = tokens[2], int(tokens[5]), tokens[TIME_TOKEN]
            known = self.world.times.get(stream, {}).setdefault(seq, time)
            if known != time:
                raise Divergence(f"{stream} {seq} has the time {time}, and had {known}")
            tokens[TIME_TOKEN] = TIME
            pending = int(tokens.pop())
            reply = ".".join(tokens)
            if (found := PIN.search(headers)) is not None:
                label = self._pin_of(stream, tokens[3], found[1].decode())
                headers = headers[: found.start(1)] + label.encode() + headers[found.end(1) :]
        return Sent(message.subject, reply, headers, message.payload, (pending, pending))

    def _pin_of(self, stream: str, consumer: str, pin: str) -> str:
        """What stands for an id of a pinned client."""
        if pin and pin not in self.pins:
            count = sum(known.startswith(f"#{stream}.{consumer}.") for known in self.pins.values())
            self.pins[pin] = pin_label(stream, consumer, count + 1)
        return self.pins.get(pin, "")

    def pin(self, label: str) -> str:
        """The id that it stands for; anything else where there is none."""
        return next((pin for pin, known in self.pins.items() if known == label), "nobody")

    def _complete(self, step: Step) -> bool:
        """Whether everything is there; raises when something else came instead."""
        for reply in [reply for reply in step.answers if reply in self.answered]:
            wrong = step.answers.pop(reply)(self.answered.pop(reply))
            if wrong:
                raise Divergence(wrong)
        for target, seen in list(self.seen.items()):
            predicted = self.world.sent.get(target, [])
            count = min(len(seen), len(predicted))
            for had, wanted in zip(seen, predicted, strict=False):
                if not had.is_like(wanted):
                    raise Divergence(f"{target}:\n  got    {had}\n  wanted {wanted}")
            if len(seen) > len(predicted):
                raise Divergence(f"{target}: nothing predicted, got {seen[count]}")
            del seen[:], predicted[:count]
        self.seen.clear()
        for target in [target for target, sent in self.world.sent.items() if not sent]:
            del self.world.sent[target]
        return not self.world.sent and not step.answers

    def _missing(self, step: Step) -> str:
        lines = [f"{target}: wanted {sent[0]}" for target, sent in self.world.sent.items()]
        return "\n".join(["missing:", *lines, *(f"an answer on {reply}" for reply in step.answers)])

    # Counts.

    def _agree(self, step: Step, deadline: Deadline) -> None:
        """Asks for counts until they are the model's: some change a moment later."""
        while True:
            wrong = self._differences(step)
            if not wrong:
                return
            if deadline.passed:
                raise Divergence("\n".join(wrong))

    def _differences(self, step: Step) -> list[str]:
        wrong: list[str] = []
        deadline = Deadline(self.patience_s)

        def noting(check: Check) -> Check:
            def note(message: Message) -> str:
                wrong.extend(filter(None, [check(message)]))
                return ""

            return note

        look = Step("info")
        world = self.world
        for stream, name in sorted(step.look_at):
            served = world.consumers.get(stream, {}).get(name)
            if served is not None:
                check = consumer_check(stream, served)
                self.api(look, f"CONSUMER.INFO.{stream}.{name}", None, noting(check))
        for stream in sorted(step.streams & set(world.streams)):
            check = stream_check(world, stream)
            self.api(look, f"STREAM.INFO.{stream}", None, noting(check))
        self.client.publish_raw(bytes(look.wire))
        while not self._complete(look):
            if deadline.passed:
                raise Divergence(self._missing(look))
            self._read(deadline)
        return wrong


def answer_of(message: Message) -> dict[str, Any]:
    """What the API says; an error also where nobody answers."""
    if not message.payload:
        return {"error": {"err_code": message.status}}
    found: dict[str, Any] = json.loads(message.payload)
    return found


def differences(what: str, given: dict[str, Any], wanted: dict[str, Any]) -> str:
    lines = [
        f"{key}: got {given.get(key)!r}, wanted {value!r}"
        for key, value in wanted.items()
        if given.get(key) != value
    ]
    return f"{what}: " + "; ".join(lines) if lines else ""


def consumer_check(stream: str, served: Served, more: dict[str, Any] | None = None) -> Check:
    """Compares an answer with the counts of a consumer, as they are now."""
    state = served.state
    wanted = {
        "delivered": state.deliveries,
        "delivered to": True,
        "floor": True,
        "num_ack_pending": len(state.out),
        "num_redelivered": True,
        "num_waiting": len(served.waiting.pulls),
        "num_pending": state.num_pending,
        "push_bound": served.bound,
        "paused": served.paused,
        **(more or {}),
    }
    name = f"{stream}/{served.config.name}"
    reached = (state.reached, max(state.reached, state.seen_to))
    floor = (state.floor, state.settled_to)
    fewest, most = state.num_redelivered

    def check(message: Message) -> str:
        answer = answer_of(message)
        if "error" in answer:
            return f"{name}: {answer['error']}"
        delivered, settled = answer["delivered"], answer["ack_floor"]
        answer["delivered"] = delivered["consumer_seq"]
        here, again = delivered["stream_seq"], answer["num_redelivered"]
        answer["num_redelivered"] = fewest <= again <= most or (again, fewest, most)
        answer["delivered to"] = reached[0] <= here <= reached[1] or (here, *reached)
        at = Place(settled["consumer_seq"], settled["stream_seq"])
        inside = all(
            low <= value <= high for low, value, high in zip(floor[0], at, floor[1], strict=True)
        )
        answer["floor"] = inside or (tuple(at), *map(tuple, floor))
        answer.setdefault("push_bound", False)
        answer.setdefault("paused", False)
        return differences(name, answer, wanted)

    return check


def stream_check(world: World, name: str) -> Check:
    stream = world.streams[name]
    wanted = {
        "messages": len(stream.messages),
        "bytes": stream.size,
        "first_seq": stream.first_seq,
        "last_seq": stream.last_seq,
        "consumer_count": len(world.consumers[name]),
        "num_subjects": len({message.subject for message in stream.messages.values()}),
    }

    def check(message: Message) -> str:
        answer = answer_of(message)
        if "state" not in answer:
            return f"{name}: {answer}"
        state = {"num_subjects": 0, **answer["state"]}
        if not state["last_seq"]:
            state["first_seq"] = 0  # of a stream that nothing was stored in, some say 1
        return differences(name, state, wanted)

    return check


def field_check(what: str, **wanted: Any) -> Check:
    """An answer with these fields."""

    def check(message: Message) -> str:
        answer = answer_of(message)
        if "error" in answer and "error" not in wanted:
            return f"{what}: {answer['error']}"
        if "error" in answer:
            answer["error"] = answer["error"]["err_code"]
        return differences(what, answer, wanted)

    return check


def empty_check(what: str) -> Check:
    """An answer without content, as acks get."""

    def check(message: Message) -> str:
        return f"{what}: {message}" if message.headers or message.payload else ""

    return check
