"""docs/reference/subjects.md: subjects that the server itself listens on and publishes to."""

from __future__ import annotations

from typing import Final

from pynats_server.accounts import automatic
from pynats_server.jetstream.advisories import METRIC_PREFIX, SUBJECT_PREFIX
from pynats_server.jetstream.api.dispatch import ENDPOINTS, PREFIX, PURGE, TYPE_PREFIX
from pynats_server.system.services.context import Service
from pynats_server.system.services.desk import (
    ACCOUNT_NAMES,
    CHANGE_NAMES,
    SERVER_NAMES,
)
from pynats_server.system.services.desk import PREFIX as SYSTEM_PREFIX
from pynats_server.system.services.table import SERVICES

from tests.docs.pages.markdown import MADE, code, codes, filled, prose, table

HEAD: Final = f"""# Subjects of the server

{MADE}
What the server listens on and publishes to by itself. What stands in braces is filled in: the id of
the server (its public NKey), the name of an account (in operator mode its public key), of a stream,
of a consumer. Requests and answers are JSON, nats-server's field by field.

"""
# What is asked of each name, in the system account.
TOLD: Final = {
    "IDZ": "name, host and id of the server",
    "STATSZ": "its figures, as it also tells them by itself",
    "VARZ": "as `/varz`", "SUBSZ": "as `/subsz`", "CONNZ": "as `/connz`",
    "ROUTEZ": "as `/routez`", "GATEWAYZ": "as `/gatewayz`", "LEAFZ": "as `/leafz`",
    "ACCOUNTZ": "as `/accountz`", "JSZ": "as `/jsz`", "HEALTHZ": "as `/healthz`",
    "EXPVARZ": "as `/debug/vars`", "IPQUEUESZ": "as `/ipqueuesz`", "RAFTZ": "as `/raftz`",
    "PROFILEZ": "an error: profiles are of programs in Go",
    "RELOAD": "reads the configuration again",
    "KICK": "closes a client",
    "LDM": "tells a client that this server is about to end",
    "LOGLEVEL": "levels of the log, and another one for a part of it until the next reload "
    "(ours only)",
    "INFO": "all about the account, as `/accountz?acc=`",
    "STATZ": "its figures",
    "CONNS": "how many connections it has",
}  # fmt: skip
CLAIMS: Final = (
    ("$SYS.REQ.CLAIMS.UPDATE", "a JWT of an account, to be used from now on"),
    ("$SYS.REQ.ACCOUNT.{account}.CLAIMS.UPDATE", "the same, of this account"),
    ("$SYS.ACCOUNT.{account}.CLAIMS.UPDATE", "the same, as older servers and tools push it"),
    ("$SYS.REQ.ACCOUNT.{account}.CLAIMS.LOOKUP", "the JWT of this account"),
    ("$SYS.REQ.CLAIMS.LIST", "the names of all accounts"),
    ("$SYS.REQ.CLAIMS.PACK", "all JWTs, one in a message"),
    ("$SYS.REQ.CLAIMS.DELETE", "accounts are deleted (a signed list)"),
)
EVENTS: Final = (
    ("$SYS.ACCOUNT.{account}.CONNECT", "A client has logged in."),
    ("$SYS.ACCOUNT.{account}.DISCONNECT", "A client has gone, and why."),
    ("$SYS.ACCOUNT.{account}.SERVER.CONNS", "How many connections the account has: when that "
     "changes, and every 30 s."),
    ("$SYS.SERVER.ACCOUNT.{account}.CONNS", "The same, as older tools know it."),
    ("$SYS.ACCOUNT.CLIENT.AUTH.ERR", "A log-in was refused: told in the account itself."),
    ("$SYS.SERVER.{id}.CLIENT.AUTH.ERR", "The same, told in the system account."),
    ("$SYS.SERVER.{id}.STATSZ", "The server's figures: soon after the start, then ever more "
     "rarely, every 10 s in the end."),
    ("$SYS.SERVER.{id}.LAMEDUCK", "It takes no more clients, and is about to end."),
    ("$SYS.SERVER.{id}.SHUTDOWN", "It ends."),
)  # fmt: skip
ADVISORIES: Final = {
    "API": "a request of the API, and its answer",
    "API.LIMIT_REACHED": "requests were dropped because too many waited",
    "STREAM.CREATED.{stream}": "a stream was made",
    "STREAM.UPDATED.{stream}": "it was changed",
    "STREAM.DELETED.{stream}": "it was deleted",
    "STREAM.BATCH_ABANDONED.{stream}": "an atomic batch ended without its commit",
    "STREAM.SNAPSHOT_CREATE.{stream}": "a backup has begun",
    "STREAM.SNAPSHOT_COMPLETE.{stream}": "a backup has ended",
    "STREAM.RESTORE_CREATE.{stream}": "a restore has begun",
    "STREAM.RESTORE_COMPLETE.{stream}": "a restore has ended",
    "CONSUMER.CREATED.{stream}.{consumer}": "a consumer was made",
    "CONSUMER.DELETED.{stream}.{consumer}": "it was deleted",
    "CONSUMER.DAMAGED.{stream}.{consumer}": "its files were damaged (ours only)",
    "CONSUMER.PAUSE.{stream}.{consumer}": "it was paused or goes on",
    "CONSUMER.PINNED.{stream}.{consumer}": "a client was pinned",
    "CONSUMER.UNPINNED.{stream}.{consumer}": "no client is pinned any more",
    "CONSUMER.MAX_DELIVERIES.{stream}.{consumer}": "a message was delivered as often as it may be",
    "CONSUMER.MSG_NAKED.{stream}.{consumer}": "a message was refused",
    "CONSUMER.MSG_TERMINATED.{stream}.{consumer}": "a message was refused for good",
}
METRICS: Final = {
    "CONSUMER.ACK.{stream}.{consumer}": "a sampled message was acknowledged",
}
OTHERS: Final = (
    ("$JS.ACK.…", "Acknowledgements of delivered messages: their reply subject."),
    ("$JS.FC.…", "Answers to flow control of push consumers."),
    ("$SYS.DEBUG.SUBSCRIBERS", "How many subscribers a subject has; imported by every account."),
    ("$SYS.REQ.USER.AUTH", "What the service of an auth callout is asked, in its account."),
    ("_R_.…", "Answers of services on their way to another account."),
    ("$KV.{bucket}.{key}", "Values of buckets: a stream `KV_{bucket}` like any other."),
    ("$O.{bucket}.…", "Objects: a stream `OBJ_{bucket}`."),
)


