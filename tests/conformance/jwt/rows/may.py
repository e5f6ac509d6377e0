"""What users may do: their permissions and limits, those of their role, and of their account."""

from __future__ import annotations

from typing import Any

from tests.conformance.jwt.login import Login, of_claims, of_user
from tests.conformance.jwt.tokens import account_key, user
from tests.conformance.jwt.world import A, scoped_key

ALL = (
    "SUB a.> 1", "SUB a.b 2", "SUB a.* 3", "SUB a.b q 4", "SUB a.d p 5", "SUB > 6", "SUB other 7",
    "PUB a.b | 1", "PUB a.c | 2", "PUB a.b.c | 3", "PUB other | 4", "UNSUB 1",
)  # fmt: skip


def may(name: str, talk: tuple[str, ...] = ALL, **body: Any) -> Login:
    return of_user(f"may: {name}", talk=talk, **body)


def pub(name: str, *allow: str, deny: list[str] | None = None) -> Login:
    permission: dict[str, Any] = {"allow": list(allow)} if allow else {}
    return may(f"publish {name}", pub=permission | ({"deny": deny} if deny else {}))


def sub(name: str, *allow: str, deny: list[str] | None = None) -> Login:
    permission: dict[str, Any] = {"allow": list(allow)} if allow else {}
    return may(f"subscribe {name}", sub=permission | ({"deny": deny} if deny else {}))


ANSWERS = (
    "SUB a.> 1", "PUB a.b answer.1 | question", "PUB answer.1 | yes", "PUB answer.1 | again",
    "PUB answer.2 | never asked",
)  # fmt: skip
REQUESTS = (
    "PUB a.b | hi", "SUB a.> 1", "PUB a.b answer.1 | question", "PUB answer.1 | yes",
    "PUB answer.1 | again", "PUB answer.1 | and again",
)  # fmt: skip

PERMISSIONS = [
    may("everything"),
    may("everything, in empty lists", pub={"allow": [], "deny": []}, sub={"allow": []}),
    pub("a.>", "a.>"),
    pub("a.b", "a.b"),
    pub("a.*", "a.*"),
    pub("a.> but a.b", "a.>", deny=["a.b"]),
    pub("all but a.*", deny=["a.*"]),
    pub("nothing", deny=[">"]),
    pub("what is also denied", "a.b", deny=["a.b"]),
    sub("a.>", "a.>"),
    sub("a.b", "a.b"),
    sub("a.b q", "a.b q"),
    sub("a.b q and a.b", "a.b q", "a.b"),
    sub("a.* *", "a.* *"),
    sub("a.b >", "a.b >"),
    sub("a.> but a.b", "a.>", deny=["a.b"]),
    sub("a.> but a.b q", "a.>", deny=["a.b q"]),
    sub("all but a.b", deny=["a.b"]),
    sub("all but a.b q", deny=["a.b q"]),
    sub("nothing", deny=[">"]),
    sub("a.q with blanks", "a.b  q"),
    sub("three words", "a.b q r"),
    sub("a tab", "a.b\tq"),
    sub("a blank behind", "a.b "),
    sub("a blank before", " a.b"),
    pub("an invalid subject", "a..b"),
    pub("an invalid subject among others", "a.>", "a..b"),
    pub("an empty subject", ""),
    pub("> within", "a.>.b"),
    pub("* within a token", "a.b*"),
    pub("a queue", "a.b q"),
    pub("a denied queue", deny=["a.b q"]),
    pub("a denied invalid subject", deny=[".a"]),
    pub("a point behind", "a."),
    sub("an invalid subject", "a..b"),
    sub("an invalid queue", "a.b q..r"),
    sub("an empty subject", ""),
    sub("a denied invalid subject", deny=["a..b"]),
    sub("its system's", "$SYS.>"),
    pub("letters of other languages", "a.é"),
    pub("a template where none is", "a.{{name()}}"),
    may("answers", ANSWERS, sub={"allow": ["a.>"]}, resp={"max": 1, "ttl": 0}),
    may("answers, twice", REQUESTS, pub={"allow": ["a.b"]}, resp={"max": 2, "ttl": 60_000_000_000}),
    may("answers of 0", REQUESTS, pub={"allow": ["a.b"]}, resp={"max": 0, "ttl": 0}),
    may("answers without end", REQUESTS, pub={"allow": ["a.b"]}, resp={"max": -1, "ttl": -1}),
    may("answers of -2", REQUESTS, pub={"allow": ["a.b"]}, resp={"max": -2, "ttl": 0}),
    may("answers of no time", REQUESTS, pub={"allow": ["a.b"]}, resp={"max": 5, "ttl": 1}),
    may("answers, and publish a.b", REQUESTS, pub={"allow": ["a.b"]}, resp={"max": 2, "ttl": 0}),
    may("answers, and all is denied", REQUESTS, pub={"deny": ["answer.>"]},
        resp={"max": 2, "ttl": 0}),
    may("answers of an empty object", REQUESTS, pub={"allow": ["a.b"]}, resp={}),
]  # fmt: skip

