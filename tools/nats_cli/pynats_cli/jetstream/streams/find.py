"""Choosing streams by what they are: `stream find`, `stream cluster balance`."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, REGEX, UNSIGNED
from pynats_common.go.times import parse_instant_ns

from pynats_cli.expressions import Duration, Expression, Instant, compile_expression
from pynats_cli.jetstream.streams.screen import idle_ns
from pynats_cli.screen import human

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session

Info = dict[str, Any]
_NAMES = ("config", "state", "info", "Info", "Config", "State")
# Fields that are spelled otherwise in Go, as some expressions do.
_GO_NAMES = {
    "msgs": "messages", "firsttime": "firstts", "lasttime": "lastts", "consumers": "consumercount",
    "maxmsgsper": "maxmsgspersubject", "replicas": "numreplicas", "duplicates": "duplicatewindow",
    "rollupallowed": "allowrolluphdrs", "discardnewper": "discardnewpersubject",
    "firstsequence": "firstseq", "deleted": "numdeleted",
}  # fmt: skip
_DURATIONS = ("max_age", "duplicate_window", "subject_delete_marker_ttl")


@dataclass(kw_only=True)
class FindFlags:
    """Which streams."""

    server_name: Annotated[
        re.Pattern[str] | None,
        opt("--server-name", help="On servers whose names match", kind=REGEX),
    ] = None
    cluster: Annotated[
        re.Pattern[str] | None,
        opt("--cluster", help="In clusters whose names match", kind=REGEX),
    ] = None
    empty: Annotated[bool, opt("--empty", help="Without messages")] = False
    idle: Annotated[
        int | None,
        opt("--idle", help="No message and no delivery for so long", kind=DURATION),
    ] = None
    created: Annotated[int | None, opt("--created", help="Created longer ago", kind=DURATION)] = (
        None
    )
    consumers: Annotated[
        int | None, opt("--consumers", help="At most so many consumers", placeholder="N")
    ] = None
    subject: Annotated[
        str, opt("--subject", help="Subjects within this one", placeholder="SUBJECT")
    ] = ""
    replicas: Annotated[
        int | None, opt("--replicas", help="At most so many replicas", kind=UNSIGNED)
    ] = None
    sourced: Annotated[bool, opt("--sourced", help="With sources")] = False
    mirrored: Annotated[bool, opt("--mirrored", help="Mirrors")] = False
    leader: Annotated[str, opt("--leader", help="Led by this server", placeholder="SERVER")] = ""
    invert: Annotated[bool | None, opt("--invert/--no-invert", help="Those that do not match")] = (
        None
    )
    expression: Annotated[
        str, opt("--expression", help="For which this is true: 'state.messages > 10'")
    ] = ""
    api_level: int | None = None


async def matching(session: Session, flags: FindFlags) -> list[Info]:
    """The streams that match all that was asked for, by name. Raises CliError."""
    expression = (
        compile_expression(flags.expression, _NAMES, _GO_NAMES) if flags.expression else None
    )
    now = time.time_ns()
    found = []
    for info in await session.js.streams():
        same = matches(info, flags, expression, now)
        if same and flags.idle is not None:
            same = await _consumers_idle(session, info, now - flags.idle)
        if same != bool(flags.invert):
            found.append(info)
    return found


def matches(info: Info, flags: FindFlags, expression: Expression | None, now_ns: int) -> bool:
    """All that a stream's information tells."""
    config, state = info["config"], info["state"]
    cluster = info.get("cluster") or {}
    checks = (
        flags.server_name is None or any(flags.server_name.search(n) for n in servers_of(cluster)),
        flags.cluster is None or bool(flags.cluster.search(cluster.get("name") or "")),
        not flags.empty or state.get("messages", 0) == 0,
        flags.idle is None or idle_ns(state, now_ns) > flags.idle,
        flags.created is None or now_ns - parse_instant_ns(info["created"]) > flags.created,
        flags.consumers is None or state.get("consumer_count", 0) <= flags.consumers,
        not flags.subject or _within(config.get("subjects") or [], flags.subject),
        flags.replicas is None or config.get("num_replicas", 1) <= flags.replicas,
        not flags.sourced or bool(config.get("sources")),
        not flags.mirrored or bool(config.get("mirror")),
        not flags.leader or (bool(cluster.get("name")) and cluster.get("leader") == flags.leader),
        flags.api_level is None or api_level(config) >= flags.api_level,
    )
    return all(checks) and (expression is None or expression.matches(environment(info)))


def servers_of(cluster: dict[str, Any]) -> list[str]:
    """Names of the servers of a group; none without a cluster."""
    if not cluster.get("name"):
        return []
    leader = [cluster["leader"]] if cluster.get("leader") else []
    return leader + [replica["name"] for replica in cluster.get("replicas") or []]


def api_level(config: dict[str, Any]) -> int:
    """The API level that a stream needs."""
    text = (config.get("metadata") or {}).get("_nats.req.level", "0")
    return int(text) if text.isdecimal() else 0


def _within(subjects: list[str], wanted: str) -> bool:
    return any(is_subset(subject, wanted) for subject in subjects)


def is_subset(subject: str, pattern: str) -> bool:
    """Whether everything that the one matches, the other matches too."""
    own, wide = subject.split("."), pattern.split(".")
    for index, token in enumerate(wide):
        if token == ">":
            return len(own) > index
        if index >= len(own) or own[index] == ">":
            return False
        if token != "*" and token != own[index]:
            return False
    return len(own) == len(wide)


async def _consumers_idle(session: Session, info: Info, since_ns: int) -> bool:
    for consumer in await session.js.consumers(info["config"]["name"]):
        active = (consumer.get("delivered") or {}).get("last_active")
        if active and not human.is_zero_time(active) and parse_instant_ns(active) >= since_ns:
            return False
    return True


def environment(info: Info) -> dict[str, Any]:
    """What an expression sees: every field, times and durations as such."""
    config = {"description": "", "subjects": [], "metadata": {}, **info["config"]}
    config |= {name: Duration(config.get(name) or 0) for name in _DURATIONS}
    state = {"num_deleted": 0, "num_subjects": 0, "consumer_count": 0, **info["state"]}
    for name in ("first_ts", "last_ts"):
        if isinstance(state.get(name), str):
            state[name] = _instant(state[name])
    whole = {**info, "config": config, "state": state}
    if isinstance(whole.get("created"), str):
        whole["created"] = _instant(whole["created"])
    return {"config": config, "Config": config, "state": state, "State": state, "info": whole,
            "Info": whole}  # fmt: skip


def _instant(text: str) -> Instant:
    return Instant(parse_instant_ns(text))
