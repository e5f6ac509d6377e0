"""`pynats bench oldjs`: consumers as the first clients of JetStream used them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED, in_range

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import check_subject, every_subject
from pynats_cli.commands.bench.options import Batched, StreamOptions, Subject
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.commands.bench.values import CONSUMER, CONSUMER_NAME
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import log

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class OrderedOptions(Subject, StreamOptions):
    """Flags of `oldjs ordered`."""

    multisubject: Annotated[
        bool, opt("--multisubject", help="All subjects of a --multisubject publisher")
    ] = False


@dataclass(kw_only=True)
class DurableOptions(Subject, StreamOptions):
    """Flags of both durable consumers."""

    consumer: Annotated[
        str, opt("--consumer", kind=CONSUMER_NAME, help="Name of the durable consumer")
    ] = CONSUMER
    ack: Annotated[bool, opt("--ack/--no-ack", help="Acknowledge each message")] = True
    doubleack: Annotated[
        bool, opt("--doubleack/--no-doubleack", help="Wait for the reply to acknowledgements")
    ] = False

    @property
    def acks(self) -> Literal["explicit", "none"]:
        return "explicit" if self.ack else "none"


@dataclass(kw_only=True)
class PushOptions(DurableOptions):
    """Flags of `oldjs push`."""

    maxacks: Annotated[
        int, opt("--maxacks", kind=in_range(UNSIGNED, 1),
                 help="Messages of each client that may be unacknowledged")
    ] = 500  # fmt: skip


@dataclass(kw_only=True)
class PullOptions(Batched, DurableOptions):
    """Flags of `oldjs pull`."""


async def ordered(global_options: GlobalOptions, options: OrderedOptions) -> int | None:
    """Consumes through ephemeral ordered push consumers."""
    subject = check_subject(every_subject(options))
    planned = plan.Plan.of(
        plan.OLD_ORDERED, options, multi_subject=options.multisubject, stream=options.stream
    )

    async def make(session: Session) -> Any:
        from pynats_bench.clients.consumer_config import consumer_config
        from pynats_bench.clients.consuming import OldOrdered

        from pynats_cli.commands.bench.prepare import streams
        from pynats_cli.commands.bench.prepare.consumers import create_ephemeral, new_names

        await streams.existing(session, options.stream, f"getting stream '{options.stream}': ")
        names = new_names(planned.clients)
        inboxes = [session.inbox for _ in names]
        configs = [
            consumer_config(
                "old-ordered", name=name, clients=planned.clients, filters=[subject], deliver=inbox
            )
            for name, inbox in zip(names, inboxes, strict=True)
        ]
        return OldOrdered(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            stream=options.stream,
            consumers=await create_ephemeral(session, options.stream, configs),
            inboxes=inboxes,
            sleep_ns=options.sleep,
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)


async def push(global_options: GlobalOptions, options: PushOptions) -> int | None:
    """Consumes through a durable push consumer."""
    planned = plan.Plan.of(plan.OLD_PUSH, options, **_shown(options))

    async def make(session: Session) -> Any:
        from pynats_bench.clients.consuming import OldPush

        await _ready(session, options, "old-push", planned, max_acks=options.maxacks)
        how = "explicitly" if options.ack else "not"
        log(f"Defined durable {how} acked push consumer: {options.consumer}")
        return OldPush(target_of(session), **_settings(session, options, planned))

    return await measure(global_options, options, planned, make)


async def pull(global_options: GlobalOptions, options: PullOptions) -> int | None:
    """Consumes through a durable pull consumer."""
    planned = plan.Plan.of(plan.OLD_PULL, options, batch=options.batch, **_shown(options))

    async def make(session: Session) -> Any:
        from pynats_bench.clients.consuming import OldPull

        await _ready(session, options, "old-pull", planned, batch=options.batch)
        settings = _settings(session, options, planned)
        return OldPull(target_of(session), batch=options.batch, **settings)

    return await measure(global_options, options, planned, make)


def _shown(options: DurableOptions) -> dict[str, Any]:
    check_subject(options.subject)
    return {
        "acked": options.ack,
        "consumer": options.consumer,
        "double_acked": options.doubleack,
        "stream": options.stream,
    }


async def _ready(
    session: Session,
    options: DurableOptions,
    way: Literal["old-push", "old-pull"],
    planned: plan.Plan,
    *,
    batch: int = 500,
    max_acks: int = 500,
) -> None:
    from pynats_bench.clients.consumer_config import consumer_config

    from pynats_cli.commands.bench.prepare.consumers import ready_durable

    config = consumer_config(
        way, name=options.consumer, acks=options.acks, clients=planned.clients,
        filters=[options.subject], batch=batch, max_acks=max_acks,
    )  # fmt: skip
    await ready_durable(session, options.stream, config)


def _settings(session: Session, options: DurableOptions, planned: plan.Plan) -> dict[str, Any]:
    return {
        "clients": planned.clients,
        "messages": planned.messages,
        "stream": options.stream,
        "consumer": options.consumer,
        "acks": options.acks,
        "double_ack": options.doubleack,
        "sleep_ns": options.sleep,
        "timeout_s": session.options.timeout_s,
    }