_SUBS = ("SUB a 1", "SUB b 2", "SUB c 3", "UNSUB 1", "SUB d 4")
_SIZES = ("SUB a.b 1", "PUB a.b | ", "PUB a.b | 1", "PUB a.b | 12345", "PUB a.b | 123456")
LIMITS = [
    may("1 subscription", _SUBS, subs=1),
    may("2 subscriptions", _SUBS, subs=2),
    may("2**40 subscriptions", _SUBS, subs=2**40),
    may("no subscription", _SUBS, subs=0, ends=True),
    may("payload 0", _SIZES, payload=0),
    may("payload 5", _SIZES, payload=5),
    may("payload -2", _SIZES, payload=-2),
    may("payload 2**40", _SIZES, payload=2**40),
    may("payload 2**32 + 1", _SIZES, payload=2**32 + 1),
    may("data 0", _SIZES, data=0),
    may("data 1", _SIZES, data=1),
    of_user("few subs, more by the user", by=account_key("few subs"), subs=3, talk=_SUBS),
    of_user("few subs, fewer by the user", by=account_key("few subs"), subs=1, talk=_SUBS),
    of_user("small payload, more by the user", by=account_key("small payload"), payload=6,
            talk=_SIZES),
    of_user("small payload, less by the user", by=account_key("small payload"), payload=1,
            talk=_SIZES),
]  # fmt: skip

_DEFAULTS = account_key("defaults")
_DEFAULT_TALK = (
    "SUB a.secret 1", "SUB a.ok 2", "SUB a.q q 3", "SUB a.q p 4", "SUB b 5", "PUB a.no | 1",
    "PUB a.ok | 2", "PUB b.x | 3", "PUB a.ok answer.1 | 4", "PUB answer.1 | 5",
)  # fmt: skip


def default(name: str, **body: Any) -> Login:
    return of_user(f"defaults: {name}", by=_DEFAULTS, talk=_DEFAULT_TALK, **body)


def _scoped(role: str, name: str, **body: Any) -> dict[str, Any]:
    none = {"subs": 0, "data": 0, "payload": 0}
    return user(name, scoped_key(role), **none | {"issuer_account": A.public_key} | body)


def role(
    role_: str, name: str = "u", talk: tuple[str, ...] = ALL, shown: str = "", **body: Any
) -> Login:
    title = shown or f"role {role_}" + (f": {name}" if name != "u" else "")
    ends = body.pop("ends", False)
    return of_claims(title, _scoped(role_, name, **body), scoped_key(role_), talk=talk, ends=ends)


DEFAULTS = [
    default("no permissions of its own"),
    default("empty lists", pub={"allow": [], "deny": []}, sub={"allow": [], "deny": []}),
    default("one denied", sub={"deny": ["none"]}),
    default("one allowed", pub={"allow": ["b.>"]}),
    default("answers", resp={"max": 1, "ttl": 0}),
    of_claims("defaults: a role with permissions", _scoped(
        "defaults", "u", issuer_account=_DEFAULTS.public_key), scoped_key("defaults"),
        talk=_DEFAULT_TALK),
    of_claims("defaults: a role without", _scoped(
        "defaults of none", "u", issuer_account=_DEFAULTS.public_key),
        scoped_key("defaults of none"), talk=_DEFAULT_TALK),
]  # fmt: skip

ROLES = [
    role("plain"),
    role("plain", shown="role without the account's name", issuer_account=""),
    role("plain", shown="role of another account", issuer_account=_DEFAULTS.public_key),
    role("plain", shown="role and limits of -1", subs=-1, data=-1, payload=-1),
    role("plain", shown="role and subs -1", subs=-1),
    role("plain", shown="role and payload 1", payload=1),
    role("plain", shown="role and permissions", pub={"allow": ["a.b"]}),
    role("plain", shown="role and a denial", sub={"deny": ["a.b"]}),
    role("plain", shown="role and empty permissions", pub={}, sub={"allow": []}),
    role("plain", shown="role and answers", resp={"max": 1, "ttl": 1}),
    role("plain", shown="role and a bearer", bearer_token=True),
    role("plain", shown="role and a bearer that is none", bearer_token=False),
    role("plain", shown="role and places", src=["127.0.0.0/8"]),
    role("plain", shown="role and no places", src=[]),
    role("plain", shown="role and times", times=[{"start": "00:00:00", "end": "23:59:59"}]),
    role("plain", shown="role and a zone", times_location="UTC"),
    role("plain", shown="role and kinds", allowed_connection_types=["STANDARD"]),
    role("plain", shown="role and a proxy", proxy_required=True),
    role("plain", shown="role and tags", tags=["a:b", "c"]),
    role("limits", talk=(*_SUBS, "PUB a | 1234", "PUB a | 12345")),
    role("zero", ends=True),
    role("no word of limits", talk=(*_SUBS, "PUB a | 1234567")),
    role("limits of null", talk=(*_SUBS, "PUB a | 1234567")),
    role("only a payload", talk=(*_SUBS, "PUB a | 1234", "PUB a | 12345")),
    role("only subs", talk=(*_SUBS, "PUB a | 1234")),
    role("bearer"),
    role("src"),
    role("here"),
    role("websocket"),
    role("standard"),
    role("never"),
    role("resp", talk=ANSWERS),
    role("responder", talk=REQUESTS),
    role("proxy"),
    role("bad subject"),
    role("nobody's"),
]

