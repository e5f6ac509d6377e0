"""Scenarios in which claims of accounts change while their users are connected, as scripts: what
tests/support/stage.py has, and

    push NAME           the token of that name, to the server's resolver, and its answer
    ask VERB NAME       the same for another of the requests of claims
    lookup ACCOUNT      which token the server has of an account
    list                accounts that it has
    gone a              waits until the server has closed that connection, before what the line
                        above has caused is written down
    hears a 2           the same, until two messages have come

Keys are written as they are shown: `<account A>` is that of account A, `<user a>` that of the user
who connects as client a. `<now+2>` is a time in two seconds, `<clock+2>` the same as the clock of
Greenwich shows it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pynats_common.nkeys import KeyPair

from tests.conformance.jwt.tokens import (
    ISSUED,
    UNLIMITED,
    Claims,
    account,
    account_key,
    activation,
    chunk,
    named,
    operator_key,
    signed,
    token,
    user,
    user_key,
)
from tests.conformance.jwt.world import SYS
from tests.support.deadline import PATIENCE_S, Deadline
from tests.support.process import ServerProcess
from tests.support.raw import RawClient
from tests.support.stage import Stage
from tests.support.transcript import parse_transcript

_MEANT = re.compile(r"<(account|user|operator|token) ([^<>]*)>")
_MADE = {"account": account_key, "user": user_key, "operator": operator_key}
_GONE = re.compile(r"\s*\n\s*(gone|hears) ")
_VARIES = (
    (re.compile(r'"expires": \d+'), '"expires": "<ns>"'),
    (re.compile(r"\bN[A-Z2-7]{55}\b"), "<server>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
)
_CLOCK = re.compile(r"<clock([+-]\d+)>")
_SOON = re.compile(r'"<now([+-]\d+)>"')


def _clock(seconds: int) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(time.time() + seconds))


@dataclass(frozen=True, slots=True)
class Account:
    """Claims to be pushed, with these limits and other fields of the `nats` object; `top` are
    claims beside it, `by` is who signs: a key, or text that is the token itself."""

    name: str = "A"
    limits: Mapping[str, Any] = field(default_factory=dict)
    top: Mapping[str, Any] = field(default_factory=dict)
    by: str = "<operator operator>"
    body: Mapping[str, Any] = field(default_factory=dict)

    def claims(self, scenario: str) -> Claims:
        limits = {**UNLIMITED, **self.limits}
        made = account(f"{scenario}/{self.name}", limits=limits, **self.body)
        return {**made, "name": self.name, "iss": self.by, **self.top}


def acc(name: str = "A", limits: Mapping[str, Any] | None = None, **body: Any) -> Account:
    """An account's claims; `by` and `top` are of the token, others of its body."""
    own = {key: body.pop(key) for key in ("by", "top") if key in body}
    return Account(name, limits or {}, body=body, **own)


@dataclass(frozen=True, slots=True)
class User:
    """A user of account `of`, by a key of that account or of its signing key `by`."""

    of: str = "A"
    by: str = ""
    top: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def claims(self, scenario: str, name: str) -> Claims:
        named = self.by or self.of
        issuer = SYS if named == "SYS" else account_key(f"{scenario}/{named}")
        body = {"issuer_account": f"<account {self.of}>"} if self.by else {}
        made = user(f"{scenario}/{name}", issuer, **body | dict(self.body))
        return {**made, "name": name, **self.top}


def usr(of: str = "A", by: str = "", top: Mapping[str, Any] | None = None, **body: Any) -> User:
    return User(of, by, top or {}, body)


@dataclass(frozen=True, slots=True)
class Activation:
    """The right of account `to` to import from the account that signs."""

    subject: str
    kind: str = "stream"
    to: str = "B"
    by: str = "A"
    top: Mapping[str, Any] = field(default_factory=dict)

    def claims(self, scenario: str) -> Claims:
        issuer = account_key(f"{scenario}/{self.by}")
        made = activation(f"{scenario}/{self.to}", issuer, self.subject, self.kind)
        return {**made, **self.top}


@dataclass(frozen=True, slots=True)
class Deletion:
    """A request to delete accounts, signed by the operator."""

    accounts: Any
    by: str = "<operator operator>"
    top: Mapping[str, Any] = field(default_factory=dict)

    def claims(self, scenario: str) -> Claims:
        body = {} if self.accounts is None else {"accounts": self.accounts}
        return {"jti": "JTI", "iat": ISSUED, "iss": self.by, "sub": self.by, "nats": body,
                **self.top}  # fmt: skip


Token = Account | Activation | Deletion | str


@dataclass(frozen=True, slots=True)
class Live:
    """A script, what it pushes, and the users who connect by the names of their clients."""

    name: str
    script: str
    tokens: Mapping[str, Token] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    server: str = "full"
    others: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def filled(self, claims: Claims) -> str:
        """The token of claims in which keys, tokens and times have names."""
        text = _MEANT.sub(self._meant, json.dumps(claims))
        text = _SOON.sub(lambda soon: str(int(time.time()) + int(soon[1])), text)
        text = _CLOCK.sub(lambda soon: _clock(int(soon[1])), text)
        return signed(json.loads(text))

    def _meant(self, found: re.Match[str]) -> str:
        kind, name = found.groups()
        if kind == "token":
            return self.token(name)
        shared = kind == "operator" or name == "SYS"
        return _MADE[kind](name if shared else f"{self.name}/{name}").public_key

    def token(self, name: str) -> str:
        meant = self.tokens[name]
        return meant if isinstance(meant, str) else self.filled(meant.claims(self.name))

    def user_token(self, name: str) -> tuple[str, KeyPair]:
        meant = self.users.get(name) or User()
        return self.filled(meant.claims(self.name, name)), user_key(f"{self.name}/{name}")

    def account_key(self, name: str) -> str:
        return SYS.public_key if name == "SYS" else account_key(f"{self.name}/{name}").public_key

    def shown(self, text: str) -> str:
        """With names for keys."""
        return named(text).replace(f"{self.name}/", "")


