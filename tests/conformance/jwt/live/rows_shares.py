"""Exports, imports and activation tokens that change while messages flow."""

from __future__ import annotations

from typing import Any

from tests.conformance.jwt.live.stage import Activation, Live, acc, usr

_STREAM = {"name": "ev", "subject": "ev.>", "type": "stream"}
_PRIVATE = {**_STREAM, "token_req": True}
_SERVICE = {"name": "svc", "subject": "svc", "type": "service"}
_USERS = {"b": usr("B")}
_OLD, _EARLY = {"exp": 1_700_000_001}, {"nbf": 4_000_000_000}


def takes(subject: str = "ev.>", kind: str = "stream", token: str = "", **more: Any) -> Any:
    """Account B, which imports from A."""
    item = {"name": subject, "subject": subject, "account": "<account A>", "type": kind, **more}
    return acc("B", imports=[{**item, **({"token": token} if token else {})}])


def private(name: str, token: str, *tokens: tuple[str, Any], after: str = "") -> Live:
    """B imports with that token; a message shows whether it may."""
    return Live(f"activation: {name}", f"""
        push exporter
        push none
        b SUB > 1
        push importer
        a PUB ev.x | hi
        a PUB ev.y | hello
        {after}
        """, {"exporter": acc(exports=[_PRIVATE]), "none": acc("B"),
              "importer": takes(token=token), **dict(tokens)}, _USERS)  # fmt: skip


