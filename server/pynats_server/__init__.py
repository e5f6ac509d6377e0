"""The broker, for programs that embed it: `async with Server(Options(...)) as server: ...`.

`ThreadedServer` runs one beside code that has no event loop; the pytest fixtures are in
`pytest_plugin`. `core` is the compiled data plane; the other rooms plug into it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` takes milliseconds, before Ctrl-C is taken care of
if TYPE_CHECKING:
    from typing import Any

    from pynats_server.auth import ConnectOptions, Hello, Refusal, Slow, Verdict
    from pynats_server.options import (
        AccountLimits,
        AccountOptions,
        AuthCallout,
        Authorization,
        BatchLimits,
        ConnectionLimits,
        HttpAuth,
        JetStreamOptions,
        JetStreamServerLimits,
        LogOptions,
        MappingTarget,
        MetricsOptions,
        OidcIssuer,
        OperatorOptions,
        Options,
        Permissions,
        ProxyOptions,
        PublishLimits,
        ResolverOptions,
        ResponsePermission,
        ServiceExport,
        ServiceImport,
        ServiceLatency,
        StreamExport,
        StreamImport,
        SubjectPermission,
        TraceOptions,
        User,
    )
    from pynats_server.server.server import Server, ServerError
    from pynats_server.settings import SettingsError
    from pynats_server.threaded import ThreadedServer
    from pynats_server.tls.options import (
        CertificateFiles,
        OcspCacheOptions,
        OcspOptions,
        OcspPeerOptions,
        TlsOptions,
    )
    from pynats_server.version import PYNATS_VERSION as __version__

# Where each public name lives. Imported on first use, so that `pynats-server --help` and the tools
# do not load the data plane.
_HOMES = {
    "auth": ("ConnectOptions", "Hello", "Refusal", "Slow", "Verdict"),
    "options": (
        "AccountLimits", "AccountOptions", "AuthCallout", "Authorization", "BatchLimits",
        "ConnectionLimits", "HttpAuth", "JetStreamOptions", "JetStreamServerLimits", "LogOptions",
        "MappingTarget", "MetricsOptions", "OidcIssuer", "OperatorOptions", "Options",
        "Permissions", "ProxyOptions", "PublishLimits", "ResolverOptions", "ResponsePermission",
        "ServiceExport", "ServiceImport", "ServiceLatency", "StreamExport", "StreamImport",
        "SubjectPermission", "TraceOptions", "User",
    ),
    "server.server": ("Server", "ServerError"),
    "settings": ("SettingsError",),
    "threaded": ("ThreadedServer",),
    "tls.options": (
        "CertificateFiles", "OcspCacheOptions", "OcspOptions", "OcspPeerOptions", "TlsOptions",
    ),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccountLimits", "AccountOptions", "AuthCallout", "Authorization", "BatchLimits",
    "CertificateFiles", "ConnectOptions", "ConnectionLimits", "Hello", "HttpAuth",
    "JetStreamOptions", "JetStreamServerLimits", "LogOptions", "MappingTarget", "MetricsOptions",
    "OcspCacheOptions", "OcspOptions", "OcspPeerOptions", "OidcIssuer", "OperatorOptions",
    "Options", "Permissions", "ProxyOptions", "PublishLimits", "Refusal", "ResolverOptions",
    "ResponsePermission", "Server", "ServerError", "ServiceExport", "ServiceImport",
    "ServiceLatency", "SettingsError", "Slow", "StreamExport", "StreamImport",
    "SubjectPermission", "ThreadedServer", "TlsOptions", "TraceOptions", "User", "Verdict",
    "__version__",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        return import_module("pynats_server.version").PYNATS_VERSION
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if sys.platform != "linux":
        raise ImportError("the broker needs Linux (epoll)")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
