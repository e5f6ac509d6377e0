"""`pynats bench js get`: a stream read without consumers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pynats_common.commandline.declare import opt

from pynats_cli.commands.bench import plan
from pynats_cli.commands.bench.content import check_subject
from pynats_cli.commands.bench.options import Batched, StreamOptions
from pynats_cli.commands.bench.running import measure, target_of
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions

if TYPE_CHECKING:
    from pynats_cli.connect.session import Session


@dataclass(kw_only=True)
class GetOptions(StreamOptions):
    """Flags of `js get sync`."""


@dataclass(kw_only=True)
class BatchesOptions(Batched, StreamOptions):
    """Flags of `js get batch`."""

    filter: Annotated[str, opt("--filter", placeholder="SUBJECT", help="Only these subjects")] = ">"


async def sync(global_options: GlobalOptions, options: GetOptions) -> int | None:
    """Gets one message after the other."""
    planned = plan.Plan.of(plan.GET, options, stream=options.stream)
    return await _get(global_options, options, planned, "sync", {})


async def batches(global_options: GlobalOptions, options: BatchesOptions) -> int | None:
    """Gets batches of messages."""
    check_subject(options.filter)
    planned = plan.Plan.of(
        plan.GET_BATCH, options, batch=options.batch, filter=options.filter, stream=options.stream
    )
    more = {"batch": options.batch, "filter": options.filter}
    return await _get(global_options, options, planned, "batch", more)


async def _get(
    global_options: GlobalOptions,
    options: StreamOptions,
    planned: plan.Plan,
    mode: Literal["sync", "batch"],
    more: dict[str, Any],
) -> int | None:
    async def make(session: Session) -> Any:
        from pynats_bench.clients.getting import GetMessages

        from pynats_cli.commands.bench.prepare.streams import existing

        info = await existing(session, options.stream, f"getting stream '{options.stream}': ")
        direct = bool(info["config"].get("allow_direct"))
        if mode == "batch" and not direct:
            raise CliError(f"stream {options.stream} does not allow direct gets")
        return GetMessages(
            target_of(session),
            clients=planned.clients,
            messages=planned.messages,
            stream=options.stream,
            mode=mode,
            first=max(int(info["state"].get("first_seq") or 0), 1),
            direct=direct,
            sleep_ns=options.sleep,
            timeout_s=session.options.timeout_s,
            **more,
        )

    return await measure(global_options, options, planned, make)
