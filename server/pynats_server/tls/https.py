"""HTTPS with the interpreter's `ssl`: of monitoring, with the certificates of clients' TLS and
without asking for theirs; and of web servers that are asked. Nobody sends messages there, so it
needs no engine."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from pynats_common.network.tls import verifying_context

from pynats_server.tls.options import TlsOptions
from pynats_server.tls.plan import TLS_1_3_NUMBER, CertificateAndKey, ContextPlan
from pynats_server.tls.suites import CURVES, GROUPS

if TYPE_CHECKING:
    from pynats_server.tls.force import TlsInForce


class HttpsContexts:
    """The one context of a listener, whose connections get what is in force when they come."""

    def __init__(self, in_force: Callable[[], TlsInForce | None]) -> None:
        self._in_force = in_force
        self._plan: ContextPlan | None = None
        self._contexts: list[ssl.SSLContext] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.sni_callback = self._choose
        self.follow()

    def follow(self) -> None:
        """Takes over what no later choice can change: versions and ciphers."""
        tls = self._in_force()
        if tls is not None:
            _restrict(self.context, tls.plan)

    def _choose(
        self, sock: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext
    ) -> int | None:
        """For each connection, also where the client names no host."""
        tls = self._in_force()
        if tls is None:
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        if tls.plan is not self._plan:
            self._contexts = [_context(tls.plan, each) for each in tls.plan.certificates]
            self._plan = tls.plan
        if not self._contexts:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        sock.context = self._contexts[choose_certificate(tls.plan.certificates, name)]
        return None


def client_context(plan: ContextPlan) -> ssl.SSLContext:
    """A context for asking web servers. Raises ValueError or ssl.SSLError if it cannot be made."""
    context = verifying_context()
    if plan.authorities is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.hostname_checks_common_name = False
        context.load_verify_locations(
            cadata="".join(map(ssl.DER_cert_to_PEM_cert, plan.authorities))
        )
    if plan.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _restrict(context, plan)
    for certificate in plan.certificates[:1]:
        _load(context, certificate)
    return context


def without_effect(options: TlsOptions) -> list[str]:
    """Keys that somebody may rely on, and that a client's context does not know. Web servers are
    always verified, unless `insecure`; but not in more ways than that, nor by the real server."""
    curves = {GROUPS[name] for name in options.curve_preferences}
    given = {
        "pinned_certs": bool(options.pinned_certs),
        "ocsp_peer": options.checks_revocation,
        "curve_preferences": len(curves) > 1 or not curves <= CURVES.keys(),
    }
    return [key for key, is_given in given.items() if is_given]


def choose_certificate(certificates: tuple[CertificateAndKey, ...], name: str | None) -> int:
    """Which one is for a host: the first that has its name, otherwise the first of all."""
    host = (name or "").lower().rstrip(".")
    wild = f"*.{host.partition('.')[2]}"
    return next(
        (
            number
            for number, each in enumerate(certificates)
            if host and (host in each.names or wild in each.names)
        ),
        0,
    )


def _context(plan: ContextPlan, certificate: CertificateAndKey) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _restrict(context, plan)
    _load(context, certificate)
    return context


def _restrict(context: ssl.SSLContext, plan: ContextPlan) -> None:
    context.options |= ssl.OP_NO_RENEGOTIATION
    only_13 = plan.min_version >= TLS_1_3_NUMBER or plan.ciphers_12 is None
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if only_13 else ssl.TLSVersion.TLSv1_2
    if plan.ciphers_12 is not None and not only_13:
        context.set_ciphers(":".join(plan.ciphers_12))
    groups = plan.groups or ()
    if len(groups) == 1 and groups[0] in CURVES:  # `ssl` takes one, of those that it knows
        context.set_ecdh_curve(CURVES[groups[0]])


def _load(context: ssl.SSLContext, certificate: CertificateAndKey) -> None:
    """`ssl` reads files only: this one is in memory, so that it is what the plan has."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_der_private_key,
    )

    key = load_der_private_key(certificate.key, None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = "".join(map(ssl.DER_cert_to_PEM_cert, certificate.chain))
    file = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        with os.fdopen(file, "wb", closefd=False) as writer:
            writer.write(pem + chain.encode())
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
