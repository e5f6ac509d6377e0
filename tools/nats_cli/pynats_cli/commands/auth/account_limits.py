"""The limits of an account: flags of `auth account add` and `edit`, questions, and the claims."""

from __future__ import annotations

import time
from dataclasses import field
from typing import Annotated

from pynats_common import jwt
from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import DURATION, INTEGER, SIZE, Choice
from pynats_common.jwt.types import NO_LIMIT, AccountLimits
from pynats_common.records import dataclass

from pynats_cli.errors import CliError
from pynats_cli.identities.account_screens import has_jetstream
from pynats_cli.identities.changes import change_tags
from pynats_cli.screen.ask import ask

_STORAGE = "1GB"
_NS = 1_000_000_000


@dataclass(kw_only=True)
class LimitOptions:
    """None is not given: `add` has no limit then, `edit` keeps what there is."""

    bearer: Annotated[bool | None, opt("--bearer/--no-bearer", help="Allow bearer tokens")] = None
    connections: Annotated[
        int | None, opt("--connections", help="Connections, -1 for no limit", kind=INTEGER)
    ] = None
    expiry: Annotated[
        int | None, opt("--expiry", help="Time until the account expires, 0 for never",
                        kind=DURATION)
    ] = None  # fmt: skip
    exports: Annotated[int | None, opt("--exports", help="Exports", kind=INTEGER)] = None
    imports: Annotated[int | None, opt("--imports", help="Imports", kind=INTEGER)] = None
    jetstream: Annotated[
        bool | None, opt("--jetstream/--no-jetstream", help="Let it use JetStream")
    ] = None
    js_consumers: Annotated[
        int | None, opt("--js-consumers", help="Consumers of a stream", kind=INTEGER)
    ] = None
    js_disk: Annotated[int | None, opt("--js-disk", help="Bytes on disk", kind=SIZE)] = None
    js_disk_stream: Annotated[
        int | None, opt("--js-disk-stream", help="Bytes of a stream on disk", kind=SIZE)
    ] = None
    js_max_pending: Annotated[
        int | None, opt("--js-max-pending", help="Unacknowledged messages of a consumer",
                        kind=INTEGER)
    ] = None  # fmt: skip
    js_memory: Annotated[int | None, opt("--js-memory", help="Bytes in memory", kind=SIZE)] = None
    js_memory_stream: Annotated[
        int | None, opt("--js-memory-stream", help="Bytes of a stream in memory", kind=SIZE)
    ] = None
    js_stream_size_required: Annotated[
        bool, opt("--js-stream-size-required", help="Streams must have a maximum size")
    ] = False
    js_streams: Annotated[int | None, opt("--js-streams", help="Streams", kind=INTEGER)] = None
    js_cluster_traffic: Annotated[
        str, opt("--js-cluster-traffic", help="Account that carries its traffic in clusters",
                 kind=Choice("owner", "system"))
    ] = ""  # fmt: skip
    leafnodes: Annotated[
        int | None, opt("--leafnodes", help="Leaf node connections", kind=INTEGER)
    ] = None
    payload: Annotated[int | None, opt("--payload", help="Bytes of a message", kind=SIZE)] = None
    subscriptions: Annotated[
        int | None, opt("--subscriptions", help="Subscriptions", kind=INTEGER)
    ] = None
    tags: Annotated[list[str], opt("--tags", help="Tags to add")] = field(default_factory=list)


_PLAIN = (("connections", "conn"), ("exports", "exports"), ("imports", "imports"),
          ("leafnodes", "leaf"), ("payload", "payload"), ("subscriptions", "subs"))  # fmt: skip
_JETSTREAM = (("js_consumers", "consumer"), ("js_disk", "disk_storage"),
              ("js_disk_stream", "disk_max_stream_bytes"), ("js_max_pending", "max_ack_pending"),
              ("js_memory", "mem_storage"), ("js_memory_stream", "mem_max_stream_bytes"),
              ("js_streams", "streams"))  # fmt: skip


def ask_limits(options: LimitOptions, defaults: bool) -> None:
    """Asks for the limits of a new account that were not given, unless `defaults` is set."""
    if not defaults:
        if options.connections is None:
            options.connections = _number("Maximum Connections", "--connections")
        if options.subscriptions is None:
            options.subscriptions = _number("Maximum Subscriptions", "--subscriptions")
    if options.jetstream:
        ask_storage(options, defaults)


def ask_storage(options: LimitOptions, defaults: bool = False) -> None:
    """JetStream needs both limits: without one of them, servers leave it off."""
    for name, kind in (("js_disk", "Disk"), ("js_memory", "Memory")):
        if getattr(options, name) is None:
            question = f"Maximum JetStream {kind} Storage"
            flag = f"--{name.replace('_', '-')}"
            text = _STORAGE if defaults else ask(question, _STORAGE, SIZE.parse, missing=flag)
            setattr(options, name, SIZE.parse(text))


def _number(question: str, flag: str) -> int:
    text = ask(question, "-1", INTEGER.parse, missing=f"{flag} or --defaults")
    return int(INTEGER.parse(text))


def apply_limits(claims: jwt.AccountClaims, options: LimitOptions) -> None:
    """Sets what was given."""
    limits = claims.nats.limits
    for name, target in _PLAIN:
        value = getattr(options, name)
        if value is not None:
            setattr(limits, target, value)
    if options.bearer is not None:
        limits.disallow_bearer = not options.bearer
    if options.expiry is not None:
        if options.expiry < 0:
            raise CliError("--expiry: cannot be negative")
        claims.exp = int(time.time()) + options.expiry // _NS if options.expiry else 0
    if options.js_cluster_traffic:
        claims.nats.cluster_traffic = options.js_cluster_traffic
    _apply_jetstream(limits, options)
    change_tags(claims.nats.tags, options.tags)


def _apply_jetstream(limits: AccountLimits, options: LimitOptions) -> None:
    if options.jetstream is False:
        for _, target in _JETSTREAM:
            setattr(limits, target, 0)
        limits.max_bytes_required = False
        return
    if options.jetstream and not has_jetstream(limits):
        limits.streams = limits.consumer = NO_LIMIT
    if not (options.jetstream or has_jetstream(limits)):
        return
    for name, target in _JETSTREAM:
        value = getattr(options, name)
        if value is not None:
            setattr(limits, target, value)
    if options.js_stream_size_required:
        limits.max_bytes_required = True
