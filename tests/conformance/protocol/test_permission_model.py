"""Random allow, deny and queue permissions against an oracle that is too simple to be wrong.

CVE-2022-29946, GHSA-wh7g and GHSA-jx8g: deny rules were lost for wildcard, overlapping and queue
subscriptions. Every user of a random configuration tries every publish and a random set of
subscriptions; what is refused and what is delivered must be what the oracle says.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.process import REFERENCE, ServerProcess
from tests.support.raw import RawClient

USERS_PER_SERVER = 40
SUBSCRIPTIONS_PER_USER = 10
_TOKENS = ("a", "b")
LITERALS = [
    ".".join(words) for size in (1, 2, 3) for words in itertools.product(_TOKENS, repeat=size)
]
_PATTERNS = [
    *LITERALS, "*", ">", "a.*", "*.a", "b.>", "a.>", "*.*", "*.b.*", "a.*.b", "*.>", "*.*.a",
    "a.b.>", "*.a.>", "b.*.*",
]  # fmt: skip
_QUEUES = ("v1", "v2", "v1.x", "w.y")
_QUEUE_PATTERNS = ("v1", "v1.*", "*.x", ">", "*", "w.>")


@dataclass(frozen=True)
class Entry:
    """One line of a permission list: a subject pattern, perhaps only for some queue groups."""

    subject: str
    queue: str | None = None

    def text(self) -> str:
        return f"{self.subject} {self.queue}" if self.queue else self.subject


@dataclass(frozen=True)
class User:
    name: str
    pub_allow: list[Entry] | None
    pub_deny: list[Entry]
    sub_allow: list[Entry] | None
    sub_deny: list[Entry]

    def config(self) -> str:
        return (
            f"{{ user: {self.name}, password: p, permissions: {{\n"
            f"  publish: {_block(self.pub_allow, self.pub_deny)}\n"
            f"  subscribe: {_block(self.sub_allow, self.sub_deny)} }} }}\n"
        )


def _block(allow: list[Entry] | None, deny: list[Entry]) -> str:
    def shown(entries: list[Entry]) -> str:
        return "[" + ", ".join(f'"{entry.text()}"' for entry in entries) + "]"

    parts = [] if allow is None else [f"allow: {shown(allow)}"]
    return "{ " + ", ".join([*parts, f"deny: {shown(deny)}"]) + " }"


def covers(wide: str, narrow: str) -> bool:
    """Every subject that `narrow` (literal or pattern) can match is matched by `wide`."""
    outer, inner = wide.split("."), narrow.split(".")
    for index, token in enumerate(outer):
        if token == ">":
            return len(inner) > index
        if index >= len(inner) or inner[index] == ">":
            return False
        if token != "*" and token != inner[index]:
            return False
    return len(outer) == len(inner)


def denies(rule: str, subject: str) -> bool:
    """A rule that denies is compared with the text of a pattern: "*" stands for ">", too."""
    return covers(rule, subject.replace(">", "*"))


def may_publish(user: User, subject: str) -> bool:
    allowed = user.pub_allow is None or any(covers(e.subject, subject) for e in user.pub_allow)
    return allowed and not any(covers(e.subject, subject) for e in user.pub_deny)


def may_subscribe(user: User, subject: str, queue: str | None) -> bool:
    if user.sub_allow is not None and not _allows(user.sub_allow, subject, queue):
        return False
    return not any(
        denies(entry.subject, subject) and _queue_fits(entry, queue) for entry in user.sub_deny
    )


def _allows(entries: list[Entry], subject: str, queue: str | None) -> bool:
    """Where the list names groups for the subject, only those groups may be joined; an entry
    without a group then stands for plain subscriptions alone."""
    matching = [entry for entry in entries if covers(entry.subject, subject)]
    if queue is not None and any(entry.queue for entry in matching):
        matching = [entry for entry in matching if entry.queue]
    return any(_queue_fits(entry, queue) for entry in matching)


def may_receive(user: User, subject: str, queue: str | None) -> bool:
    return not any(covers(e.subject, subject) and _queue_fits(e, queue) for e in user.sub_deny)


def _queue_fits(entry: Entry, queue: str | None) -> bool:
    return entry.queue is None or (queue is not None and covers(entry.queue, queue))


def _random_user(rng: random.Random, number: int) -> User:
    def entries(most: int, queues: bool) -> list[Entry]:
        return [
            Entry(
                rng.choice(_PATTERNS),
                rng.choice(_QUEUE_PATTERNS) if queues and rng.random() < 0.35 else None,
            )
            for _ in range(rng.randint(1, most))
        ]

    return User(
        f"u{number}",
        entries(4, False) if rng.random() < 0.5 else None,
        entries(3, False),
        entries(4, True) if rng.random() < 0.5 else None,
        entries(3, True),
    )


@pytest.mark.parametrize("seed", range(6))
def test_permissions_follow_the_model(seed: int, kind_under_test: str, tmp_path: Path) -> None:
    _check(kind_under_test, seed, tmp_path)


@pytest.mark.reference
def test_the_reference_follows_the_model_too(tmp_path: Path) -> None:
    """A wrong oracle would show here."""
    _check(REFERENCE, 1, tmp_path)


def _check(kind: str, seed: int, folder: Path) -> None:
    rng = random.Random(seed)
    users = [_random_user(rng, number) for number in range(USERS_PER_SERVER)]
    config = "authorization { users = [ { user: free, password: p }\n"
    config += "".join(user.config() for user in users) + "] }\n"
    with ServerProcess(kind, folder, config) as server:
        with _login(server.port, "free") as free:
            for user in users:
                with _login(server.port, user.name) as client:
                    _check_publishing(client, free, user)
                    for _ in range(SUBSCRIPTIONS_PER_USER):
                        subject = rng.choice(_PATTERNS)
                        queue = rng.choice(_QUEUES) if rng.random() < 0.5 else None
                        if kind == REFERENCE and ">" in subject:
                            # It takes `a.>` for covered by an allowed `a.*`
                            # (row permission-sub-wider-than-allow).
                            continue
                        _check_subscription(client, free, user, subject, queue)
        assert "Traceback" not in server.log()


def _login(port: int, user: str) -> RawClient:
    client = RawClient(port)
    client.read_info()
    client.send(
        b'CONNECT {"verbose":false,"pedantic":false,"user":"%s","pass":"p"}\r\n' % user.encode()
    )
    client.fence()
    assert not client.closed
    return client


def _publish_all(client: RawClient) -> None:
    client.send(b"".join(b"PUB %s 1\r\nx\r\n" % s.encode() for s in LITERALS))
    client.fence()


def _check_publishing(client: RawClient, free: RawClient, user: User) -> None:
    free.send(b"SUB > p\r\n")
    free.fence()
    seen = len(free.received)
    _publish_all(client)
    free.send(b"UNSUB p\r\n")
    free.fence()
    delivered = re.findall(rb"MSG (\S+) p 1\r\n", bytes(free.received[seen:]))
    expected = [s.encode() for s in LITERALS if may_publish(user, s)]
    assert delivered == expected, user.config()


def _check_subscription(
    client: RawClient, free: RawClient, user: User, subject: str, queue: str | None
) -> None:
    seen = len(client.received)
    client.send(b"SUB %s %s s\r\n" % (subject.encode(), (queue or "").encode()))
    client.fence()
    _publish_all(free)
    client.send(b"UNSUB s\r\n")
    client.fence()
    news = bytes(client.received[seen:])
    case = f"SUB {subject} {queue or ''}\n{user.config()}"
    allowed = may_subscribe(user, subject, queue)
    assert (b"-ERR 'Permissions Violation for Subscription" not in news) == allowed, case
    expected = [
        s.encode()
        for s in LITERALS
        if allowed and covers(subject, s) and may_receive(user, s, queue)
    ]
    assert re.findall(rb"MSG (\S+) s 1\r\n", news) == expected, case
