"""Requests about JWTs of accounts, in servers with each kind of resolver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pynats_common import jwt
from pynats_common.jwt import types as t

from tests.support.account_jwts import (
    OPERATOR,
    SIGNER,
    STRANGER,
    SYSTEM,
    SYSTEM_USER,
    account_token,
    deletion,
    key,
    operator_token,
    pair,
    user_token,
)

A, B, C = key("a"), key("b"), key("c")
UPDATE, LIST, PACK, DELETE = (
    f"$SYS.REQ.CLAIMS.{verb}" for verb in ("UPDATE", "LIST", "PACK", "DELETE")
)
HEADERS = {"Some": "thing"}


def of(account: str, verb: str) -> str:
    return f"$SYS.REQ.ACCOUNT.{account}.CLAIMS.{verb}"


@dataclass(frozen=True)
class Ask:
    """A request. `ours` is what only we say, and `why`."""

    name: str
    subject: str
    body: str | bytes = ""
    headers: dict[str, str] | None = None
    ours: list[Any] | None = None
    why: str = ""


@dataclass(frozen=True)
class Login:
    """A user of an account logs in, which loads the account."""

    account: str


@dataclass(frozen=True)
class Scene:
    """A server with this `resolver`, and what happens to it. `files` are there before."""

    name: str
    resolver: str
    steps: list[Ask | Login]
    preload: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def expired(claims: jwt.AccountClaims) -> None:
    claims.exp = 1


def nameless(claims: jwt.AccountClaims) -> None:
    claims.name = ""


def exports_twice(claims: jwt.AccountClaims) -> None:
    claims.nats.exports = [
        t.Export(name="x", subject="a.>", type="stream"),
        t.Export(name="y", subject="a.b", type="stream"),
    ]


def bad_activation(claims: jwt.AccountClaims) -> None:
    claims.nats.imports = [t.Import(name="x", subject="a", account=B, type="stream", token="junk")]


def bad_signing_key(claims: jwt.AccountClaims) -> None:
    claims.nats.signing_keys = ["foo"]


def refused(account: str, text: str) -> list[Any]:
    """How we refuse a push."""
    return [{"server": "server", "error": {"account": account, "code": 500, "description": text}}]


TOKEN, NEWER, NEWEST = account_token("a"), account_token("a", age=10), account_token("a", age=20)
PARTS = TOKEN.split(".")
BROKEN = [
    Ask("nothing", UPDATE),
    Ask("junk", UPDATE, "junk"),
    Ask("two parts", UPDATE, "a.b"),
    Ask("four parts", UPDATE, TOKEN + ".x"),
    Ask("bad signature", UPDATE, f"{PARTS[0]}.{PARTS[1]}.{'A' * 86}"),
    Ask("of a user", UPDATE, user_token(SYSTEM_USER, pair("a"))),
    Ask("of an operator", UPDATE, operator_token()),
]
OLDER_WHY = "an older claim would take back what its operator has changed since"
FOREIGN_WHY = "the account would be lost at the next start"
FOREIGN = "jwt update resulted in error - account validation failed"

SCENES = [
    Scene(
        "pushes",
        "{type: full, dir: '@D@/jwt'}",
        [
            Ask("list at first", LIST),
            *BROKEN,
            Ask("first", UPDATE, NEWER),
            Ask("same", UPDATE, NEWER),
            Ask("line end", UPDATE, NEWER + "\n"),
            Ask("older", UPDATE, TOKEN, why=OLDER_WHY,
                ours=refused("<a>", "jwt update resulted in error - a newer jwt is stored")),
            Ask("newer", UPDATE, NEWEST),
            Ask("with headers", UPDATE, NEWEST, HEADERS),
            Ask("signing key", UPDATE, account_token("b", signer=SIGNER)),
            Ask("foreign", UPDATE, account_token("c", signer=STRANGER),
                ours=refused("<c>", FOREIGN), why=FOREIGN_WHY),
            Ask("self-signed", UPDATE, account_token("d", signer=pair("d")),
                ours=refused("<d>", FOREIGN), why=FOREIGN_WHY),
            Ask("expired", UPDATE, account_token("e", change=expired)),
            Ask("nameless", UPDATE, account_token("f", change=nameless)),
            Ask("exports twice", UPDATE, account_token("a", age=30, change=exports_twice)),
            Ask("bad activation", UPDATE, account_token("a", age=30, change=bad_activation)),
            Ask("bad signing key", UPDATE, account_token("a", age=30, change=bad_signing_key)),
            Ask("by account", of(A, "UPDATE"), NEWEST),
            Ask("by account, in short", f"$SYS.ACCOUNT.{A}.CLAIMS.UPDATE", NEWEST),
            Ask("by another account", of(B, "UPDATE"), NEWEST),
            Ask("by no account", of("a/b", "UPDATE"), NEWEST),
            Ask("by account, nothing", of(A, "UPDATE")),
            Ask("look up", of(A, "LOOKUP")),
            Ask("look up with headers", of(A, "LOOKUP"), "x", HEADERS),
            Ask("look up the system account", of(SYSTEM.public_key, "LOOKUP")),
            Ask("look up nobody", of(key("nobody"), "LOOKUP")),
            Ask("look up no key", of("foo", "LOOKUP")),
            Ask("look up a lower case key", of(A.lower(), "LOOKUP")),
            Ask("look up a key with another end", of(A[:-1] + "A", "LOOKUP")),
        ],
    ),
    Scene(
        "exchange",
        "{type: full, dir: '@D@/jwt'}",
        [
            Ask("push a", UPDATE, TOKEN),
            Ask("push b", UPDATE, account_token("b")),
            Ask("list", LIST),
            Ask("list with headers", LIST, "{}", HEADERS),
            Ask("pack", PACK),
            Ask("pack with a body", PACK, "junk"),
            Ask("pack with a digest", PACK, b"\0" * 32),
            Ask("pack with headers", PACK, "", HEADERS),
            Ask("delete", DELETE, deletion([A])),
            Ask("delete as a stranger", DELETE, deletion([A], STRANGER)),
            Ask("list later", LIST),
        ],
    ),
    Scene(
        "deletions",
        "{type: full, dir: '@D@/jwt', allow_delete: true}",
        [
            Ask("push a", UPDATE, TOKEN),
            Ask("push b", UPDATE, account_token("b")),
            Ask("push c", UPDATE, account_token("c")),
            Ask("nothing", DELETE),
            Ask("junk", DELETE, "junk"),
            Ask("stranger", DELETE, deletion([A], STRANGER)),
            Ask("stranger for the operator", DELETE, deletion([A], STRANGER, OPERATOR)),
            Ask("signer for the operator", DELETE, deletion([A], SIGNER, OPERATOR)),
            Ask("account for the operator", DELETE, deletion([A], pair("a"), OPERATOR)),
            Ask("account", DELETE, deletion([A], pair("a"))),
            Ask("no list", DELETE, deletion(None)),
            Ask("text for a list", DELETE, deletion("x")),
            Ask("numbers", DELETE, deletion([1])),
            Ask("no keys", DELETE, deletion([A, "../x"])),
            Ask("jwt of an account", DELETE, TOKEN),
            Ask("jwt of an operator", DELETE, operator_token()),
            Ask("system account", DELETE, deletion([A, SYSTEM.public_key])),
            Ask("nobody", DELETE, deletion([])),
            Ask("unknown", DELETE, deletion([key("nobody")])),
            Ask("still there", LIST),
            Ask("expired request", DELETE, deletion([A], expires=1_700_000_001)),
            Ask("again", DELETE, deletion([A])),
            Ask("signing key", DELETE, deletion([B, key("nobody")], SIGNER)),
            Ask("with headers", DELETE, deletion([A]), HEADERS),
            Ask("list", LIST),
            Ask("look up", of(A, "LOOKUP")),
            Ask("push again", UPDATE, TOKEN),
            Ask("list again", LIST),
        ],
    ),
    Scene(
        "limit",
        "{type: full, dir: '@D@/jwt', limit: 2}",
        [
            Ask("push a", UPDATE, TOKEN),
            Ask("push b", UPDATE, account_token("b")),
            Ask("push a again", UPDATE, NEWER),
            Ask("list", LIST),
        ],
    ),
    Scene(
        "odd files",
        "{type: full, dir: '@D@/jwt', allow_delete: true}",
        [
            Ask("list", LIST),
            Ask("look up junk", of(B, "LOOKUP")),
            Ask("look up an empty file", of(C, "LOOKUP")),
            Ask("look up another account", of(key("d"), "LOOKUP")),
            Ask("push over junk", UPDATE, account_token("b")),
            Ask("push over nothing", UPDATE, account_token("c")),
            Ask("push over another account", UPDATE, account_token("d")),
            Ask("look up", of(B, "LOOKUP")),
        ],
        files={
            f"{A}.jwt": TOKEN,
            f"{B}.jwt": "junk",
            f"{C}.jwt": "",
            f"{key('d')}.jwt": TOKEN,
            "notanaccount.jwt": "x",
            "other.txt": "x",
            "old.jwt.deleted": "x",
        },
    ),
    Scene(
        "cache",
        "{type: cache, dir: '@D@/jwt'}",
        [
            Ask("list", LIST),
            Ask("pack", PACK),
            *[Ask(each.name, UPDATE, each.body) for each in BROKEN],
            Ask("push of an account that is not in use", UPDATE, account_token("b")),
            Ask("by account", of(B, "UPDATE"), account_token("b")),
            Ask("by another account", of(B, "UPDATE"), account_token("c")),
            Login("a"),
            Ask("push of an account in use", UPDATE, NEWER),
            Ask("look up", of(A, "LOOKUP")),
            Ask("list later", LIST),
            Ask("nothing to delete", DELETE),
            Ask("delete", DELETE, deletion([A])),
            Ask("list at last", LIST),
        ],
        preload={A: TOKEN},
    ),
    Scene(
        "memory",
        "MEMORY",
        [
            Ask("list", LIST),
            Ask("pack", PACK),
            Ask("delete", DELETE, deletion([A])),
            Ask("push", UPDATE, NEWER),
            Ask("look up", of(A, "LOOKUP")),
            Ask("of an account that is not in use", of(A, "UPDATE"), NEWER),
            Ask("of nobody", of(key("nobody"), "UPDATE"), account_token("nobody")),
            Login("a"),
            Ask("of an account in use", of(A, "UPDATE"), NEWER),
            Ask("in short", f"$SYS.ACCOUNT.{A}.CLAIMS.UPDATE", NEWER, HEADERS),
            Ask("older", of(A, "UPDATE"), TOKEN, why=OLDER_WHY,
                ours=refused("<a>", "jwt update resulted in error - a newer jwt is in use")),
            Ask("nothing", of(A, "UPDATE")),
            Ask("junk", of(A, "UPDATE"), "junk"),
            Ask("of another account", of(A, "UPDATE"), account_token("b")),
            Ask("foreign", of(A, "UPDATE"), account_token("a", age=30, signer=STRANGER)),
            Ask("exports twice", of(A, "UPDATE"), account_token("a", age=30, change=exports_twice)),
        ],
        preload={A: TOKEN},
    ),
]  # fmt: skip
