"""`pynats bench service request` and `service serve`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import check_size, check_subject, headers_of, load_payload
from pynats_cli.commands.bench.options import Content, Paced, ServiceOptions, Subject
from pynats_cli.commands.bench.running import STAGE, measure, target_of
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from pynats_bench.clients.core import Serve

    from pynats_cli.connect.session import Session

SERVICE = "nats-bench-service"
ENDPOINT = "default"
PERMISSIONS = "Permissions Violation"


@dataclass(kw_only=True)
class RequestOptions(Subject, Content, Paced, ServiceOptions):
    """Flags of `service request`."""


@dataclass(kw_only=True)
class ServeOptions(Subject, ServiceOptions):
    """Flags of `service serve`."""


async def request(global_options: GlobalOptions, options: RequestOptions) -> int | None:
    """Sends requests, each after the reply to the one before."""
    check_subject(options.subject)
    payload, headers = load_payload(options), headers_of(options)
    planned = plan.Plan.of(plan.REQUEST, options, subject=options.subject)

    async def make(session: Session) -> Any:
        from pynats_bench.clients.core import Request

        check_size(session, options)
        return Request(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            subject=options.subject,
            size=options.size,
            payload=payload,
            headers=headers,
            sleep_ns=options.sleep,
            rate=float(options.throughput),
            timeout_s=session.options.timeout_s,
        )

    return await measure(global_options, options, planned, make)


async def _make_known(session: Session, bench: Serve, subject: str) -> None:
    """Each client is an instance of a service, about which the session answers. Raises CliError."""
    from pynats_bench.clients.core import QUEUE

    from pynats_cli.messages.micro.instances import Instance, Work, announce

    instances = [
        Instance(name=SERVICE, endpoint=ENDPOINT, subject=subject, group=QUEUE)
        for _ in range(bench.clients)
    ]

    def work() -> list[Work]:
        # Of those that are connected: at the beginning they become more.
        done = zip(bench.progress(), bench.work_ns(), strict=False)
        made = [Work(requests=messages, processing_ns=worked) for messages, worked in done]
        return made + [Work()] * (len(instances) - len(made))

    await announce(session, instances, work)
    try:
        await session.check()
    except CliError as error:
        if PERMISSIONS not in str(error):
            raise
        bench.warnings.append(f"others did not find this service: {error}")


async def serve(global_options: GlobalOptions, options: ServeOptions) -> int | None:
    """Answers requests until it is interrupted."""
    check_subject(options.subject)
    planned = plan.Plan.of(plan.SERVE, options, subject=options.subject)

    async def make(session: Session) -> Any:
        from pynats_bench.clients.core import Serve

        bench = Serve(
            target_of(session),
            clients=planned.clients,
            subject=options.subject,
            sleep_ns=options.sleep,
            timeout_s=session.options.timeout_s,
        )
        if STAGE.get() is None:
            await _make_known(session, bench, options.subject)
        return bench

    return await measure(global_options, options, planned, make)
