"""docs/explanation/compatibility.md: what is not here yet, what is here only, and everything that
is otherwise than in the original on purpose, the recorded cases of tests included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from pynats_cli.commands import ROOT
from pynats_common.commandline.tree import every
from pynats_server.process.flag_table import FLAGS
from pynats_server.settings.schema import Setting, Table
from pynats_server.settings.top_level import TOP_LEVEL

from tests.cli.inventory.compare import inventory
from tests.conformance.consumers.differences import DIFFERENCES as CONSUMERS
from tests.conformance.jetstream.case_differences import DIFFERENCES as JETSTREAM
from tests.conformance.jetstream.config_differences import DIFFERENCES as CONFIGURATIONS
from tests.conformance.jwt import differences as jwt
from tests.conformance.protocol.rows_verbs import ROWS as PROTOCOL
from tests.docs.pages.markdown import codes, filled, prose, table

HEAD: Final = """# Compatibility

PyNATS speaks to every NATS client, reads the same configuration and credentials, and works on the
same files as the original: nats-server 2.15, `nats` 0.5, `nsc`, `nk` and `nats-top`. This page
lists where it does not, and why. It is made of the code and of the recorded answers of the real
programs (`make docs`), so a difference that is not on purpose is a failing test.

How that is known: thousands of cases are asked of the real server and of this one, and the answers
compared; an answer that differs on purpose stands beside its case with the reason. `make reference`
asks the real one again.

## What is not there yet

