"""`pynats server check exporter`: checks as a page for Prometheus, until Ctrl-C."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import EXISTING_FILE, UNSIGNED

from pynats_cli.commands.server.check.formats import as_nagios, as_prometheus, encoded
from pynats_cli.commands.server.check.options import CheckOptions
from pynats_cli.screen.output import log
from pynats_cli.servers.checks.result import Status

if TYPE_CHECKING:
    from pynats_cli.global_options import GlobalOptions

_SCRAPE_TIMEOUT_S = 120.0


@dataclass(kw_only=True)
class ExporterOptions(CheckOptions):
    config: Annotated[
        str, opt("--config", placeholder="FILE", help="YAML file of checks", kind=EXISTING_FILE)
    ]
    port: Annotated[int, opt("--port", help="Port to listen on; 0 for any", kind=UNSIGNED)] = 8080
    https_key: Annotated[
        str, opt("--https-key", help="Private key for HTTPS", kind=EXISTING_FILE)
    ] = ""
    https_certificate: Annotated[
        str, opt("--https-certificate", help="Certificate for HTTPS", kind=EXISTING_FILE)
    ] = ""


async def exporter(options: GlobalOptions, chosen: ExporterOptions) -> int:
    """Serves the page. The checks run when it is asked for."""
    from pynats_cli.servers.exporter.collecting import Collector
    from pynats_cli.servers.exporter.config import load_config
    from pynats_cli.servers.exporter.web import served
    from pynats_cli.signals import stop_event

    checks = load_config(Path(chosen.config))
    loop = asyncio.get_running_loop()
    async with Collector(options, checks) as collector:

        async def collect() -> bytes:
            results = await collector.collect()
            for result in results:
                if result.status is not Status.OK:
                    log(as_nagios(result))
            return encoded(as_prometheus(results, chosen.namespace))

        def page() -> bytes:
            return asyncio.run_coroutine_threadsafe(collect(), loop).result(_SCRAPE_TIMEOUT_S)

        with (
            stop_event() as stopped,
            served(chosen.port, page, chosen.https_key, chosen.https_certificate) as url,
        ):
            log(f"Serving {len(checks)} checks on {url}")
            await stopped.wait()
    return stopped.code
