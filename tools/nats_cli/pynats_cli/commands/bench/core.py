"""`pynats bench pub` and `bench sub`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.commandline.declare import opt

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import (
    check_size,
    check_subject,
    every_subject,
    headers_of,
    load_payload,
    subjects_shown,
)
from pynats_cli.commands.bench.options import (
    BenchOptions,
    Content,
    ManySubjects,
    Paced,
    Slept,
    Subject,
)
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class PubOptions(Subject, Slept, ManySubjects, Content, Paced):
    """Flags of `bench pub`."""


@dataclass(kw_only=True)
class SubOptions(Subject, BenchOptions):
    """Flags of `bench sub`."""

    multisubject: Annotated[
        bool, opt("--multisubject", help="Receive from all subjects of a --multisubject publisher")
    ] = False


async def pub(global_options: GlobalOptions, options: PubOptions) -> int | None:
    """Publishes messages."""
    check_subject(options.subject)
    payload, headers = load_payload(options), headers_of(options)
    planned = plan.Plan.of(plan.PUB, options, **subjects_shown(options))

    async def make(session: Session) -> Any:
        from pynats_bench.clients.core import Publish

        check_size(session, options)
        waits = session.options.given_timeout_s
        return Publish(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            subject=options.subject,
            size=options.size,
            payload=payload,
            headers=headers,
            subjects=options.multisubjectmax if options.multisubject else None,
            randomize=options.multisubjectrandomize,
            sleep_ns=options.sleep,
            rate=float(options.throughput),
            **({} if waits is None else {"timeout_s": waits}),
        )

    return await measure(global_options, options, planned, make)


async def sub(global_options: GlobalOptions, options: SubOptions) -> int | None:
    """Receives messages."""
    check_subject(options.subject)
    planned = plan.Plan.of(
        plan.SUB, options, multi_subject=options.multisubject, subject=every_subject(options)
    )

    async def make(session: Session) -> Any:
        from pynats_bench.clients.core import Subscribe

        return Subscribe(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            subject=every_subject(options),
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)