One server serves; there are no replicas. These parts are refused with a clear error, never ignored:
"""
PARTS: Final = (
    ("Clusters, and streams with replicas", "`cluster`, `--routes`"),
    ("Gateways (super-clusters)", "`gateway`"),
    ("Leaf nodes", "`leafnodes`"),
    ("WebSocket", "`websocket`"),
    ("MQTT", "`mqtt`"),
    ("Profiles over HTTP", "`prof_port`, `--profile`"),
)
# What differs on purpose, by area: (what, the original, here). The long form is in the reference.
SERVER: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "Durability": (
        ("What an acknowledgement means", "the system has the message; a power cut may take up to "
         "`sync_interval` (2m)", "it is on disk; `sync_interval: 2m` for the original's way"),
        ("A full disk", "publishes are not answered", "they are refused (10047), and nothing of "
         "them is left; it resumes by itself"),
        ("Another key or cipher for files", "consumers under `prev_key` are lost", "a change at "
         "the start, which may be interrupted anywhere"),
        ("A clock that is set back", "old messages wait until it has caught up", "times go on from "
         "the correction"),
    ),
    "JetStream": (
        ("Sources that were copied completely", "taken over again after some crashes and changes",
         "go on where they were"),
        ("Mirrors at their limit", "leave messages out", "wait, and say so"),
        ("A consumer that is created twice, without a durable name", "refused (10148)", "succeeds: "
         "it can be retried"),
        ("The end of a pause", "waiting pulls get messages when something else happens", "at once"),
    ),
    "Clients": (
        ("Limits of publishing", "none", "`max_publish_rate`, `max_publish_bytes`"),
        ("CR and NUL in subjects", "taken, or not, by where a packet ends", "refused in SUB"),
    ),
    "Security": (
        ("Sealed answers of an auth callout", "of anybody who knows the public curve key",
         "must be signed by the issuer"),
        ("JWTs with a field twice", "merged", "refused: two readers would see two things"),
        ("Names as wildcards in templates of permissions", "taken", "left out"),
        ("A push that no operator has signed", "stored, lost for log-ins at the next start",
         "refused"),
        ("A push of an older JWT", "takes its place", "refused: who was revoked would be back"),
        ("A file of certificates that changes", "needs a reload", "used within a second (`watch`)"),
        ("RSA below 2048 bits, SHA-1", "taken", "refused, as OpenSSL does"),
        ("Hybrid key exchange (ML-KEM)", "preferred", "only where a client offers nothing else"),
    ),
    "Accounts": (
        ("Imports with `prefix` and `to`", "one of them counts, at random", "refused"),
        ("Local names with blanks", "break the protocol of subscribers", "refused"),
        ("Two wildcards of one name", "may end the server", "work"),
        ("Which of several imports of a circle is refused", "random", "the order of the file"),
    ),
    "Operation": (
        ("A wrong flag", "the usage, exit code 0", "one line, exit code 2"),
        ("Keys that nobody knows in `resolver`", "ignored", "a warning"),
        ("`-t`", "makes the resolver's folder", "changes nothing; refuses what would not start"),
        ("STATSZ", "also when connections change", "by the clock alone"),
        ("Profiles (`PROFILEZ`)", "of Go", "an error"),
    ),
}  # fmt: skip
TOOLS: Final = (
    ("`nats`: nobody answers a request", "exit code 0", "1, unless `--allow-no-reply`"),
    ("`nats`: bad usage", "the whole usage on standard output", "one line on standard error"),
    ("`nats`: what strangers send", "control characters reach the terminal, `reply --command` "
     "runs what they say", "shown as `\\u001b`; words of a command stay words"),
    ("`nats`: `consumer add` of a name with other settings", "changes it", "is refused"),
    ("`nats`: lost connections", "wait for the timeout", "end at once, with the reason"),
    ("`nsc`: invalid networks, links, exports", "not every command looks", "refused"),
    ("`nsc`: an edit of one setting", "may reset others", "keeps them"),
    ("`nsc`: two programs at once", "no lock", "`pynsc` and `pynats auth` wait for each other"),
    ("`nsc`: the system account", "deleted like others", "only with `--force`"),
    ("`nats-top`: several servers, accounts, streams", "one server's connections", "all of them"),
)  # fmt: skip


def page() -> str:
    """The page."""
    parts = [HEAD, "\n", table(("part", "where it would be configured"), PARTS), "\n"]
    flags = codes(flag.spelled[0] for flag in FLAGS if flag.later)
    keys = codes(setting.name for setting in TOP_LEVEL.settings if setting.read is None)
    parts.append(filled(f"Keys: {keys}. Flags: {flags}. `pynats` has the commands for clusters: "
                        "they work against nats-server."))  # fmt: skip
    parts.append(_only_here())
    parts.append("## The server\n\n" + filled(
        "The rules behind these, and smaller ones, are in [behaviour](../reference/behaviour.md)."
    ))  # fmt: skip
    for area, rows in SERVER.items():
        shown = [(what, prose(theirs), prose(ours)) for what, theirs, ours in rows]
        parts.append(f"### {area}\n\n{table(('what', 'nats-server', 'pynats-server'), shown)}\n")
    parts.append("## The tools\n\n" + filled(
        "All of `pynats`: [cli-behaviour](../reference/cli-behaviour.md). All of `pynsc`: "
        "[credentials](../guides/credentials.md#where-it-differs-from-nsc)."
    ))  # fmt: skip
    shown = [(what, prose(theirs), prose(ours)) for what, theirs, ours in TOOLS]
    parts.append(table(("what", "original", "here"), shown) + "\n")
    parts.append(_recorded())
    return "".join(parts).rstrip("\n") + "\n"


def _only_here() -> str:
    own_keys = codes(name for name, setting in _keys("", TOP_LEVEL, set()) if setting.ours)
    theirs = inventory()["commands"]
    commands = codes(
        f"pynats {' '.join(path)}" for path, node in every(ROOT)
        if " ".join(path) not in theirs and not node.hidden
    )  # fmt: skip
    return (
        "## What is here only\n\n"
        f"- Keys of the configuration, which nats-server refuses: {own_keys}.\n"
        f"- Commands: {commands}; and the flags marked with **+** in the "
        "[commands](../reference/cli.md).\n"
        "- `/metrics` on the monitoring port ([metrics](../reference/metrics.md)), warnings in "
        "`/healthz?details=1`, `pynats-server store …`, `$SYS.REQ.SERVER.{id}.LOGLEVEL`.\n"
        "- Configuration files in TOML.\n"
        "- The server as a Python object, with pytest fixtures and log-ins decided in Python "
        "([Python API](../reference/python.md)).\n\n"
    )


def _keys(name: str, one: Table, shown: set[int]) -> Iterable[tuple[str, Setting]]:
    shown.add(id(one))
    for setting in one.settings:
        path = f"{name}.{setting.name}" if name else setting.name
        yield path, setting
        if setting.block is not None and id(setting.block) not in shown and not setting.ours:
            yield from _keys(path, setting.block, shown)


def _recorded() -> str:
    parts = [
        "## Recorded differences\n\n",
        filled(
            "The cases of the tests in which the answers differ, with the reason that stands "
            "beside them. Most of them nobody will meet."
        ),
    ]
    for title, reasons in recorded().items():
        rows = ((_told(why), str(count)) for why, count in sorted(reasons.items()))
        parts.append(f"### {title}\n\n{table(('why ours differs', 'cases'), rows)}\n")
    return "".join(parts)


def recorded() -> dict[str, Counter[str]]:
    """Reasons by area, and how many cases each has."""
    replaced = [why for _, _, why in jwt.REPLACED.values()]
    return {
        "Protocol of clients": Counter(case.why for case in PROTOCOL if case.ours is not None),
        "Streams": Counter(
            one.why for one in (*CONFIGURATIONS.values(), *JETSTREAM.values())
        ),
        "Consumers": Counter(one.why for one in CONSUMERS.values()),
        "JWTs": Counter([*jwt.REFUSED.values(), *replaced]),
    }  # fmt: skip


def _told(why: str) -> str:
    text = why.replace("the reference", "nats-server").replace("the real server", "nats-server")
    return prose(text)
