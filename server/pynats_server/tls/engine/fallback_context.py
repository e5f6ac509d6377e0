"""Contexts of Python's `ssl`.

What it cannot do as the other engines: order the suites of TLS 1.3, choose several groups, name the
certificate that failed, send the alert of Go for each failure, staple, tell the name that was asked
for where there is one certificate, and choose a certificate within one context.

So there is a context for each certificate, with equal rules. Nothing is ever resumed, neither by
tickets nor, as there is no way to switch off the cache of TLS 1.2, where clients are verified:
there each connection has a context of its own.
"""

from __future__ import annotations

import os
import ssl
import weakref
from collections.abc import Callable

from pynats_server.tls.engine.base import SUITES_12, TLS_1_3, Keyed, Plan
from pynats_server.tls.engine.fallback import FallbackLayer
from pynats_server.tls.suites import CURVES

Chooser = Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]


class FallbackContext:
    """Of a server or of clients."""

    def __init__(self, plan: Plan, *, client: bool) -> None:
        if plan.groups is not None and len(plan.groups) != 1:
            raise ValueError("this TLS engine cannot order curves: configure one, or none")
        if plan.staple is not None:
            raise ValueError("this TLS engine cannot staple OCSP responses")
        self.client = client
        self.verifies = plan.verify
        self._plan = plan
        self._layers: weakref.WeakKeyDictionary[ssl.SSLObject, FallbackLayer]
        self._layers = weakref.WeakKeyDictionary()
        self._names = [
            [name.lower().rstrip(".") for name in each.names] for each in plan.certificates
        ]
        self._contexts = self._build()  # also to find out now what is wrong with the plan

    def layer(self, name: str = "") -> FallbackLayer:
        """For a new connection; a client gives the name of the server that it wants."""
        return FallbackLayer(self, name)

    def session(
        self,
        layer: FallbackLayer,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        name: str | None,
    ) -> ssl.SSLObject:
        """The beginning of a connection."""
        contexts = self._contexts
        if not self.client and self.verifies:
            contexts = self._build()
        found = contexts[0].wrap_bio(
            incoming,
            outgoing,
            server_side=not self.client,
            server_hostname=name if self.client else None,
        )
        if not self.client:
            self._layers[found] = layer
        return found

    def _build(self) -> list[ssl.SSLContext]:
        contexts = [self._context(each) for each in self._plan.certificates or (None,)]
        # Only where there is a choice: `ssl` writes to standard error if a name is not ASCII.
        if not self.client and len(self._plan.certificates) != 1:
            contexts[0].sni_callback = self._chooser(contexts)
        return contexts

    def _context(self, keyed: Keyed | None) -> ssl.SSLContext:
        plan = self._plan
        context = ssl.SSLContext(
            ssl.PROTOCOL_TLS_CLIENT if self.client else ssl.PROTOCOL_TLS_SERVER
        )
        context.minimum_version = (
            ssl.TLSVersion.TLSv1_3 if plan.min_version == TLS_1_3 else ssl.TLSVersion.TLSv1_2
        )
        context.set_ciphers(":".join(SUITES_12 if plan.ciphers_12 is None else plan.ciphers_12))
        # Clients put AES-128 first, this library AES-256, and there is no way to change that.
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        if plan.groups is not None:
            if plan.groups[0] not in CURVES:
                raise ValueError(f"this TLS engine does not know the curve {plan.groups[0]}")
            context.set_ecdh_curve(CURVES[plan.groups[0]])
        if not self.client:
            context.num_tickets = 0
        if keyed is not None:
            _use(context, keyed)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if plan.verify:
            context.check_hostname = self.client
            context.hostname_checks_common_name = False  # nor does Go
            context.verify_mode = ssl.CERT_REQUIRED
            context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
            if plan.authorities is None:
                context.load_default_certs(
                    ssl.Purpose.SERVER_AUTH if self.client else ssl.Purpose.CLIENT_AUTH
                )
            elif plan.authorities:
                context.load_verify_locations(cadata=b"".join(plan.authorities))
        return context

    def _chooser(self, contexts: list[ssl.SSLContext]) -> Chooser:
        """What is asked for in each handshake, by name or without."""

        def choose(found: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
            layer = self._layers.get(found)
            if not self._plan.certificates:
                if layer is not None:
                    layer.refuse_name()
                return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            if name is not None:
                if layer is not None:
                    layer.asked = name
                found.context = contexts[self._for_name(name.lower().rstrip("."))]
            return None

        return choose

    def _for_name(self, name: str) -> int:
        first, dot, rest = name.partition(".")
        wild = f"*.{rest}" if dot and first else name
        for index, names in enumerate(self._names):
            if name in names or wild in names:
                return index
        return 0


def _use(context: ssl.SSLContext, keyed: Keyed) -> None:
    """It takes only files; this one is never on a disk."""
    text = _pem("PRIVATE KEY", keyed.key) + "".join(
        ssl.DER_cert_to_PEM_cert(each) for each in keyed.chain
    )
    memory = os.memfd_create("pynats-tls", os.MFD_CLOEXEC)
    try:
        with open(memory, "w", closefd=False) as file:
            file.write(text)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)


def _pem(kind: str, der: bytes) -> str:
    return ssl.DER_cert_to_PEM_cert(der).replace("CERTIFICATE", kind)
