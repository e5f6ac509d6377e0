"""`pynats server report downgrade`: streams and consumers that need a newer JetStream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.commands.server.options import Archived, Reversed
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import note, show
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.sources import needs_answers, open_source

_LEVEL = "_nats.req.level"
_PAGE = 1024


@dataclass(kw_only=True)
class DowngradeOptions(Reversed, Archived, Shown):
    """Flags of `server report downgrade`."""

    api: Annotated[int, arg("API level that shall be enough", UNSIGNED)]
    all: Annotated[
        bool, opt("--all", help="Also consumers of streams that are listed, marked by *")
    ] = False


async def downgrade(options: GlobalOptions, chosen: DowngradeOptions) -> None:
    """List what needs a higher API level of JetStream."""
    request = {"accounts": True, "streams": True, "consumer": True, "config": True, "limit": _PAGE}
    async with open_source(options, chosen.archive) as source:
        if chosen.form == "table":
            note("Obtaining JetStream Asset information")
        documents = needs_answers(await source.ask("JSZ", request, items="account_details"))
    streams, consumers = _found(documents, chosen.api, chosen.all)
    if chosen.reverse:
        streams.reverse()
        consumers.reverse()
    data = {"streams": streams, "consumers": consumers}
    show(chosen, {name: found for name, found in data.items() if found},
         lambda: _screen(streams, consumers))  # fmt: skip


Rows = list[dict[str, Any]]


def _found(documents: Rows, target: int, every: bool) -> tuple[Rows, Rows]:
    """Streams and consumers above the level, each once, however many replicas told it."""
    streams: dict[tuple[str, str], dict[str, Any]] = {}
    consumers: dict[tuple[str, str, str], dict[str, Any]] = {}
    for account, stream in _streams(documents):
        name = str(stream.get("name") or "")
        level = _level(stream)
        if level > target:
            streams[account, name] = {"account": account, "name": name, "api_level": level}
        for consumer in stream.get("consumer_detail") or ():
            needs = _level(consumer)
            if needs > target or (every and level > target):
                consumers[account, name, str(consumer.get("name"))] = {
                    "account": account,
                    "name": consumer.get("name"),
                    "stream": f"{name}*" if level > target else name,
                    "api_level": needs,
                }
    return [streams[key] for key in sorted(streams)], [consumers[key] for key in sorted(consumers)]


def _streams(documents: Rows) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents:
        for account in (document.get("data") or {}).get("account_details") or ():
            for stream in account.get("stream_detail") or ():
                yield str(account.get("name") or account.get("id") or ""), stream


def _level(asset: dict[str, Any]) -> int:
    text = str(((asset.get("config") or {}).get("metadata") or {}).get(_LEVEL) or "0")
    return int(text) if text.isdecimal() else 0


def _screen(streams: Rows, consumers: Rows) -> str:
    if not streams and not consumers:
        return "All assets are compatible with the specified API level."
    tables = []
    if streams:
        table = Table("Assets: Streams", ("Account", "Stream", "Required API level"))
        for row in streams:
            table.add(row["account"], row["name"], row["api_level"])
        tables.append(table.render())
    if consumers:
        table = Table("Assets: Consumers", ("Account", "Stream", "Consumer", "Required API level"))
        for row in consumers:
            table.add(row["account"], row["stream"], row["name"], row["api_level"])
        tables.append(table.render())
    return "\n\n".join(tables)
