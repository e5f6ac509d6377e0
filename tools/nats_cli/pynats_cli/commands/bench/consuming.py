"""`pynats bench js ordered`, `consume` and `fetch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.options import Batched, Filtered, Purged, StreamOptions
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.commands.bench.values import CONSUMER, CONSUMER_NAME
from pynats_cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class OrderedOptions(Batched, Purged, Filtered, StreamOptions):
    """Flags of `js ordered`."""


@dataclass(kw_only=True)
class DurableOptions(Batched, Purged, Filtered, StreamOptions):
    """Flags of `js consume` and `js fetch`."""

    consumer: Annotated[
        str,
        opt(
            "--consumer",
            kind=CONSUMER_NAME,
            help="Durable consumer; any but the usual one must exist",
        ),
    ] = CONSUMER
    acks: Annotated[
        Literal["explicit", "none", "all"],
        opt("--acks", kind=Choice("explicit", "none", "all"), help="Acknowledgements"),
    ] = "explicit"
    doubleack: Annotated[
        bool, opt("--doubleack/--no-doubleack", help="Wait for the reply to acknowledgements")
    ] = False


async def ordered(global_options: GlobalOptions, options: OrderedOptions) -> int | None:
    """Consumes through ephemeral ordered consumers."""
    planned = plan.Plan.of(
        plan.ORDERED,
        options,
        filter=options.filter or None,
        purge=options.purge,
        stream=options.stream,
    )

    async def make(session: Session) -> Any:
        from pynats_bench.clients.consumer_config import consumer_config
        from pynats_bench.clients.consuming import ConsumeOrdered

        from pynats_cli.commands.bench.prepare.consumers import create_ephemeral, new_names

        await _ready_stream(session, options)
        configs = [
            consumer_config(
                "ordered", name=name, batch=options.batch, clients=planned.clients,
                filters=options.filter,
            )
            for name in new_names(planned.clients)
        ]  # fmt: skip
        return ConsumeOrdered(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            stream=options.stream,
            consumers=await create_ephemeral(session, options.stream, configs),
            batch=options.batch,
            sleep_ns=options.sleep,
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)


async def consume(global_options: GlobalOptions, options: DurableOptions) -> int | None:
    """Consumes through a durable consumer, as messages come."""
    return await _durable(global_options, options, plan.CONSUME, "consume")


async def fetch(global_options: GlobalOptions, options: DurableOptions) -> int | None:
    """Consumes through a durable consumer, batch after batch."""
    return await _durable(global_options, options, plan.FETCH, "fetch")


async def _durable(
    global_options: GlobalOptions,
    options: DurableOptions,
    kind: plan.Kind,
    way: Literal["consume", "fetch"],
) -> int | None:
    planned = plan.Plan.of(
        kind,
        options,
        acks=options.acks,
        batch=options.batch,
        consumer=options.consumer,
        double_acked=options.doubleack,
        filter=options.filter or None,
        purge=options.purge,
        stream=options.stream,
    )

    async def make(session: Session) -> Any:
        from pynats_bench.clients.consumer_config import consumer_config
        from pynats_bench.clients.consuming import Consume, Fetch

        from pynats_cli.commands.bench.prepare.consumers import existing, ready_durable

        await _ready_stream(session, options)
        if options.consumer == CONSUMER:
            config = consumer_config(
                way, name=CONSUMER, acks=options.acks, batch=options.batch,
                clients=planned.clients, filters=options.filter,
            )  # fmt: skip
            await ready_durable(session, options.stream, config)
        else:
            await existing(session, options.stream, options.consumer)
        return (Consume if way == "consume" else Fetch)(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            stream=options.stream,
            consumer=options.consumer,
            acks=options.acks,
            double_ack=options.doubleack,
            batch=options.batch,
            sleep_ns=options.sleep,
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)


async def _ready_stream(session: Session, options: OrderedOptions | DurableOptions) -> None:
    from pynats_cli.commands.bench.prepare import streams

    await streams.existing(session, options.stream, f"getting stream '{options.stream}': ")
    if options.purge:
        await streams.purge(session, options.stream)
