"""Who there is: an operator, its accounts, and servers that trust it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.conformance.jwt.tokens import (
    ISSUED,
    MISSING,
    UNLIMITED,
    Claims,
    account,
    account_key,
    operator,
    operator_key,
    signed,
    token,
    user,
    user_key,
)

OPERATOR = operator_key()
OPERATOR_SIGNER = operator_key("operator's signing key")
FOREIGN = operator_key("foreign operator")
SYS = account_key("SYS")
A = account_key("A")
A_SIGNER = account_key("A's signing key")
B = account_key("B")
B_SIGNER = account_key("B's signing key")
STRICT = operator_key("strict operator")
STRICT_SIGNER = operator_key("strict operator's signing key")


def scope(role: str, **template: Any) -> dict[str, Any]:
    """A signing key of an account whose users get what the template says."""
    said = {"subs": -1, "data": -1, "payload": -1} | template
    return {
        "kind": "user_scope", "key": scoped_key(role).public_key, "role": role,
        "template": {name: value for name, value in said.items() if value is not MISSING},
        "description": "",
    }  # fmt: skip


def scoped_key(role: str) -> Any:
    return account_key(f"scoped key {role}")


_USER = "{{name()}}"
SCOPES: Mapping[str, dict[str, Any]] = {
    "plain": {"pub": {"allow": ["a.>"]}, "sub": {"allow": ["a.>", "_INBOX.>"]}},
    "name": {"pub": {"allow": [f"a.{_USER}"]}, "sub": {"allow": [f"a.{_USER}.>"]}},
    "blanks": {"pub": {"allow": ["a.{{ name() }}"]}, "sub": {"allow": ["a.{{  name(  )  }}"]}},
    "upper": {"pub": {"allow": ["a.{{NAME()}}"]}, "sub": {"allow": ["a.{{Name()}}"]}},
    "partial": {"pub": {"allow": [f"a.pre-{_USER}-post"]}, "sub": {"allow": [f"a.{_USER}x"]}},
    "subject": {"pub": {"allow": ["a.{{subject()}}"]}, "sub": {"allow": ["a.{{subject()}}"]}},
    "account": {
        "pub": {"allow": ["a.{{account-name()}}"]}, "sub": {"allow": ["a.{{account-subject()}}"]},
    },
    "tag": {"pub": {"allow": ["a.{{tag(team)}}"]}, "sub": {"allow": ["a.{{tag(team)}}.>"]}},
    "tags": {
        "pub": {"allow": ["a.{{tag(team)}}.{{tag(place)}}"]}, "sub": {"allow": ["a.{{tag(team)}}"]},
    },
    "accounttag": {
        "pub": {"allow": ["a.{{account-tag(zone)}}"]},
        "sub": {"allow": ["a.{{account-tag(zone)}}"]},
    },
    "deny": {"pub": {"deny": ["a.{{tag(team)}}"]}, "sub": {"deny": [f"a.{_USER}"]}},
    "denytag": {"sub": {"allow": ["a.>"], "deny": ["a.{{tag(team)}}"]}},
    "unknown": {"pub": {"allow": ["a.{{nothing()}}"]}},
    "unclosed": {"pub": {"allow": ["a.{{name()"]}, "sub": {"allow": ["a.>"]}},
    "empty tag": {"pub": {"allow": ["a.{{tag()}}", "a.ok"]}, "sub": {"allow": ["a.>"]}},
    "queue": {"sub": {"allow": ["a.q {{name()}}", "a.{{name()}} q"]}},
    "limits": {"subs": 1, "payload": 4},
    "zero": {"subs": 0, "payload": 0, "data": 0},
    "no word of limits": {"subs": MISSING, "payload": MISSING, "data": MISSING},
    "limits of null": {"subs": None, "payload": None, "data": None},
    "only a payload": {"subs": MISSING, "payload": 4, "data": MISSING},
    "only subs": {"subs": 1, "payload": MISSING, "data": MISSING},
    "bearer": {"bearer_token": True},
    "src": {"src": ["10.0.0.0/8"]},
    "here": {"src": ["127.0.0.0/8"]},
    "websocket": {"allowed_connection_types": ["WEBSOCKET"]},
    "standard": {"allowed_connection_types": ["standard"]},
    "never": {"times": [{"start": "10:00:00", "end": "10:00:00"}]},
    "resp": {"sub": {"allow": ["a.>"]}, "resp": {"max": 1, "ttl": 0}},
    "responder": {"pub": {"allow": ["none"]}, "resp": {"max": 2, "ttl": 60_000_000_000}},
    "product": {"pub": {"allow": ["a.{{tag(x)}}.{{tag(y)}}.{{tag(z)}}"]}},
    "proxy": {"proxy_required": True},
    "bad subject": {"pub": {"allow": ["a..b"]}},
}  # fmt: skip

ALWAYS = [{"start": "00:00:00", "end": "23:59:59"}, {"start": "12:00:00", "end": "11:59:59"}]
NEVER = [{"start": "10:00:00", "end": "10:00:00"}]

REVOKED = 1_600_000_000  # when, by the account `revoking`


def accounts() -> list[Claims]:
    """All that logins of ordinary users ask for; each is as an operator would have it."""
    limits = dict(UNLIMITED)
    return [
        account("SYS"),
        account(
            "A",
            signing_keys=[A_SIGNER.public_key, *(scope(role, **t) for role, t in SCOPES.items())],
            tags=["zone:north", "zone:south"],
        ),
        account("B", issuer=OPERATOR_SIGNER, signing_keys=[B_SIGNER.public_key]),
        account("few subs", limits=limits | {"subs": 2}),
        account("no subs", limits=limits | {"subs": 0}),
        account("small payload", limits=limits | {"payload": 5}),
        account("no payload", limits=limits | {"payload": 0}),
        account("no conns", limits=limits | {"conn": 0}),
        account("one conn", limits=limits | {"conn": 1}),
        account("negative conns", limits=limits | {"conn": -5}),
        account("no data", limits=limits | {"data": 0}),
        account("no bearers", limits=limits | {"disallow_bearer": True}, signing_keys=[
            scope("bearer of no bearers", bearer_token=True)]),
        account("expired") | {"exp": ISSUED + 1},
        account("lasting") | {"exp": 4_000_000_000},
        account("early") | {"nbf": 4_000_000_000},
        account("nameless") | {"name": ""},
        account("defaults", signing_keys=[scope("defaults", pub={"allow": ["b.>"]}),
            scope("defaults of none")], default_permissions={
            "pub": {"allow": ["a.>"], "deny": ["a.no"]},
            "sub": {"allow": ["a.>", "a.q q"], "deny": ["a.secret"]},
            "resp": {"max": 1, "ttl": 1000000000},
        }),
        account("revoking", revocations={
            user_key("revoked").public_key: REVOKED,
            user_key("revoked later").public_key: ISSUED + 10,
            user_key("in the future").public_key: 4_000_000_000,
            user_key("at zero").public_key: 0,
            user_key("negative").public_key: -1,
        }),
        account("revoking all", revocations={
            "*": REVOKED,
            user_key("revoked later").public_key: ISSUED + 10,
            user_key("earlier").public_key: REVOKED - 1000,
        }),
        account("mapping", mappings={
            "a.map": [{"subject": "a.mapped"}],
            "a.*.turn": [{"subject": "a.turned.$1", "weight": 100}],
        }),
        account("self-signed", issuer=account_key("self-signed")),
        account("foreign", issuer=FOREIGN),
        account("of an account", issuer=A),
        account("exporter", exports=[
            {"name": "open", "subject": "a.ev.>", "type": "stream"},
            {"name": "service", "subject": "a.svc", "type": "service"},
            {"name": "private", "subject": "a.private.*", "type": "stream", "token_req": True},
        ]),
    ]  # fmt: skip


PRELOADED = ("SYS", "A", "B", "expired", "defaults")


FILES: Mapping[str, str] = {
    "of junk": "junk",
    "of nothing": "",
    "of blanks": " \n",
    "of another account": token(account("A"), OPERATOR),
    "with a newline": signed(account("with a newline")) + "\n",
    "with lines around": "\n" + signed(account("with lines around")) + "\n\n",
    "decorated": "-----BEGIN NATS ACCOUNT JWT-----\n"
    + signed(account("decorated"))
    + "\n------END NATS ACCOUNT JWT------\n",
    "cut": signed(account("cut"))[:-5],
    "of a user": token(user("u", A), A),
    "of the operator": token(operator(), OPERATOR),
    "of bytes": "\xff\x00",
}


def files() -> dict[str, str]:
    """Texts that somebody has put into the folder, by the names of files."""
    return {f"{account_key(name).public_key}.jwt": text for name, text in FILES.items()}


def write_accounts(folder: Path, claims: Iterable[Claims], extra: Mapping[str, str]) -> None:
    """The files of a directory resolver; `extra` has the texts of other files."""
    folder.mkdir(parents=True)
    for each in claims:
        (folder / f"{each['sub']}.jwt").write_text(signed(each))
    for name, text in extra.items():
        (folder / name).write_text(text)


def operator_token(**body: Any) -> str:
    signing_keys = [OPERATOR_SIGNER.public_key]
    return token(operator(signing_keys=signing_keys, **body), OPERATOR)


def strict_operator_token() -> str:
    claims = operator(
        "strict operator", signing_keys=[STRICT_SIGNER.public_key], strict_signing_key_usage=True
    )
    return token(claims, STRICT)


def full(folder: Path) -> str:
    """A configuration that has account tokens in a folder."""
    return f"""
http: "127.0.0.1:-1"
operator: "{operator_token()}"
system_account: {SYS.public_key}
resolver {{ type: full, dir: "{folder}", allow_delete: true, timeout: "200ms" }}
"""


def memory(preloads: Iterable[Claims], more: str = "", trusted: str = "") -> str:
    """A configuration that has them in itself."""
    lines = "\n".join(f"  {each['sub']}: {signed(each)}" for each in preloads)
    return f"""
http: "127.0.0.1:-1"
operator: "{trusted or operator_token()}"
resolver: MEMORY
resolver_preload {{
{lines}
}}
{more}
"""


def strict_accounts() -> list[Claims]:
    return [
        account(
            "A",
            issuer=STRICT_SIGNER,
            signing_keys=[A_SIGNER.public_key, scope("plain", **SCOPES["plain"])],
        ),
        account("B", issuer=STRICT, signing_keys=[B_SIGNER.public_key]),
        account("SYS", issuer=STRICT_SIGNER),
    ]


def sentinel() -> str:
    """A bearer token that anybody may be."""
    return token(user("sentinel", A, bearer_token=True, pub={"deny": ["a.no"]}), A)
