"""`pynats server report health`: whether every server calls itself healthy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pynats_cli.commands.server.health import HealthFlags
from pynats_cli.commands.server.options import ReportOptions
from pynats_cli.commands.server.running import Report, answers_for, run_report
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.tables import Table
from pynats_cli.servers.system.sources import Source

_OK = 200


@dataclass(kw_only=True)
class HealthOptions(HealthFlags, ReportOptions):
    """Flags of `server report health`."""


async def health(options: GlobalOptions, chosen: HealthOptions) -> None:
    """Report the health of the servers."""

    async def make(source: Source) -> Report:
        request = chosen.fields() | {"details": True}
        documents = await answers_for(source, chosen, "HEALTHZ", request)
        documents.sort(key=_place, reverse=chosen.reverse)
        return Report(documents, lambda: _screen(documents))

    await run_report(options, chosen, make)


def _place(document: dict[str, Any]) -> tuple[str, str]:
    server = document.get("server") or {}
    return str(server.get("cluster") or ""), str(server.get("name") or "")


def _screen(documents: list[dict[str, Any]]) -> str:
    table = Table("Health Report", ("Server", "Cluster", "Domain", "Status", "Type", "Error"))
    healthy = failures = 0
    for document in documents:
        server, data = document["server"], document["data"]
        code = int(data.get("status_code") or 0)
        healthy += code == _OK
        table.add(
            server.get("name") or "", server.get("cluster") or "", server.get("domain") or "",
            f"{data.get('status')} ({code})", "", data.get("error") or "",
        )  # fmt: skip
        failures += bool(data.get("error"))
        for error in data.get("errors") or ():
            failures += 1
            table.add("", "", "", "", error.get("type") or "", error.get("error") or "")
    clusters = {document["server"].get("cluster") or "" for document in documents}
    table.total(
        len(documents), len(clusters), "",
        f"ok: {healthy} / err: {len(documents) - healthy}", "", failures,
    )  # fmt: skip
    return table.render()