def page() -> str:
    """The page."""
    return "".join((HEAD, _requests(), _claims(), _events(), _api(), _advisories(), _others()))


def _requests() -> str:
    assert set(TOLD) == {*SERVER_NAMES, *CHANGE_NAMES, *ACCOUNT_NAMES}
    about = filled(
        "In the system account: `PING` asks every server, its id one of them. The body is JSON "
        "with what is asked, or empty; `server_name`, `cluster`, `host`, `tags`, `domain` in it "
        "leave out servers that do not fit. Other accounts ask for themselves: "
        f"{codes(imported())} are imports of every account."
    )
    rows = [(f"{SYSTEM_PREFIX}SERVER.PING", "", TOLD["STATSZ"])]
    for name in SERVER_NAMES:
        rows.append((f"{SYSTEM_PREFIX}SERVER.PING.{name}", f"SERVER {name}", TOLD[name]))
    rows.append((f"{SYSTEM_PREFIX}SERVER.{{id}}.{{name}}", "", "the same names, of one server"))
    for name in CHANGE_NAMES:
        rows.append((f"{SYSTEM_PREFIX}SERVER.{{id}}.{name}", name, TOLD[name]))
    for name in ACCOUNT_NAMES:
        rows.append((f"{SYSTEM_PREFIX}ACCOUNT.{{account}}.{name}", f"ACCOUNT {name}", TOLD[name]))
    rows.append((f"{SYSTEM_PREFIX}ACCOUNT.PING.STATZ", "ACCOUNT STATZ", "figures of all accounts"))
    rows.append((f"{SYSTEM_PREFIX}ACCOUNT.NSUBS", "", "subscribers of a subject in an account"))
    rows.append((f"{SYSTEM_PREFIX}USER.INFO", "", "who asks, and what it may do"))
    shown = ((code(subject), _fields(name), prose(text)) for subject, name, text in rows)
    return f"## Requests\n\n{about}{table(('subject', 'fields', 'answer'), shown)}\n"


def imported() -> list[str]:
    """What every account imports of the system account."""
    return [".".join(local) for local, *_ in automatic._IMPORTS]


def _fields(name: str) -> str:
    found = SERVICES[name] if name else None
    return codes(sorted(found.fields)) if isinstance(found, Service) else ""


def _claims() -> str:
    about = filled(
        "In operator mode, of servers with a resolver that keeps JWTs: what `pynsc push` and "
        "`pull` use."
    )
    rows = ((code(subject), prose(text)) for subject, text in CLAIMS)
    return f"## Account JWTs\n\n{about}{table(('subject', 'request'), rows)}\n"


def _events() -> str:
    about = filled(
        "Told in the system account, where somebody listens: nothing is written otherwise."
    )
    rows = ((code(subject), prose(text)) for subject, text in EVENTS)
    return f"## Events\n\n{about}{table(('subject', 'told when'), rows)}\n"


def _api() -> str:
    about = filled(
        f"Requests to `{PREFIX}…` in an account with JetStream; in a domain also "
        f"`$JS.{{domain}}.API.…`. The answer's `type` is `{TYPE_PREFIX}{{type}}_response`. Those "
        "without a type answer by messages."
    )
    rows = []
    for one in ENDPOINTS:
        why = "" if one.run.__name__ != "clustered" else "only of a cluster: refused"
        marks = [why] if why else []
        if one.changes:
            marks.append("changes something")
        rows.append((code(PREFIX + _named(one.pattern)), code(one.type), prose("; ".join(marks))))
    rows.append((code(f"{PREFIX}{PURGE}{{account}}"), "`account_purge`", "In the system account: "
                 "removes all of an account's streams"))  # fmt: skip
    return f"## JetStream API\n\n{about}{table(('subject', 'type', ''), rows)}\n"


def _named(pattern: str) -> str:
    names = iter(("{stream}", "{consumer}"))
    tokens = []
    for token in pattern.split("."):
        if token == "*":
            tokens.append(next(names))
        else:
            tokens.append("{filter…}" if token == ">" else token)
    return ".".join(tokens)


def _advisories() -> str:
    about = filled(
        "In the account that they are about, where somebody listens. `pynats events --js-advisory` "
        "shows them."
    )
    rows = [(code(SUBJECT_PREFIX + name), prose(text)) for name, text in ADVISORIES.items()]
    rows += [(code(METRIC_PREFIX + name), prose(text)) for name, text in METRICS.items()]
    return f"## Advisories\n\n{about}{table(('subject', 'told when'), rows)}\n"


def _others() -> str:
    rows = ((code(subject), prose(text)) for subject, text in OTHERS)
    return f"## Others\n\n{table(('subject', 'what it is for'), rows)}"
