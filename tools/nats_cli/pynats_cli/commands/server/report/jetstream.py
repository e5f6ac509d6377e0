"""`pynats server report jetstream`: JetStream of every server, and the meta group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import Choice

from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.report.jetstream_screen import screens
from pynats_cli.commands.server.running import Report, answers_for, run_report
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.servers.system.sources import Source

_SORTS = Choice(
    "name", "cluster", "streams", "consumers", "msgs", "bytes", "mem", "file", "api", "err",
    mbytes="bytes", store="file",
)  # fmt: skip
_MOST = 10_000  # accounts or streams of one answer


@dataclass(kw_only=True)
class JetStreamOptions(ReportOptions):
    """Flags of `server report jetstream`."""

    account: Annotated[str, opt("--account", help="Only this account")] = ""
    sort: Annotated[str, opt("--sort", kind=_SORTS, help="Order of servers")] = "cluster"
    compact: Annotated[
        bool, opt("--compact/--no-compact", help="Leave out what all names end with")
    ] = True
    leaders: Annotated[bool, opt("--leaders", "-l", help="How many leaders each server has")] = (
        False
    )


@dataclass(frozen=True)
class JetStreamOfServer:
    """What one server told, of an account where one was asked for."""

    server: dict[str, Any]
    data: dict[str, Any]
    streams: int
    consumers: int
    messages: int
    size: int
    memory: int
    file: int
    api: int
    errors: int

    @property
    def cluster(self) -> str:
        return str(self.server.get("cluster") or "")

    @property
    def name(self) -> str:
        return str(self.server.get("name") or "")


async def jetstream(options: GlobalOptions, chosen: JetStreamOptions) -> None:
    """Report JetStream of the servers."""
    request: dict[str, Any] = {"raft": True}
    if chosen.account:
        request |= {"account": chosen.account, "streams": True, "consumer": True, "limit": _MOST}

    async def make(source: Source) -> Report:
        documents = await answers_for(source, chosen, "JSZ", request, account=chosen.account)
        rows = [_row(document, chosen.account) for document in documents]
        rows = [row for row in rows if row is not None and not row.data.get("disabled")]
        known = [row for row in rows if row is not None]
        if not known:
            raise CliError(
                f'account "{chosen.account}" has no JetStream on these servers'
                if chosen.account
                else "JetStream is not enabled on any server"
            )
        known.sort(key=lambda row: (row.cluster, row.name))
        known.sort(key=_key(chosen.sort))
        if chosen.reverse:
            known.reverse()
        return Report(
            documents, lambda: screens(known, chosen.account, chosen.compact, chosen.leaders)
        )

    await run_report(options, chosen, make)


def _row(document: dict[str, Any], account: str) -> JetStreamOfServer | None:
    server, data = document["server"], document["data"]
    if account:
        return _of_account(server, data, account)
    api = data.get("api") or {}
    total, errors = _api(api)
    return JetStreamOfServer(
        server, data, _count(data, "streams"), _count(data, "consumers"), _count(data, "messages"),
        _count(data, "bytes"), _count(data, "memory"), _count(data, "storage"), total, errors,
    )  # fmt: skip


def _of_account(
    server: dict[str, Any], data: dict[str, Any], account: str
) -> JetStreamOfServer | None:
    details = next(
        (
            each
            for each in data.get("account_details") or ()
            if account in (each.get("name"), each.get("id"))
        ),
        None,
    )
    if details is None:
        return None
    streams = details.get("stream_detail") or ()
    states = [stream.get("state") or {} for stream in streams]
    memory, file = _count(details, "memory"), _count(details, "storage")
    return JetStreamOfServer(
        server, data, len(streams),
        sum(len(stream.get("consumer_detail") or ()) for stream in streams),
        sum(_count(state, "messages") for state in states),
        memory + file, memory, file, *_api(details.get("api") or {}),
    )  # fmt: skip


def _api(api: dict[str, Any]) -> tuple[int, int]:
    return _count(api, "total"), _count(api, "errors")


def _count(fields: dict[str, Any], name: str) -> int:
    return int(fields.get(name) or 0)


def _key(sort: str) -> Callable[[JetStreamOfServer], Any]:
    names = {"msgs": "messages", "bytes": "size", "mem": "memory", "err": "errors"}
    field = names.get(sort, sort)
    return lambda row: getattr(row, field)
