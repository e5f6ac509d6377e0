"""/healthz: whether the server can serve (server-inventory 4.10)."""

from __future__ import annotations

import msgspec

from pynats_server.monitor.query import Query
from pynats_server.monitor.source import MonitorSource

NOT_READY = "server is not ready for connections"


class HealthError(msgspec.Struct, kw_only=True):
    type: str
    error: str


class Health(msgspec.Struct, omit_defaults=True, kw_only=True):
    status: str
    error: str = ""
    errors: list[HealthError] = msgspec.field(default_factory=list)


class HealthRequest(msgspec.Struct, kw_only=True):
    """The parameters, checked. `account`, `stream` and `consumer` are what to look at."""

    account: str
    stream: str
    consumer: str
    details: bool


def read_request(query: Query) -> HealthRequest:
    """Raises BadRequest. The js-* switches narrow the JetStream checks; with JetStream off there
    is nothing to narrow, but they still have to be booleans."""
    for name in ("js-enabled", "js-enabled-only", "js-server-only", "js-meta-only"):
        query.flag(name)
    return HealthRequest(
        account=query.text("account"),
        stream=query.text("stream"),
        consumer=query.text("consumer"),
        details=query.flag("details"),
    )


def healthz(source: MonitorSource, query: Query) -> tuple[int, Health]:
    """(HTTP status, body). Raises BadRequest."""
    request = read_request(query)
    if request.stream and not request.account:
        text = '"account" must not be empty when checking stream health'
        return _failed(400, "BAD_REQUEST", text, request.details)
    if request.consumer and not request.stream:
        text = '"stream" must not be empty when checking consumer health'
        return _failed(400, "BAD_REQUEST", text, request.details)
    if not source.ready:
        return _failed(500, "CONNECTION", NOT_READY, request.details)
    return 200, Health(status="ok")


def _failed(status: int, kind: str, text: str, details: bool) -> tuple[int, Health]:
    if details:
        return status, Health(status="error", errors=[HealthError(type=kind, error=text)])
    return status, Health(status="error", error=text)
