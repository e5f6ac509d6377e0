"""/healthz: whether the server can serve."""

from __future__ import annotations

import msgspec
from pynats_common.go.quoting import quote

from pynats_server.monitor import healthz_jetstream
from pynats_server.monitor.healthz_jetstream import Failure, HealthError
from pynats_server.monitor.options import HealthzOptions
from pynats_server.monitor.source import MonitorSource
from pynats_server.work import Steps

# The real server's words; it waits for that long.
NOT_READY = "failed to be ready for connections after 1ms: server"


class Health(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`errors` and `warnings` are set only if details were requested. A warning names a problem for
    the operator while the server can serve; the real server has none."""

    status: str
    error: str = ""
    errors: list[HealthError] = msgspec.field(default_factory=list)
    warnings: list[HealthError] = msgspec.field(default_factory=list)


def healthz(source: MonitorSource, options: HealthzOptions) -> Steps[tuple[int, Health]]:
    """(HTTP status, body); the log tells what is wrong."""
    log = source.log.part("monitor")
    if options.old_name:
        log.warn_rarely("Healthcheck: js-enabled deprecated, use js-enabled-only instead")
    status, health = yield from check(source, options)
    # What is not there was perhaps never: anybody may ask for it.
    kind = ("healthz", status) if status < 500 else None
    if health.error:
        log.warn_rarely(f"Healthcheck failed: {quote(health.error)}", kind=kind)
    elif health.errors:
        log.warn_rarely(f"Healthcheck failed: {len(health.errors)} errors", kind="healthz")
    return status, health


def check(source: MonitorSource, options: HealthzOptions) -> Steps[tuple[int, Health]]:
    """(HTTP status, body) of one options."""
    failures = _request_failures(options)
    if not failures and not source.ready:
        failures = [Failure(500, "error", HealthError(type="CONNECTION", error=NOT_READY))]
    warnings: list[HealthError] = []
    jetstream = source.jetstream
    deeper = not failures and not options.server_only and not options.enabled_only
    if jetstream is not None and deeper:
        failures, warnings = yield from healthz_jetstream.check(jetstream, source.accounts, options)
    status = failures[0].http_status if failures else 200
    if not options.details:
        if not failures:
            return status, Health(status="ok")
        return status, Health(status=failures[0].word, error=failures[0].about.error)
    return status, Health(
        status="error" if failures else "ok",
        errors=[failure.about for failure in failures],
        warnings=warnings,
    )


def _request_failures(options: HealthzOptions) -> list[Failure]:
    text = ""
    if options.stream and not options.account:
        text = '"account" must not be empty when checking stream health'
    elif options.consumer and not options.stream:
        text = '"stream" must not be empty when checking consumer health'
    return [Failure(400, "error", HealthError(type="BAD_REQUEST", error=text))] if text else []
