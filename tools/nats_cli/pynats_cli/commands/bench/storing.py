"""`pynats bench js pub`: messages that a stream stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, in_range

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import (
    check_size,
    check_subject,
    headers_of,
    load_payload,
    subjects_shown,
)
from pynats_cli.commands.bench.options import Batched, StoreOptions
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.commands.bench.values import FAST_BATCH
from pynats_cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from pynats_bench.clients.storing import Mode

    from pynats_cli.connect.session import Session

_ATOMIC_LEVEL = 2
_OUTSTANDING_MAX = 65_535


@dataclass(kw_only=True)
class BatchOptions(Batched, StoreOptions):
    """Flags of `js pub async` and `js pub atomic`."""


@dataclass(kw_only=True)
class FastOptions(StoreOptions):
    """Flags of `js pub fast`."""

    batch: Annotated[
        int, opt("--batch", kind=FAST_BATCH, help="Messages to an acknowledgement")
    ] = 500
    max_outstanding_acks: Annotated[
        int, opt("--max-outstanding-acks", kind=in_range(UNSIGNED, 1, _OUTSTANDING_MAX),
                 help="Acknowledgements that may be missing before a client waits")
    ] = 1  # fmt: skip


async def sync(global_options: GlobalOptions, options: StoreOptions) -> int | None:
    """Publishes one message after the other."""
    return await _store(global_options, options, plan.JS_SYNC, "sync", 0)


async def in_batches(global_options: GlobalOptions, options: BatchOptions) -> int | None:
    """Publishes batches of messages, all acknowledged before the next."""
    return await _store(global_options, options, plan.JS_ASYNC, "async", options.batch)


async def atomic(global_options: GlobalOptions, options: BatchOptions) -> int | None:
    """Publishes batches that are stored as a whole."""
    return await _store(global_options, options, plan.JS_ATOMIC, "atomic", options.batch)


async def fast(global_options: GlobalOptions, options: FastOptions) -> int | None:
    """Publishes fast batches."""
    return await _store(global_options, options, plan.JS_FAST, "fast", options.batch)


async def _store(
    global_options: GlobalOptions, options: StoreOptions, kind: plan.Kind, mode: Mode, batch: int
) -> int | None:
    check_subject(options.subject)
    payload, headers = load_payload(options), headers_of(options)
    created = {
        "dedup_window": options.dedupwindow,
        "deduplication": options.dedup,
        "max_bytes": options.maxbytes,
        "replicas": options.replicas,
        "storage": options.storage,
    }
    planned = plan.Plan.of(
        kind,
        options,
        batch=batch,
        purge=options.purge,
        stream=options.stream,
        **subjects_shown(options),
        **(created if options.create else {}),
    )

    async def make(session: Session) -> Any:
        from pynats_bench.clients.storing import PublishStored

        from pynats_cli.commands.bench.prepare.streams import FAST_LEVEL, ready_stream

        if mode == "atomic":
            await session.js.require_level(
                _ATOMIC_LEVEL, "Atomic Batch Publishing requires NATS Server 2.12"
            )
        elif mode == "fast":
            await session.js.require_level(
                FAST_LEVEL, "Fast Batch Publishing requires NATS Server 2.14"
            )
        check_size(session, options)
        await ready_stream(session, options)
        more: dict[str, Any] = {"batch": batch} if batch else {}
        if isinstance(options, FastOptions):
            more["max_outstanding_acks"] = options.max_outstanding_acks
        return PublishStored(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            subject=options.subject,
            size=options.size,
            payload=payload,
            headers=headers,
            mode=mode,
            subjects=options.multisubjectmax if options.multisubject else None,
            randomize=options.multisubjectrandomize,
            dedup=options.dedup,
            sleep_ns=options.sleep,
            rate=float(options.throughput),
            timeout_s=session.options.timeout_s,
            **more,
        )

    return await measure(global_options, options, planned, make)