_GOOD = Activation("ev.>")
ROWS = [
    Live("an import comes and goes", """
        push exporter
        push none
        b SUB > 1
        a PUB ev.x | 1
        push importer
        a PUB ev.x | 2
        push renamed
        a PUB ev.x | 3
        push none
        a PUB ev.x | 4
        """, {"exporter": acc(exports=[_STREAM]), "none": acc("B"), "importer": takes(),
              "renamed": takes(local_subject="my.>")}, _USERS),
    Live("an export goes and comes", """
        push exporter
        push importer
        b SUB > 1
        a PUB ev.x | 1
        push none
        a PUB ev.x | 2
        push exporter
        a PUB ev.x | 3
        """, {"exporter": acc(exports=[_STREAM]), "none": acc(), "importer": takes()}, _USERS),
    Live("an importer before its exporter", """
        push importer
        b SUB > 1
        push exporter
        a PUB ev.x | 1
        """, {"exporter": acc(exports=[_STREAM]), "importer": takes()}, _USERS),
    Live("a service comes and goes", """
        push exporter
        push none
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | nobody
        push importer
        b PUB svc in.2 | question
        a REPLY | answer
        push elsewhere
        b PUB svc in.3 | nobody
        b PUB other in.4 | question
        a REPLY | answer
        push none
        b PUB other in.5 | nobody
        """, {"exporter": acc(exports=[_SERVICE]), "none": acc("B"),
              "importer": takes("svc", "service"),
              "elsewhere": takes("svc", "service", local_subject="other")}, _USERS),
    Live("a service is withdrawn", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        push none
        a REPLY | late
        b PUB svc in.2 | nobody
        push exporter
        b PUB svc in.3 | question
        a REPLY | answer
        """, {"exporter": acc(exports=[_SERVICE]), "none": acc(),
              "importer": takes("svc", "service")}, _USERS),
    Live("an export becomes private", """
        push exporter
        push importer
        b SUB > 1
        a PUB ev.x | 1
        push private
        a PUB ev.x | 2
        push exporter
        a PUB ev.x | 3
        """, {"exporter": acc(exports=[_STREAM]), "private": acc(exports=[_PRIVATE]),
              "importer": takes()}, _USERS),
    Live("a circle of imports", """
        push A
        push B
        a SUB > 1
        b SUB > 1
        a PUB x.1 | once
        b PUB x.2 | once
        """, {"A": acc(exports=[{"subject": "x.>", "type": "stream"}], imports=[
                  {"subject": "x.>", "account": "<account B>", "type": "stream"}]),
              "B": acc("B", exports=[{"subject": "x.>", "type": "stream"}], imports=[
                  {"subject": "x.>", "account": "<account A>", "type": "stream"}])}, _USERS),
    Live("a circle of services", """
        push A
        push B
        a SUB in.> 1
        b SUB in.> 1
        a PUB x.1 in.a | question
        b PUB x.2 in.b | question
        """, {"A": acc(exports=[{"subject": "x.>", "type": "service"}], imports=[
                  {"subject": "x.>", "account": "<account B>", "type": "service"}]),
              "B": acc("B", exports=[{"subject": "x.>", "type": "service"}], imports=[
                  {"subject": "x.>", "account": "<account A>", "type": "service"}])}, _USERS),
    Live("a circle of three", """
        push A
        push B
        push C
        a SUB > 1
        b SUB > 1
        c SUB > 1
        a PUB x.1 | once
        c PUB x.3 | once
        """, {each: acc(each, exports=[{"subject": "x.>", "type": "stream"}], imports=[
                  {"subject": "x.>", "account": f"<account {of}>", "type": "stream"}])
              for each, of in ("AB", "BC", "CA")}, {**_USERS, "c": usr("C")}),
    Live("an import of itself", """
        push A
        a SUB > 1
        a PUB x.1 | once
        """, {"A": acc(exports=[{"subject": "x.>", "type": "stream"}], imports=[
                  {"subject": "x.>", "account": "<account A>", "type": "stream"}])}),
    private("good", "<token good>", ("good", _GOOD)),
    private("none", ""),
    private("wider", "<token wider>", ("wider", Activation(">"))),
    Live("activation: wider than what is imported", """
        push exporter
        push none
        b SUB > 1
        push importer
        a PUB ev.x | hi
        a PUB ev.y | hello
        """, {"exporter": acc(exports=[_PRIVATE]), "none": acc("B"),
              "importer": takes("ev.x", token="<token good>"), "good": _GOOD}, _USERS),
    private("narrower", "<token narrower>", ("narrower", Activation("ev.x"))),
    private("of another subject", "<token other>", ("other", Activation("other.>"))),
    private("of a service", "<token service>", ("service", Activation("ev.>", "service"))),
    private("for another", "<token other>", ("other", Activation("ev.>", to="C"))),
    private("by a stranger", "<token other>", ("other", Activation("ev.>", by="C"))),
    private("expired", "<token old>", ("old", Activation("ev.>", top=_OLD))),
    private("not valid yet", "<token early>", ("early", Activation("ev.>", top=_EARLY))),
    private("junk", "junk"),
    private("a file", "file:///etc/passwd"),
    private("an address", "http://127.0.0.1:1/token"),
    private("an account's token", "<token exporter>"),
    private("revoked", "<token good>", ("good", _GOOD), ("revoking", acc(exports=[
        {**_PRIVATE, "revocations": {"<account B>": 1_700_000_000}}])), after="""
        push revoking
        a PUB ev.x | revoked
        push exporter
        a PUB ev.x | again
        """),
    private("of everybody revoked", "<token good>", ("good", _GOOD), ("revoking", acc(exports=[
        {**_PRIVATE, "revocations": {"*": 1_700_000_000}}])), after="""
        push revoking
        a PUB ev.x | revoked
        """),
    private("by a signing key", "<token signer's>", ("signer's", Activation(
        "ev.>", by="signer", top={"nats": {"subject": "ev.>", "kind": "stream", "type":
        "activation", "version": 2, "issuer_account": "<account A>"}})),
        ("signing", acc(exports=[_PRIVATE], signing_keys=["<account signer>"])), after="""
        push signing
        push importer
        a PUB ev.x | signed
        """),
    Live("activation: an invalid one leaves what was", """
        push exporter
        push good
        b SUB > 1
        a PUB ev.x | 1
        push bad
        a PUB ev.x | 2
        lookup B
        """, {"exporter": acc(exports=[_PRIVATE]), "good": takes(token="<token valid>"),
              "valid": _GOOD, "bad": takes(token="junk")}, _USERS),
    Live("activation: of a service that is private", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        a REPLY | answer
        push none
        b PUB svc in.2 | nobody
        """, {"exporter": acc(exports=[{**_SERVICE, "token_req": True}]),
              "importer": takes("svc", "service", "<token good>"),
              "none": takes("svc", "service"), "good": Activation("svc", "service")}, _USERS),
]  # fmt: skip
