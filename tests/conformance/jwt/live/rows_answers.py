"""Answers to requests that were made before the accounts shared otherwise."""

from __future__ import annotations

from typing import Any

from tests.conformance.jwt.live.rows_shares import takes
from tests.conformance.jwt.live.stage import Activation, Deletion, Live, acc, usr

_SERVICE = {"name": "svc", "subject": "svc", "type": "service"}
_OTHER = {"name": "other", "subject": "other", "type": "service"}
_PRIVATE = {**_SERVICE, "token_req": True}
_IMPORT = {"name": "svc", "subject": "svc", "account": "<account A>", "type": "service"}
_USERS = {"b": usr("B"), "c": usr("C")}
_GOOD = Activation("svc", "service")


def exports(*items: dict[str, Any], **body: Any) -> Any:
    """Account A, which exports these."""
    return acc(exports=list(items), **body)


def late(name: str, after: Any, before: Any = None, importer: Any = None, **tokens: Any) -> Live:
    """B asks, something else is pushed, A answers; twice, and then B asks again."""
    return Live(f"late answer: {name}", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        push after
        a REPLY | answer
        a REPLY | again
        b PUB svc in.2 | question
        a REPLY | answer
        """, {"exporter": before or exports(_SERVICE),
              "importer": importer or takes("svc", "service"), "after": after, **tokens},
        _USERS)  # fmt: skip


ROWS = [
    late("the export is gone", exports()),
    late("another export instead", exports(_OTHER)),
    late("another export, too", exports(_SERVICE, _OTHER)),
    late("the export is as it was, under another name", exports({**_SERVICE, "name": "other"})),
    late("the export is wider", exports({**_SERVICE, "subject": "*"})),
    late("the export is private", exports(_PRIVATE)),
    late("the export is a stream", exports({**_SERVICE, "type": "stream"})),
    late("the export answers in streams", exports({**_SERVICE, "response_type": "Stream"})),
    late("the export waits longer", exports({**_SERVICE, "response_threshold": 60_000_000_000})),
    late("the export is measured",
         exports({**_SERVICE, "service_latency": {"sampling": 100, "results": "lat"}})),
    late("the export may be traced", exports({**_SERVICE, "allow_trace": True})),
    late("the exporter has another name", exports(_SERVICE, top={"name": "other"})),
    late("a stream goes on", exports(_SERVICE), exports({**_SERVICE, "response_type": "Stream"})),
    late("a stream is gone", exports(), exports({**_SERVICE, "response_type": "Stream"})),
    late("the import is gone", acc("B")),
    late("the import has another name", takes("svc", "service", name="other")),
    late("the import has another subject", takes("svc", "service", local_subject="mine")),
    late("the import shares", takes("svc", "service", share=True)),
    late("another import, too", acc("B", imports=[
        _IMPORT, {**_IMPORT, "name": "other", "subject": "other"}])),
    late("another import instead", takes("other", "service"), exports(_SERVICE, _OTHER)),
    late("the importer has other limits", acc("B", {"subs": 5}, imports=[_IMPORT])),
    late("the token is revoked", exports({**_PRIVATE, "revocations": {"*": 1_900_000_000}}),
         exports(_PRIVATE), takes("svc", "service", "<token good>"), good=_GOOD),
    late("the token is missing", takes("svc", "service"),
         exports(_PRIVATE), takes("svc", "service", "<token good>"), good=_GOOD),
    late("the token has expired", takes("svc", "service", "<token old>"),
         exports(_PRIVATE), takes("svc", "service", "<token good>"), good=_GOOD,
         old=Activation("svc", "service", top={"exp": 1_700_000_001})),
    Live("late answer: the token expires", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        wait 3
        a REPLY | answer
        b PUB svc in.2 | question
        """, {"exporter": exports(_PRIVATE),
              "importer": takes("svc", "service", "<token short>"),
              "short": Activation("svc", "service", top={"exp": "<now+2>"})}, _USERS),
    Live("late answer: the importer is deleted", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        ask DELETE gone
        gone b
        a REPLY | answer
        """, {"exporter": exports(_SERVICE), "importer": takes("svc", "service"),
              "gone": Deletion(["<account B>"])}, _USERS),
    Live("late answer: the exporter is deleted", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        ask DELETE gone
        gone a
        b PUB svc in.2 | question
        """, {"exporter": exports(_SERVICE), "importer": takes("svc", "service"),
              "gone": Deletion(["<account A>"])}, _USERS),
    Live("late answer: the export is back", """
        push exporter
        push importer
        a SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        push none
        push exporter
        a REPLY | answer
        b PUB svc in.2 | question
        a REPLY | answer
        """, {"exporter": exports(_SERVICE), "importer": takes("svc", "service"),
              "none": exports()}, _USERS),
    Live("late answer: of two importers one goes", """
        push exporter
        push importer
        push another
        a SUB svc 1
        b SUB in.> 1
        c SUB in.> 1
        b PUB svc in.1 | question
        c PUB svc in.2 | question
        push none
        a REPLY | answer
        a AGAIN 2 | answer
        """, {"exporter": exports(_SERVICE), "importer": takes("svc", "service"),
              "another": acc("C", imports=[_IMPORT]), "none": acc("B")}, _USERS),
    Live("late answer: of two services one goes", """
        push exporter
        push importer
        a SUB svc 1
        a SUB other 2
        b SUB in.> 1
        b PUB svc in.1 | question
        b PUB other in.2 | question
        push one
        a REPLY | answer
        a AGAIN 2 | answer
        """, {"exporter": exports(_SERVICE, _OTHER), "one": exports(_SERVICE),
              "importer": acc("B", imports=[
                  _IMPORT, {**_IMPORT, "name": "other", "subject": "other"}])}, _USERS),
    Live("late answer: the answer has a reply", """
        push exporter
        push importer
        a SUB svc 1
        a SUB back 2
        b SUB in.> 1
        b PUB svc in.1 | question
        a REPLY back | answer
        push none
        b REPLY | more
        """, {"exporter": exports(_SERVICE), "importer": takes("svc", "service"),
              "none": exports()}, _USERS),
    Live("late answer: the answer has a reply, and the import goes", """
        push exporter
        push importer
        a SUB svc 1
        a SUB back 2
        b SUB in.> 1
        b PUB svc in.1 | question
        a REPLY back | answer
        push none
        b REPLY | more
        """, {"exporter": exports(_SERVICE), "importer": takes("svc", "service"),
              "none": acc("B")}, _USERS),
    Live("late answer: the service of another account is gone", """
        push far
        push middle
        push importer
        c SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        push none
        c REPLY | answer
        """, {"far": acc("C", exports=[_SERVICE]), "none": acc("C"),
              "middle": acc(exports=[_SERVICE], imports=[{**_IMPORT, "account": "<account C>"}]),
              "importer": takes("svc", "service")}, _USERS),
    Live("late answer: the service in the middle is gone", """
        push far
        push middle
        push importer
        c SUB svc 1
        b SUB in.> 1
        b PUB svc in.1 | question
        push none
        c REPLY | answer
        """, {"far": acc("C", exports=[_SERVICE]),
              "middle": acc(exports=[_SERVICE], imports=[{**_IMPORT, "account": "<account C>"}]),
              "none": acc(imports=[{**_IMPORT, "account": "<account C>"}]),
              "importer": takes("svc", "service")}, _USERS),
]  # fmt: skip
