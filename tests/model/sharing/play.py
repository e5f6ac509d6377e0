"""Plays topologies: many messages at once, then answers to some of the requests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from tests.model.sharing.predict import Asker, Delivery, Model, Outcome
from tests.model.sharing.subjects import Subject, text, tokens
from tests.model.sharing.topology import AN_INBOX, Topology, a_subject
from tests.model.sharing.wire import Got, Talker

MADE_UP = "_R_"  # what reply subjects of the server begin with
ANSWERED = 0.1  # part of the requests


class Difference(AssertionError):
    """Something else has happened than the model says."""


@dataclass(slots=True)
class _Sent:
    client: int
    subject: Subject
    reply: Subject
    payload: str
    outcome: Outcome
    got: list[tuple[int, Got]] = field(default_factory=list)


class Play:
    """One topology in force on a server."""

    def __init__(self, port: int, topology: Topology, seed: str) -> None:
        self._topology = topology
        self._random = Random(seed)
        self._model = Model(topology)
        self._talkers = [Talker(port, each.user, each.echo) for each in topology.clients]
        self._number = 0
        self.messages = 0
        self.deliveries = 0
        self._subscribe()

    def close(self) -> None:
        for talker in self._talkers:
            talker.close()

    def _subscribe(self) -> None:
        for talker, client in zip(self._talkers, self._topology.clients, strict=True):
            for sub in client.subscriptions:
                talker.send(f"SUB {text(sub.pattern)} {sub.queue} {sub.sid}\r\n".encode())
            _, complaints = talker.fence()
            refused = sum(self._model.refuses(client, s.pattern) for s in client.subscriptions)
            if len(complaints) != refused:
                raise Difference(f"{client}: {refused} refusals expected, {complaints}")

    def follow(self, topology: Topology) -> None:
        """Other imports and mappings are in force, under the hands of the clients."""
        self._topology = topology
        self._model = Model(topology)
        for talker in self._talkers:
            talker.fence()

    def batch(self, count: int) -> None:
        sent = [self._plan() for _ in range(count)]
        self._exchange(sent)
        answers = [
            a for each in sent if self._random.random() < ANSWERED for a in self._answer(each)
        ]
        self._exchange(answers)

    def _plan(self) -> _Sent:
        client = self._random.randrange(len(self._talkers))
        subject = a_subject(self._random)
        self._number += 1
        reply = (
            (AN_INBOX[0], str(self._number), *AN_INBOX[2:]) if self._random.random() < 0.5 else ()
        )
        outcome = self._model.publish(client, subject, reply, False)
        return _Sent(client, subject, reply, str(self._number), outcome)

    def _answer(self, request: _Sent) -> list[_Sent]:
        """Up to two of one who got a request and knows its reply subject for sure."""
        known = {}
        for delivery in self._told(request):
            if delivery.reply[:1] == (MADE_UP,):
                real = _real_reply(request.got, delivery)
                if real:
                    known[real] = delivery
        if not known:
            return []
        real, delivery = self._random.choice(list(known.items()))
        answers = []
        for _ in range(self._random.choice((1, 2))):
            self._number += 1
            outcome = self._model.publish(delivery.client, delivery.reply, (), False)
            answers.append(_Sent(delivery.client, tokens(real), (), f"{self._number}", outcome))
        return answers

    @staticmethod
    def _told(request: _Sent) -> list[Delivery]:
        return [*request.outcome.sure, *(d for group in request.outcome.groups for d in group)]

    # -- on the wire -------------------------------------------------------------------------------

    def _exchange(self, sent: list[_Sent]) -> None:
        """One client after the other, so that the messages of all have one order."""
        by_payload = {each.payload: each for each in sent}
        complaints: list[list[str]] = [[] for _ in self._talkers]
        lines: dict[int, list[bytes]] = defaultdict(list)
        for each in sent:
            words = f"{text(each.subject)} {text(each.reply)} {len(each.payload)}"
            lines[each.client].append(f"PUB {words}\r\n{each.payload}\r\n".encode())
        for _ in range(2):
            for number, talker in enumerate(self._talkers):
                talker.send(b"".join(lines.pop(number, [])))
                messages, said = talker.fence()
                complaints[number] += said
                for got in messages:
                    by_payload[got.payload].got.append((number, got))
        self._check_denials(sent, complaints)
        for each in sent:
            self._check(each)
        self.messages += len(sent)

    def _check_denials(self, sent: list[_Sent], complaints: list[list[str]]) -> None:
        for number, said in enumerate(complaints):
            denied = [s.outcome.denied for s in sent if s.client == number and s.outcome.denied]
            wanted = [f'Permissions Violation for Publish to "{text(each)}"' for each in denied]
            if [s for s in said if MADE_UP not in s] != [w for w in wanted if MADE_UP not in w]:
                client = self._topology.clients[number]
                raise Difference(f"{client} wanted {wanted}, got {said}\n{self._topology.config()}")

    def _check(self, sent: _Sent) -> None:
        self.deliveries += len(sent.got)
        left = [_shape(client, got) for client, got in sent.got]
        for delivery in sent.outcome.sure:
            shape = _expected(delivery)
            if shape not in left:
                raise self._difference(sent, f"{delivery} is missing")
            left.remove(shape)
        groups = [[_expected(each) for each in group] for group in sent.outcome.groups]
        if not _fits(left, groups):
            raise self._difference(sent, f"groups {sent.outcome.groups} do not fit {left}")

    def _difference(self, sent: _Sent, why: str) -> Difference:
        client = self._topology.clients[sent.client]
        got = "\n".join(f"  {self._topology.clients[n].user} {g}" for n, g in sent.got)
        wanted = "\n".join(
            f"  {self._topology.clients[d.client].user} {d}" for d in sent.outcome.sure
        )
        return Difference(
            f"{client.user} publishes {text(sent.subject)} {text(sent.reply)}: {why}\n"
            f"wanted:\n{wanted}\nin groups: {sent.outcome.groups}\ngot:\n{got}\n"
            f"{self._topology.config()}\n" + "\n".join(map(str, self._topology.clients))
        )


_Shape = tuple[int, int, str, str, Asker | None]


def _shape(client: int, got: Got) -> _Shape:
    asker = None
    if got.asker is not None:
        asker = (str(got.asker["acc"]), str(got.asker.get("svc", "")), "user" in got.asker)
    return client, got.sid, _without_names(got.subject), _without_names(got.reply), asker


def _expected(delivery: Delivery) -> _Shape:
    subject, reply = _without_names(text(delivery.subject)), _without_names(text(delivery.reply))
    return delivery.client, delivery.sid, subject, reply, delivery.asker


def _without_names(subject: str) -> str:
    at = subject.find(MADE_UP)
    return subject if at < 0 else subject[:at] + MADE_UP


def _fits(left: list[_Shape], groups: list[list[_Shape]]) -> bool:
    """Whether what is left is one of each group."""
    if not groups:
        return not left
    for each in set(groups[0]):
        if each in left:
            rest = left.copy()
            rest.remove(each)
            if _fits(rest, groups[1:]):
                return True
    return False


def _real_reply(got: list[tuple[int, Got]], wanted: Delivery) -> str:
    """The reply subject of a delivery, where only one can be meant."""
    shape = _expected(wanted)
    found = {g.reply for client, g in got if _shape(client, g) == shape}
    return found.pop() if len(found) == 1 else ""