def login(client: RawClient, jwt: str, key: KeyPair, **options: Any) -> None:
    """Greets and waits for what the server says to it."""
    nonce = json.loads(client.read_info().removeprefix(b"INFO "))["nonce"]
    fields = {"jwt": jwt, "sig": chunk(key.sign(nonce.encode()))} | options
    client.send(b"CONNECT " + json.dumps(fields).encode() + b"\r\n")
    client.fence()


class System:
    """A user of the system account who asks."""

    def __init__(self, port: int) -> None:
        self._client = RawClient(port)
        self._asked = 0
        key = user_key("sys")
        jwt = token(user("sys", SYS), SYS)
        login(self._client, jwt, key, verbose=False, headers=True, no_responders=True)
        self._client.send(b"SUB _ASKED.> 1\r\n")

    def close(self) -> None:
        self._client.close()

    def request(
        self, subject: str, payload: str = "", patience_s: float = PATIENCE_S
    ) -> str | None:
        """The answer: None if there is none in time, "503" if nobody is there."""
        self._asked += 1
        inbox = f"_ASKED.{self._asked}"
        data = payload.encode()
        self._client.send(f"PUB {subject} {inbox} {len(data)}\r\n".encode() + data + b"\r\n")
        deadline = Deadline(patience_s)
        while not deadline.passed:
            for item in parse_transcript(bytes(self._client.received), self._client.port):
                if not isinstance(item, str) or f" {inbox} " not in item.partition(" | ")[0]:
                    continue
                head, _, text = item.partition(" | ")
                if not text.endswith("\\r\\n"):
                    continue  # not all of it is there
                if head.startswith("HMSG"):
                    return text[9:12]
                text = text.removesuffix("\\r\\n")
                return text.encode("ascii").decode("unicode_escape")
            self._client.read_some(deadline.remaining())
        return None


class ClaimStage(Stage):
    """One run of such a script against one server."""

    def __init__(self, server: ServerProcess, scenario: Live) -> None:
        super().__init__(server.port, server.reload)
        self._live = scenario
        self._system = System(server.port)

    def __exit__(self, *details: object) -> None:
        self._system.close()
        super().__exit__(*details)

    def _act(self, who: str, rest: str) -> None:
        live = self._live
        if who in ("push", "ask"):
            verb, name = ("UPDATE", rest) if who == "push" else rest.split(" ", 1)
            self._answered(self._system.request(f"$SYS.REQ.CLAIMS.{verb}", live.token(name)))
        elif who == "lookup":
            subject = f"$SYS.REQ.ACCOUNT.{live.account_key(rest)}.CLAIMS.LOOKUP"
            text = self._system.request(subject)
            names = [name for name in live.tokens if text and live.token(name) == text]
            self._answered(names[0] if names else text)
        elif who == "list":
            answer = json.loads(self._system.request("$SYS.REQ.CLAIMS.LIST") or "{}")
            mine = sorted(live.shown(key) for key in answer["data"])
            self.told.append(f"= {[key for key in mine if key in self._names_of_accounts()]}")
        elif who == "gone":
            client = self._clients[rest]
            if not client.read_to_end():
                self.told.append(f"{rest} stays")
        elif who == "hears":
            client, count = rest.split()
            self.await_messages(client, int(count))
        else:
            super()._act(who, rest)

    def _names_of_accounts(self) -> set[str]:
        tokens = self._live.tokens.values()
        return {f"<account {each.name}>" for each in tokens if isinstance(each, Account)}

    def _answered(self, text: str | None) -> None:
        try:
            answer = json.loads(text or "")
            answer.pop("server", None)
            text = json.dumps(answer)
        except (ValueError, AttributeError):
            pass
        self.told.append(f"= {text if text is None else self._live.shown(text)}")

    def _connect(self, client: RawClient, who: str, options: dict[str, Any]) -> None:
        jwt, key = self._live.user_token(who.rstrip("0123456789"))
        login(client, jwt, key, **{"verbose": False, "headers": True, "name": who} | options)

    def _open(self, who: str, options: dict[str, Any]) -> RawClient:
        """What is said to who comes in is told, too."""
        client = super()._open(who, options)
        self._seen[who] = 0
        return client

    def masked(self, item: str) -> str:
        text = super().masked(item)
        for pattern, instead in _VARIES:
            text = pattern.sub(instead, text)
        return self._live.shown(text)


def play(server: ServerProcess, scenario: Live) -> list[str]:
    """What came of it."""
    with ClaimStage(server, scenario) as stage:
        script = _GONE.sub(r" && \1 ", scenario.script)
        return stage.play(replace(scenario, script=script))  # type: ignore[arg-type]