_NAMED = (
    "SUB a.u 1", "SUB a.u.x 2", "SUB a.ux 3", "SUB a.*.x 4", "PUB a.u | 1", "PUB a.pre-u-post | 2",
    "PUB a.x | 3", "PUB a.u.x | 4",
)  # fmt: skip
_TEAMS = (
    "SUB a.blue.x 1", "SUB a.blue 2", "SUB a.red.x 3", "SUB a.red 4", "SUB a.green 5",
    "PUB a.blue | 1", "PUB a.red | 2", "PUB a.blue.north | 3", "PUB a.red.south | 4",
    "PUB a.green | 5",
)  # fmt: skip
_SUBJECTS = ("user", "account")


def _keys() -> tuple[str, ...]:
    key = user("u", A)["sub"]
    return (
        f"SUB a.{key} 1", f"SUB a.{A.public_key} 2", f"PUB a.{key} | 1", "PUB a.A | 2",
        "SUB a.north 3", "SUB a.south 4", "PUB a.north | 3",
    )  # fmt: skip


def name_(name: str) -> Login:
    """A user of that name, whose role has it in its subjects."""
    talk = ("SUB a.u.x 1", "SUB a.b.x 2", "SUB a.b.c.x 3", "PUB a.u | 1", "PUB a.b | 2",
            "PUB a.b.c | 3")  # fmt: skip
    return of_claims(f"role name of {name!r}", _scoped("name", name), scoped_key("name"), talk=talk)


TEMPLATES = [
    role("name", talk=_NAMED),
    role("blanks", talk=_NAMED),
    role("upper", talk=_NAMED),
    role("partial", talk=_NAMED),
    role("subject", talk=_keys()),
    role("account", talk=_keys()),
    role("accounttag", talk=_keys()),
    *(name_(name) for name in ("b", "*", ">", "b.c", "", " ", "b c", "b\tc", "b.>", "é",
                               "{{name()}}", "$SYS", "a\nb", ".", "b.")),
    role("tag", talk=_TEAMS, tags=["team:blue"]),
    role("tag", talk=_TEAMS, shown="role tag of two", tags=["team:blue", "team:red"]),
    role("tag", talk=_TEAMS, shown="role tag of others", tags=["place:blue"]),
    role("tag", talk=_TEAMS, shown="role tag of none"),
    role("tag", talk=_TEAMS, shown="role tag in large letters", tags=["TEAM:Blue"]),
    role("tag", talk=_TEAMS, shown="role tag with a large value", tags=["team:Blue"]),
    role("tag", talk=_TEAMS, shown="role tag without a value", tags=["team:"]),
    role("tag", talk=_TEAMS, shown="role tag without a colon", tags=["team"]),
    role("tag", talk=_TEAMS, shown="role tag of *", tags=["team:*"]),
    role("tag", talk=_TEAMS, shown="role tag of >", tags=["team:>"]),
    role("tag", talk=_TEAMS, shown="role tag of two tokens", tags=["team:blue.x"]),
    role("tag", talk=_TEAMS, shown="role tag with a colon", tags=["team:blue:x"]),
    role("tag", talk=_TEAMS, shown="role tag with blanks", tags=["team: blue"]),
    role("tag", talk=_TEAMS, shown="role tag twice the same", tags=["team:blue", "team:blue"]),
    role("tags", talk=_TEAMS, tags=["team:blue", "team:red", "place:north", "place:south"]),
    role("tags", talk=_TEAMS, shown="role tags, one of them", tags=["team:blue"]),
    role("deny", talk=_TEAMS, tags=["team:blue"]),
    role("deny", talk=_TEAMS, shown="role deny without the tag"),
    role("denytag", talk=_TEAMS, tags=["team:blue"]),
    role("denytag", talk=_TEAMS, shown="role denytag without the tag"),
    role("unknown", talk=_NAMED),
    role("unclosed", talk=(*_NAMED, "PUB a.{{name() | 5")),
    role("empty tag", talk=(*_NAMED, "PUB a.ok | 5")),
    role("queue", talk=("SUB a.q u 1", "SUB a.q q 2", "SUB a.u q 3", "SUB a.q 4")),
    *(role("product", talk=("PUB a.1.2.3 | 1", "PUB a.15.15.15 | 2"), shown=f"role product of {n}",
           tags=[f"{tag}:{i}" for tag in "xyz" for i in range(n)]) for n in (1, 15, 16)),
]  # fmt: skip
ROWS = [*PERMISSIONS, *LIMITS, *DEFAULTS, *ROLES, *TEMPLATES]
