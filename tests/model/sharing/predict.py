"""Who gets a message, under which subject, with which reply subject and who-asks header.

Reply subjects that a server makes up are `("_R_", name, name)`, with a name of the model's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from tests.model.sharing.subjects import Subject, matches
from tests.model.sharing.topology import Client, ServiceLink, Subscription, Topology

Asker: TypeAlias = tuple[
    str, str, bool
]  # account, account of the last import but the first, shared


@dataclass(frozen=True, slots=True)
class Delivery:
    client: int
    sid: int
    subject: Subject
    reply: Subject
    asker: Asker | None


@dataclass(slots=True)
class Outcome:
    """All of `sure`, and one of each of `groups`; or a denial."""

    denied: Subject = ()
    sure: list[Delivery] = field(default_factory=list)
    groups: list[list[Delivery]] = field(default_factory=list)


@dataclass(slots=True)
class Awaited:
    """Where an answer goes."""

    account: int
    reply: Subject
    kind: str


class Model:
    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._names = count()
        self.awaited: dict[tuple[int, Subject], Awaited] = {}  # by exporter and reply subject
        self._members: list[list[tuple[int, Client, Subscription]]] = [
            [] for _ in range(topology.accounts)
        ]
        for number, client in enumerate(topology.clients):
            for sub in client.subscriptions:
                if not self.refuses(client, sub.pattern):
                    self._members[client.account].append((number, client, sub))

    @staticmethod
    def refuses(client: Client, pattern: Subject) -> bool:
        """Whether the client may not subscribe at all."""
        return any(matches(denied, pattern) for denied in client.subscribe_deny)

    def publish(self, number: int, subject: Subject, reply: Subject, is_empty: bool) -> Outcome:
        client = self._topology.clients[number]
        outcome = Outcome()
        found = self._mapped(client.account, subject)
        if self._may_not(client, found or subject):
            outcome.denied = found or subject
            return outcome
        if found:
            _Walk(self, number, outcome, is_empty).route(client.account, found, reply, None, False)
        return outcome

    @staticmethod
    def _may_not(client: Client, subject: Subject) -> bool:
        return any(matches(denied, subject) for denied in client.publish_deny)

    def _mapped(self, account: int, subject: Subject) -> Subject:
        """Empty = lost."""
        for mapping in self._topology.mappings[account]:
            if matches(mapping.source, subject):
                return mapping.names.apply(subject) or () if mapping.names else ()
        return subject


class _Walk:
    """One message through the accounts."""

    def __init__(self, model: Model, source: int, outcome: Outcome, is_empty: bool) -> None:
        self._model = model
        self._topology = model._topology
        self._source = source
        self._outcome = outcome
        self._is_empty = is_empty
        self._inside: list[ServiceLink] = []

    def route(
        self, account: int, subject: Subject, reply: Subject, asker: Asker | None, requested: bool
    ) -> bool:
        """Whether anybody gets it."""
        groups: dict[str, list[Delivery]] = {}
        reached = self._offer(account, subject, reply, asker, groups)
        if not requested:
            for stream in self._topology.streams:
                if stream.exporter == account:
                    local = stream.names.apply(subject)
                    if local is not None:
                        reached |= self._offer(stream.importer, local, reply, asker, groups)
        self._outcome.groups += groups.values()
        reached |= bool(groups)
        for service in self._topology.services:
            if service.importer != account or service in self._inside:
                continue
            if not (self._inside and service.exporter == account):  # of itself: only its own
                reached |= self._request(service, subject, reply, asker)
        return self._answer(account, subject, reply, asker) or reached

    def _offer(
        self, account: int, subject: Subject, reply: Subject, asker: Asker | None,
        groups: dict[str, list[Delivery]],
    ) -> bool:  # fmt: skip
        reached = False
        for number, client, sub in self._model._members[account]:
            if not matches(sub.pattern, subject):
                continue
            if number == self._source and not client.echo:
                continue
            if any(matches(denied, subject) for denied in client.subscribe_deny):
                continue
            delivery = Delivery(number, sub.sid, subject, reply, asker)
            if sub.queue:
                groups.setdefault(sub.queue, []).append(delivery)
            else:
                self._outcome.sure.append(delivery)
                reached = True
        return reached

    def _request(
        self, service: ServiceLink, subject: Subject, reply: Subject, asker: Asker | None
    ) -> bool:
        remote = service.names.apply(subject)
        if remote is None:
            return False
        remote = self._model._mapped(service.exporter, remote)
        if not remote:
            return False
        own: Subject = ()
        if reply:
            name = f"?{next(self._model._names)}"
            own = ("_R_", name, name)
            self._model.awaited[service.exporter, own] = Awaited(
                service.importer, reply, service.kind
            )
        if self._inside:
            assert asker is not None
            told = (asker[0], f"A{service.importer}", asker[2])
        else:
            home = self._topology.clients[self._source].account
            told = (f"A{home}", "", service.share)
        self._inside.append(service)
        reached = self.route(service.exporter, remote, own, told, True)
        self._inside.pop()
        if not reached and reply:
            del self._model.awaited[service.exporter, own]
        return reached

    def _answer(self, account: int, subject: Subject, reply: Subject, asker: Asker | None) -> bool:
        awaited = self._model.awaited.get((account, subject))
        if awaited is None:
            return False
        if awaited.kind == "singleton" or self._is_empty:
            del self._model.awaited[account, subject]
        own: Subject = ()
        if reply:
            name = f"?{next(self._model._names)}"
            own = ("_R_", name, name)
            self._model.awaited[awaited.account, own] = Awaited(account, reply, awaited.kind)
        self.route(awaited.account, awaited.reply, own, asker, False)
        return True
