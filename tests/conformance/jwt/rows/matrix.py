"""Every claim of a user and of an account, with values that it should not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tests.conformance.jwt.login import Login, of_claims
from tests.conformance.jwt.tokens import (
    MISSING,
    Claims,
    account,
    account_key,
    changed,
    user,
)
from tests.conformance.jwt.world import A

# What a claim is made: everything that JSON has, and what is at its edges.
VALUES: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "false": False,
    "true": True,
    "0": 0,
    "1": 1,
    "-1": -1,
    "-2": -2,
    "1.5": 1.5,
    "2**31": 2**31,
    "2**40": 2**40,
    "2**63-1": 2**63 - 1,
    "2**63": 2**63,
    "empty text": "",
    "text": "a.b",
    "empty list": [],
    "texts": ["a.b"],
    "numbers": [1],
    "nulls": [None],
    "lists": [["a.b"]],
    "empty object": {},
    "object": {"a": "b"},
}
# No subscription at all: who is allowed none is sent away soon after it has come in.
NO_SUBS = ("missing", "null", "0", "-2")
FEW = ("missing", "null", "false", "1", "text", "empty list", "texts", "empty object", "object")

USER_PATHS = {
    **dict.fromkeys(("name", "aud", "jti", "iss", "sub", "exp", "nbf", "iat"), FEW),
    **dict.fromkeys(("nats", "nats.type", "nats.version"), tuple(VALUES)),
    **dict.fromkeys(("nats.pub", "nats.sub", "nats.resp", "nats.src", "nats.times"), FEW),
    **dict.fromkeys((
        "nats.pub.allow", "nats.pub.deny", "nats.sub.allow", "nats.sub.deny",
        "nats.times_location", "nats.bearer_token", "nats.proxy_required",
        "nats.allowed_connection_types", "nats.issuer_account", "nats.tags",
    ), (*FEW, "numbers", "nulls", "lists")),
    **dict.fromkeys(("nats.subs", "nats.data", "nats.payload"), tuple(VALUES)),
    **dict.fromkeys(("nats.resp.max", "nats.resp.ttl"), tuple(VALUES)),
}  # fmt: skip
ACCOUNT_PATHS = {
    **dict.fromkeys(("name", "iss", "sub", "exp", "nbf", "iat"), FEW),
    **dict.fromkeys(("nats", "nats.type", "nats.version"), tuple(VALUES)),
    **dict.fromkeys((
        "nats.limits", "nats.imports", "nats.exports", "nats.signing_keys", "nats.revocations",
        "nats.default_permissions", "nats.mappings", "nats.authorization", "nats.trace",
        "nats.cluster_traffic", "nats.description", "nats.info_url", "nats.tags",
    ), (*FEW, "numbers", "nulls", "lists")),
    **dict.fromkeys((
        "nats.limits.subs", "nats.limits.data", "nats.limits.payload", "nats.limits.conn",
        "nats.limits.leaf", "nats.limits.imports", "nats.limits.exports",
    ), tuple(VALUES)),
    **dict.fromkeys((
        "nats.limits.wildcards", "nats.limits.disallow_bearer", "nats.limits.mem_storage",
        "nats.limits.disk_storage", "nats.limits.streams", "nats.limits.consumer",
        "nats.limits.tiered_limits",
    ), FEW),
}  # fmt: skip
TALK = ("SUB a.> 1", "SUB a.q q 2", "PUB a.b | hi", "PUB a.b | ", "PUB other | hello")


_NO_CONNECTIONS = "-ERR 'maximum account active connections exceeded'"
_NO_SUBSCRIPTIONS = "-ERR 'maximum subscriptions exceeded'"


@dataclass(frozen=True, slots=True)
class Column:
    """One claim, and a log-in for each of its values."""

    name: str
    path: str
    logins: tuple[tuple[str, Login], ...]

    def told(self, play: Callable[[Login], list[str]]) -> list[dict[str, Any]]:
        """The answers, each with the values that have it."""
        by_answer: dict[tuple[str, ...], list[str]] = {}
        for value, case in self.logins:
            answer = [line.replace(f"{self.path} {value}", self.path) for line in play(case)]
            if self.path == "nats.limits" and _NO_CONNECTIONS in answer:
                # No subscriptions either, of which the real server may speak, too.
                answer = [line for line in answer if line != _NO_SUBSCRIPTIONS]
            by_answer.setdefault(tuple(answer), []).append(value)
        return [
            {"values": ", ".join(values), "told": list(answer)}
            for answer, values in by_answer.items()
        ]

    def __str__(self) -> str:
        return self.name


def of_users() -> list[Column]:
    def logins(path: str, names: tuple[str, ...]) -> Iterator[tuple[str, Login]]:
        for name in names:
            claims = changed(user("u", A), path, VALUES[name])
            none = path == "nats.subs" and name in NO_SUBS
            case = of_claims(name, claims, sign=None, talk=TALK, ends=none)
            yield name, case

    return [
        Column(f"user: {path}", path, tuple(logins(path, names)))
        for path, names in USER_PATHS.items()
    ]


def _account(path: str, name: str) -> Claims:
    return changed(account(f"{path} {name}"), path, VALUES[name])


def odd_accounts() -> Iterator[tuple[str, Claims]]:
    """Claims of accounts by the name of their file, all signed by the operator."""
    for path, names in ACCOUNT_PATHS.items():
        for name in names:
            key = account_key(f"{path} {name}").public_key
            yield f"{key}.jwt", _account(path, name)


def of_accounts() -> list[Column]:
    def logins(path: str, names: tuple[str, ...]) -> Iterator[tuple[str, Login]]:
        for name in names:
            key = account_key(f"{path} {name}")
            none = path == "nats.limits.subs" and name in NO_SUBS
            yield name, of_claims(name, user("u", key), key, sign=None, talk=TALK, ends=none)

    return [
        Column(f"account: {path}", path, tuple(logins(path, names)))
        for path, names in ACCOUNT_PATHS.items()
    ]


def without(answers: list[dict[str, Any]], values: Collection[str]) -> list[dict[str, Any]]:
    """Answers, but not to these values."""
    kept = []
    for each in answers:
        names = [name for name in each["values"].split(", ") if name not in values]
        if names:
            kept.append({"values": ", ".join(names), "told": each["told"]})
    return kept
