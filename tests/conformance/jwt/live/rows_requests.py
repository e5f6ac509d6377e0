"""What the resolver says to pushes, look-ups and deletions."""

from __future__ import annotations

from typing import Any

from tests.conformance.jwt.live.stage import Activation, Deletion, Live, acc, usr
from tests.conformance.jwt.tokens import account, operator, token, user
from tests.conformance.jwt.world import OPERATOR, A

_STREAM = {"subject": "ev.>", "type": "stream"}


def pushed(name: str, refused: Any) -> Live:
    """A push, and what is known of the account after it."""
    return Live(f"push: {name}", """
        push first
        push other
        lookup A
        a OPEN {}
        """, {"first": acc(), "other": refused})  # fmt: skip


def body(name: str, **claims: Any) -> Live:
    return pushed(name, acc(**claims))


PUSHES = [
    pushed("junk", "junk"),
    pushed("nothing", ""),
    pushed("two chunks", "a.b"),
    pushed("three chunks of junk", "a.b.c"),
    pushed("a user", token(user("u", A), A)),
    pushed("an operator", token(operator(), OPERATOR)),
    pushed("forged", token(account("forged"), A)),
    pushed("with a newline", token(account("newline"), OPERATOR) + "\n"),
    pushed("an activation", Activation("ev.>")),
    body("nameless", top={"name": ""}),
    body("a long name", top={"name": "x" * 300}),
    body("an invalid mapping", mappings={"a..b": [{"subject": "c"}]}),
    body("a mapping of too much weight", mappings={"a": [{"subject": "c", "weight": 150}]}),
    body("a mapping of 60 and 60", mappings={"a": [
        {"subject": "c", "weight": 60}, {"subject": "d", "weight": 60}]}),
    body("the same export twice", exports=[_STREAM, _STREAM]),
    body("exports that overlap", exports=[_STREAM, {"subject": "ev.x", "type": "stream"}]),
    body("an export of no type", exports=[{"subject": "ev.>"}]),
    body("an export of an invalid subject", exports=[{"subject": "ev..x", "type": "stream"}]),
    body("an import of no account", imports=[
        {"subject": "x", "account": "x", "type": "stream"}]),
    body("an import of no subject", imports=[{"account": "<account B>", "type": "stream"}]),
    body("an import of itself", imports=[
        {"subject": "x", "account": "<account A>", "type": "stream"}]),
    body("services imported to one subject", imports=[
        {"subject": "x", "account": "<account B>", "type": "service"},
        {"subject": "x", "account": "<account B>", "type": "service"}]),
    body("more imports than it may", limits={"imports": 0}, imports=[
        {"subject": "x", "account": "<account B>", "type": "stream"}]),
    body("more exports than it may", limits={"exports": 0}, exports=[_STREAM]),
    body("wildcards where none may be", limits={"wildcards": False}, exports=[_STREAM]),
    body("a signing key that is none", signing_keys=["x"]),
    body("a signing key of a user", signing_keys=["<user a>"]),
    body("a role of an unknown kind", signing_keys=[
        {"kind": "x", "key": "<account signer>", "role": "r", "template": {}}]),
    body("a role with an invalid subject", signing_keys=[
        {"kind": "user_scope", "key": "<account signer>", "role": "r",
         "template": {"pub": {"allow": ["a..b"]}}}]),
    body("default permissions with an invalid subject",
         default_permissions={"pub": {"allow": ["a..b"]}}),
    body("accounts without users of a callout", authorization={"allowed_accounts": ["*"]}),
    body("a callout's user that is none", authorization={"auth_users": ["x"]}),
    body("a callout's key that is none", authorization={
        "auth_users": ["<user a>"], "xkey": "x"}),
    body("a trace to an invalid subject", trace={"dest": "a..b"}),
    body("a trace of 150", trace={"dest": "a", "sampling": 150}),
    body("traffic of an unknown sort", cluster_traffic="x"),
    body("an info url of junk", info_url=":"),
    body("a long description", description="x" * 9000),
    body("limits of both sorts", limits={"mem_storage": 5, "tiered_limits": {
        "R1": {"mem_storage": 5}}}),
    body("revocation of junk", revocations={"x": 5}),
    body("self-signed", by="<account A>"),
    body("by a foreign operator", by="<operator foreign operator>"),
    body("by an operator's signing key", by="<operator operator's signing key>"),
    body("expired", top={"exp": 1_700_000_001}),
    body("version 1 in its body", top={"nats": {"version": 1, "type": "account"}}),
    body("of another type", top={"nats": {"version": 2, "type": "user"}}),
]  # fmt: skip

_TWO = {"first": acc(), "second": acc("B"), "newer": acc(top={"iat": 1_700_000_500})}


def deleted(name: str, deletion: Any, then: str = "", server: str = "full") -> Live:
    return Live(f"delete: {name}", f"""
        push first
        push second
        a OPEN {{}}
        ask DELETE it
        {then}
        lookup A
        lookup B
        list
        """, {**_TWO, "it": deletion}, {"b": usr("B")}, server)  # fmt: skip


DELETIONS = [
    deleted("one", Deletion(["<account A>"]), """
        gone a
        a OPEN {}
        b OPEN {}
        push first
        a OPEN {}
        push newer
        a OPEN {}
        """),
    deleted("both", Deletion(["<account A>", "<account B>"]), "gone a"),
    deleted("one nobody knows", Deletion(["<account C>"])),
    deleted("one and one nobody knows", Deletion(["<account C>", "<account A>"]), "gone a"),
    deleted("none", Deletion([])),
    deleted("without a list", Deletion(None)),
    deleted("a list of numbers", Deletion([5])),
    deleted("a text", Deletion("<account A>")),
    deleted("junk for a key", Deletion(["x"])),
    deleted("a path for a key", Deletion(["../../x", "/etc/passwd"])),
    deleted("the system account", Deletion(["<account SYS>"])),
    deleted("the system account and another", Deletion(["<account A>", "<account SYS>"])),
    deleted("by a stranger", Deletion(["<account A>"], by="<operator foreign operator>")),
    deleted("by the account", Deletion(["<account A>"], by="<account A>")),
    deleted("by a signing key",
            Deletion(["<account A>"], by="<operator operator's signing key>"), "gone a"),
    deleted("expired", Deletion(["<account A>"], top={"exp": 1_700_000_001}), "gone a"),
    deleted("by junk", "junk"),
    deleted("by nothing", ""),
    deleted("by an account's token", acc()),
    deleted("for a type", Deletion(["<account A>"], top={"nats": {
        "accounts": ["<account A>"], "type": "x"}}), "gone a"),
    deleted("where none may", Deletion(["<account A>"]), server="no deletions"),
]  # fmt: skip
OTHERS = [
    Live("a store that is full", """
        push first
        push second
        push third
        push first
        list
        """, {"first": acc(), "second": acc("B"), "third": acc("C")}, server="small"),
    Live("look-ups", """
        lookup A
        push first
        lookup A
        lookup SYS
        """, {"first": acc()}),
    Live("the system account, pushed", """
        push sys
        lookup SYS
        """, {"sys": token(account("SYS", description="again"), OPERATOR)}),
    Live("look-ups in memory", """
        lookup A
        lookup SYS
        push first
        """, {"first": acc()}, server="memory"),
]  # fmt: skip
ROWS = [*PUSHES, *DELETIONS, *OTHERS]
