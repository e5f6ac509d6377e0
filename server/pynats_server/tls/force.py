"""TLS of a listener as it is in force: options, what their files say, and the context that new
connections get. A reload or changed files replace all of it; connections keep what they have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import field, replace
from typing import TYPE_CHECKING

from pynats_common.ocsp import Answer
from pynats_common.records import dataclass

from pynats_server.tls.errors import PlanError
from pynats_server.tls.options import OcspOptions, TlsOptions
from pynats_server.tls.plan import ContextPlan, plan_of
from pynats_server.tls.stapling import staple_for
from pynats_server.tls.subjects import key_hash

if TYPE_CHECKING:
    from pynats_server.tls.engine import Engine, TlsContext


@dataclass(frozen=True, slots=True)
class TlsInForce:
    """`engine` has made the context."""

    options: TlsOptions
    plan: ContextPlan
    context: TlsContext = field(repr=False)
    engine: Engine = field(repr=False)
    ocsp: OcspOptions | None = None
    staple: Answer | None = None  # that the context shows

    def is_same(self, plan: ContextPlan) -> bool:
        """Whether a context of what the files say would do the same."""
        mine = self.plan
        return replace(plan, session_context=mine.session_context, staple=mine.staple) == mine


def put_in_force(
    options: TlsOptions, plan: ContextPlan | None = None, ocsp: OcspOptions | None = None
) -> TlsInForce:
    """Reads the files, unless there is a plan, asks for what is to be stapled, and makes a context;
    in a thread. Raises PlanError."""
    from pynats_server.tls.engine import choose

    engine = choose()
    plan = plan_of(options) if plan is None else plan
    staple = staple_for(plan, ocsp)
    plan = replace(plan, staple=staple.der if staple is not None else None)
    try:
        context = engine.server_context(plan)
    except ValueError as error:
        raise PlanError(f"tls: {error}") from None
    return TlsInForce(options, plan, context, engine, ocsp, staple)


def changed_files(old: ContextPlan, new: ContextPlan) -> list[str]:
    """Which certificates are new, for the log: name of the file, and the certificate's hash."""
    known = {each.chain for each in old.certificates}
    found = [
        f"{each.file} (SHA-256: {hashlib.sha256(each.chain[0]).hexdigest()})"
        for each in new.certificates
        if each.chain not in known
    ]
    if old.authorities != new.authorities:
        found.append("authorities")
    return found


def is_pinned(plan: ContextPlan, sent: Iterable[bytes]) -> tuple[bool, str]:
    """Whether the certificate of a client is among the pinned ones, and the hash of its key; empty
    if it has shown none."""
    der = next(iter(sent), None)
    if der is None:
        return not plan.pins, ""
    from cryptography import x509

    key = key_hash(x509.load_der_x509_certificate(der))
    return not plan.pins or key in plan.pins, key
