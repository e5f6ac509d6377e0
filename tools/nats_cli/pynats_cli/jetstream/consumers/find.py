"""Which consumers match the filters of a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, UNSIGNED
from pynats_common.go.times import parse_time_ns

from pynats_cli.jetstream.consumers.config_file import DURATIONS, TIMES, zero_config
from pynats_cli.jetstream.consumers.screen import is_pull

Info = dict[str, Any]


@dataclass(kw_only=True)
class FindFlags:
    """Filters; a consumer has to pass all that are given."""

    pull: Annotated[bool, opt("--pull", help="Only pull consumers")] = False
    push: Annotated[bool, opt("--push", help="Only push consumers")] = False
    bound: Annotated[bool, opt("--bound", help="Only with a subscriber or waiting pulls")] = False
    waiting: Annotated[
        int, opt("--waiting", help="With fewer waiting pulls, but some", kind=UNSIGNED)
    ] = 0
    ack_pending: Annotated[
        int, opt("--ack-pending", help="With fewer pending acks, but some", kind=UNSIGNED)
    ] = 0
    pending: Annotated[
        int, opt("--pending", help="With fewer unprocessed messages, but some", kind=UNSIGNED)
    ] = 0
    idle: Annotated[int, opt("--idle", help="Without a delivery for this long", kind=DURATION)] = 0
    created: Annotated[
        int, opt("--created", help="Created longer ago than this", kind=DURATION)
    ] = 0
    replicas: Annotated[
        int, opt("--replicas", help="With as many replicas or fewer", kind=UNSIGNED)
    ] = 0
    leader: Annotated[
        str, opt("--leader", help="With this server as leader", placeholder="SERVER")
    ] = ""
    pinned: Annotated[
        bool, opt("--pinned", help="Whose priority groups all have a pinned client")
    ] = False
    invert: Annotated[bool, opt("--invert/--no-invert", help="Turn each filter around")] = False
    expression: Annotated[
        str, opt("--expression", help="With this expression true", placeholder="EXPR")
    ] = ""


def matching(consumers: list[Info], flags: FindFlags, stream_replicas: int = 1,
             api_level: int = 0) -> list[Info]:  # fmt: skip
    """The consumers that pass. Raises CliError for a bad expression."""
    tests = _tests(flags, stream_replicas, api_level, time.time_ns())
    found = [consumer for consumer in consumers if all(test(consumer) for test in tests)]
    if not flags.expression:
        return found
    matches = _expression(flags.expression)
    return [consumer for consumer in found if matches(consumer) != flags.invert]


def _tests(
    flags: FindFlags, stream_replicas: int, api_level: int, now_ns: int
) -> list[Callable[[Info], bool]]:
    invert = flags.invert
    tests: list[Callable[[Info], bool]] = []

    def add(wanted: object, test: Callable[[Info], bool], only: Callable[[Info], bool]) -> None:
        """A filter that is turned around among the consumers to which it applies."""
        if wanted:
            tests.append(lambda info: only(info) and test(info) != invert)

    add(flags.pull, lambda info: is_pull(info["config"]), _any)
    add(flags.push, lambda info: not is_pull(info["config"]), _any)
    add(flags.bound, _is_bound, _any)
    for wanted, name in (
        (flags.waiting, "num_waiting"),
        (flags.ack_pending, "num_ack_pending"),
        (flags.pending, "num_pending"),
    ):
        add(wanted, _fewer(name, wanted, invert), _some(name))
    add(flags.idle, lambda info: _idle_ns(info, now_ns) >= flags.idle, _any)
    add(flags.created, lambda info: now_ns - _created_ns(info) >= flags.created, _any)
    if flags.replicas:
        tests.append(_replica_test(flags.replicas, stream_replicas, invert))
    add(flags.leader, lambda info: info["cluster"].get("leader", "") == flags.leader, _clustered)
    add(flags.pinned, _is_pinned, _is_pinned_client)
    add(api_level, lambda info: _required_level(info) >= api_level, _any)
    return tests


def _any(_info: Info) -> bool:
    return True


def _clustered(info: Info) -> bool:
    return bool(info.get("cluster"))


def _some(name: str) -> Callable[[Info], bool]:
    return lambda info: int(info.get(name, 0)) > 0


def _fewer(name: str, limit: int, invert: bool) -> Callable[[Info], bool]:
    # Turned around it is "more": who has exactly as many is in neither list.
    return lambda info: int(info.get(name, 0)) < limit + invert


def _replica_test(limit: int, stream_replicas: int, invert: bool) -> Callable[[Info], bool]:
    """Fewer or as many; turned around, more or as many."""

    def test(info: Info) -> bool:
        replicas = int(info["config"].get("num_replicas") or stream_replicas)
        return replicas >= limit if invert else replicas <= limit

    return test


def _is_bound(info: Info) -> bool:
    return bool(info.get("push_bound")) or int(info.get("num_waiting", 0)) > 0


def _is_pinned_client(info: Info) -> bool:
    return bool(info["config"].get("priority_policy") == "pinned_client")


def _is_pinned(info: Info) -> bool:
    groups = info.get("priority_groups") or []
    pinned = sum(1 for group in groups if group.get("pinned_client_id"))
    return pinned == len(info["config"].get("priority_groups") or [])


def _created_ns(info: Info) -> int:
    return parse_time_ns(info["created"])


def _idle_ns(info: Info, now_ns: int) -> int:
    """Time since the last delivery, or since a consumer that delivered nothing was created."""
    active = info.get("delivered", {}).get("last_active")
    return now_ns - (parse_time_ns(active) if active else _created_ns(info))


def _required_level(info: Info) -> int:
    level = (info["config"].get("metadata") or {}).get("_nats.req.level", "0")
    return int(level) if level.isascii() and level.isdigit() else 0


_NAMES = ("config", "state", "info", "Info")
# Members by the names that they have in Go, which expressions written for `nats` use.
_ALIASES = {
    "ackfloor": "ackfloor", "consumer": "consumerseq", "durable": "durablename",
    "heartbeat": "idleheartbeat", "last": "lastactive", "maxrequestbatch": "maxbatch",
    "maxrequestexpires": "maxexpires", "maxrequestmaxbytes": "maxbytes",
    "memorystorage": "memstorage", "optstartsequence": "optstartseq", "pinnedttl":
    "prioritytimeout", "ratelimit": "ratelimitbps", "replicas": "numreplicas",
    "samplefrequency": "samplefreq", "stream": "streamseq", "timestamp": "ts",
}  # fmt: skip


def _expression(text: str) -> Callable[[Info], bool]:
    from pynats_cli.expressions import compile_expression

    expression = compile_expression(text, _NAMES, _ALIASES)

    def matches(info: Info) -> bool:
        data = _typed(info)
        names = {"config": data["config"], "state": data, "info": data, "Info": data}
        return expression.matches(names)

    return matches


def _typed(info: Info) -> Info:
    """What the API tells, with what it leaves out, and with durations and times as such."""
    from pynats_cli.expressions import Duration, Instant

    config = zero_config() | info["config"]
    for name in DURATIONS:
        config[name] = Duration(int(config[name]))
    for name in TIMES:
        config[name] = Instant(parse_time_ns(config[name]))
    typed = {**info, "config": config}
    for name in ("created", "ts"):
        if typed.get(name):
            typed[name] = Instant(parse_time_ns(typed[name]))
    return typed
