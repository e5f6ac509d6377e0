"""What a health check looks at: flags of the request and the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common.commandline.declare import opt


@dataclass(kw_only=True)
class HealthFlags:
    """Which parts of JetStream are checked."""

    js_enabled: Annotated[
        bool,
        opt("--js-enabled/--no-js-enabled", "-J", help="Whether JetStream is enabled, only"),
    ] = False
    server_only: Annotated[
        bool,
        opt("--server-only/--no-server-only", "-S", help="No streams and consumers"),
    ] = False
    account: Annotated[str, opt("--account", help="Only this account")] = ""
    stream: Annotated[str, opt("--stream", help="Only this stream")] = ""
    consumer: Annotated[str, opt("--consumer", help="Only this consumer")] = ""

    def fields(self) -> dict[str, Any]:
        """Of a request for HEALTHZ."""
        given: dict[str, Any] = {
            "js-enabled-only": self.js_enabled,
            "js-server-only": self.server_only,
            "account": self.account,
            "stream": self.stream,
            "consumer": self.consumer,
        }
        return {name: value for name, value in given.items() if value}
