"""Which of three does the work of TLS: chosen once, when it is first needed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Protocol

from pynats_server.core.sockets.layer import Layer
from pynats_server.tls.engine.base import Plan
from pynats_server.tls.engine.library import (
    OpenSSL,
    Unusable,
    from_cryptography,
    from_interpreter,
)

VARIABLE = "PYNATS_TLS_ENGINE"


class TlsContext(Protocol):
    """What connections share; never changed after it was made."""

    def layer(self, name: str = "") -> Layer:
        """For a new connection; a client gives the name of the server that it wants."""


class Engine(Protocol):
    """Makes contexts."""

    @property
    def name(self) -> str:
        """For the log, such as "cryptography/OpenSSL 4.0.3"."""

    def server_context(self, plan: Plan) -> TlsContext:
        """ValueError says what is wrong with the plan."""

    def client_context(self, plan: Plan) -> TlsContext:
        """The same for connections that begin here."""


class CompiledEngine:
    """OpenSSL called from compiled code."""

    def __init__(self, library: OpenSSL) -> None:
        self._library = library
        self.name = library.name

    def server_context(self, plan: Plan) -> TlsContext:
        from pynats_server.tls.engine.context import server_context

        return server_context(self._library, plan)

    def client_context(self, plan: Plan) -> TlsContext:
        from pynats_server.tls.engine.context import client_context

        return client_context(self._library, plan)


class FallbackEngine:
    """Python's `ssl`."""

    def __init__(self) -> None:
        self.name = f"python/{' '.join(ssl.OPENSSL_VERSION.split()[:2])}"

    def server_context(self, plan: Plan) -> TlsContext:
        from pynats_server.tls.engine.fallback_context import FallbackContext

        return FallbackContext(plan, client=False)

    def client_context(self, plan: Plan) -> TlsContext:
        from pynats_server.tls.engine.fallback_context import FallbackContext

        return FallbackContext(plan, client=True)


ENGINES: dict[str, Callable[[], Engine]] = {
    "cryptography": lambda: CompiledEngine(from_cryptography()),
    "interpreter": lambda: CompiledEngine(from_interpreter()),
    "python": FallbackEngine,
}
_chosen: dict[str, Engine] = {}


def choose() -> Engine:
    """The fastest that there is, or the one that PYNATS_TLS_ENGINE names. RuntimeError where that
    cannot be."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted and wanted not in ENGINES:
        raise RuntimeError(f"{VARIABLE} must be one of {', '.join(ENGINES)}, not {wanted!r}")
    if wanted not in _chosen:
        _chosen[wanted] = _first((wanted,) if wanted else tuple(ENGINES))
    return _chosen[wanted]


def _first(names: tuple[str, ...]) -> Engine:
    faults = []
    for name in names:
        try:
            return ENGINES[name]()
        except Unusable as fault:
            faults.append(f"{name}: {fault}")
    raise RuntimeError(f"no TLS engine can be used ({'; '.join(faults)})")
