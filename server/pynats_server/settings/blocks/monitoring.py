"""Reads the blocks about monitoring: `http_auth`, who may ask, and `metrics`.

The keys are ours: nats-server shows everything to everybody who reaches its port.
"""

from __future__ import annotations

import re

from pynats_common.config import Node, kind_of

from pynats_server.options import HttpAuth, MetricsOptions
from pynats_server.settings.schema import Reading, Setting, Table
from pynats_server.settings.values import boolean, integer, refuse, string

_IN_HEADER = re.compile(r"[\x21-\x7e]*")  # what a token may consist of to be sent as a header


def read_http_auth(reading: Reading, node: Node, key: str) -> HttpAuth:
    """The `http_auth` block. Raises `ConfigError` if nobody could come in, or everybody."""
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {kind_of(node.value)}")
    auth = HttpAuth()
    before = len(reading.errors)
    HTTP_AUTH.gather(reading, node.value, auth)
    fault = fault_of_http_auth(auth)
    if fault and len(reading.errors) == before:
        refuse(node, fault)
    return auth


def fault_of_http_auth(auth: HttpAuth) -> str:
    """Why these rules cannot be kept; empty if they can. Shows no secret."""
    if auth.user and not auth.password:
        return "http_auth has a user, but no password"
    if auth.password and not auth.user:
        return "http_auth has a password, but no user"
    if not auth.user and not auth.token:
        return "http_auth needs a user and a password, or a token"
    if ":" in auth.user or any(char < " " for char in auth.user):
        return "http_auth user can not contain colons or control characters"
    if not _IN_HEADER.fullmatch(auth.token):
        return "http_auth token can only consist of visible ASCII characters"
    return ""


def read_metrics(reading: Reading, node: Node, key: str) -> MetricsOptions:
    """The `metrics` block."""
    if not isinstance(node.value, dict):
        refuse(node, f"{key} must be a map, got {kind_of(node.value)}")
    metrics = MetricsOptions()
    METRICS.gather(reading, node.value, metrics)
    return metrics


HTTP_AUTH = Table(
    HttpAuth,
    Setting("user", "user that must be given (HTTP basic)", string, ("username",)),
    Setting("password", "its password, plain or a bcrypt hash", string, ("pass",)),
    Setting(
        "token",
        "token that must be given (`Authorization: Bearer`), plain or a bcrypt hash; with a user, "
        "either will do",
        string,
    ),
    Setting(
        "healthz_open",
        "/healthz tells everybody whether the server is healthy, and nothing more",
        boolean,
    ),
)
METRICS = Table(
    MetricsOptions,
    Setting(
        "max_series",
        "series about single accounts, streams and consumers that /metrics has; what is left out "
        "is counted there",
        integer(0),
    ),
)
