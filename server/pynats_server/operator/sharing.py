"""What claimed accounts export and import, account by account.

An account may import of one that nobody knows yet, that does not export it yet, or that wants an
activation JWT: such an import is left out until it is possible. So when what an account exports
changes, those that import of it are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pynats_common.go.quoting import quote
from pynats_common.jwt import ActivationClaims, JwtError, decode, is_revoked, validate
from pynats_common.jwt import types as t
from pynats_common.jwt.validation import activation_error, subject_covers

from pynats_server.accounts.cycles import ServiceEdges, StreamEdges
from pynats_server.accounts.offers import Offers, offers_of
from pynats_server.accounts.plan import (
    PlanError,
    ServiceLink,
    StreamLink,
    link_service,
    link_stream,
)
from pynats_server.operator.claims import Claimed
from pynats_server.options import ServiceImport, StreamImport


@dataclass(slots=True)
class Taken:
    """What an account imports, as far as that is possible, and when the first activation JWT that
    it needs for that runs out (seconds since 1970, 0 = never)."""

    streams: list[StreamLink] = field(default_factory=list)
    services: list[ServiceLink] = field(default_factory=list)
    until: int = 0
    incomplete: bool = False


class Sharing:
    """Of all claimed accounts. `tell` gets what becomes of imports, for the log."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._claimed: dict[str, Claimed] = {}
        self._offers: dict[str, Offers] = {}
        self._streams = StreamEdges()
        self._services = ServiceEdges()
        self._importers: dict[str, dict[str, None]] = {}  # by exporter

    def importers_of(self, account: str) -> list[str]:
        """The accounts that want something of this one."""
        return list(self._importers.get(account, ()))

    def put(self, claimed: Claimed) -> bool:
        """A new or changed account. Whether others may import something else of it now: then they
        are to be linked again."""
        name = claimed.account
        before = self._claimed.get(name)
        if before is not None:
            self._forget_imports(before)
        self._streams.forget(name)
        self._services.forget(name)
        self._claimed[name] = claimed
        for exporter in claimed.exporters:
            self._importers.setdefault(exporter, {})[name] = None
        if before is not None and not _exports_differ(before, claimed):
            return False
        faults: list[str] = []
        self._offers[name] = offers_of(claimed.options, {}, faults)
        for fault in faults:
            self._tell(f"Account [{name}]: {fault}")
        return True

    def _forget_imports(self, claimed: Claimed) -> None:
        for exporter in claimed.exporters:
            importers = self._importers.get(exporter, {})
            importers.pop(claimed.account, None)
            if not importers:
                self._importers.pop(exporter, None)

    def link(self, name: str, now: float) -> Taken:
        """What the account imports as things are now."""
        claimed, found = self._claimed[name], Taken()
        self._streams.forget(name)
        self._services.forget(name)
        for item in claimed.options.stream_imports:
            activated = self._activated(claimed, item, t.STREAM, now, found)
            try:
                found.streams.append(
                    link_stream(name, item, self._offers, self._streams, activated)
                )
                self._taken(claimed, item, "stream", item.prefix or item.to)
            except PlanError as error:
                self._left_out(claimed, item, "stream", error, found)
        for service in claimed.options.service_imports:
            activated = self._activated(claimed, service, t.SERVICE, now, found)
            try:
                found.services.append(
                    link_service(name, service, self._offers, self._services, activated)
                )
                self._taken(claimed, service, "service", service.to)
            except PlanError as error:
                self._left_out(claimed, service, "service", error, found)
        return found

    def _taken(
        self, claimed: Claimed, item: StreamImport | ServiceImport, kind: str, to: str
    ) -> None:
        exporter = self._claimed[item.account].label
        self._tell(
            f"Adding {kind} import {exporter}:{quote(item.subject)} for {claimed.label}:{quote(to)}"
        )

    def _left_out(
        self, claimed: Claimed, item: StreamImport | ServiceImport, kind: str, error: PlanError,
        found: Taken,
    ) -> None:  # fmt: skip
        if item.account not in self._offers:
            found.incomplete = True
            self._tell(
                f"Can't locate account [{item.account}] for import of [{item.subject}] {kind}"
            )
            return
        reason = str(error).rpartition('": ')[2]
        self._tell(f"Error adding {kind} import to account [{claimed.account}]: {reason}")

    def _activated(
        self, claimed: Claimed, item: StreamImport | ServiceImport, kind: str, now: float,
        found: Taken,
    ) -> bool:  # fmt: skip
        """Whether it has a JWT of the exporter for this import, and until when."""
        exporter = self._claimed.get(item.account)
        if not item.token or exporter is None:
            return False
        try:
            token = decode(item.token)
        except JwtError:  # a URL as well: what it names is never fetched
            return False
        if not isinstance(token, ActivationClaims):
            return False
        wanted = t.Import(subject=item.subject, account=item.account, type=kind)
        if activation_error(token, claimed.account, wanted) is not None:
            return False
        if any(issue.blocking for issue in validate(token, now=now)):
            return False
        if token.is_expired(now) or token.is_not_yet_valid(now):
            return False
        if not self._signed_by(exporter, token) or _is_revoked(exporter, token, kind):
            return False
        if token.exp:
            found.until = min(found.until or token.exp, token.exp)
        return True

    def _signed_by(self, exporter: Claimed, token: ActivationClaims) -> bool:
        if not token.nats.issuer_account:
            return token.iss == exporter.account
        return token.iss in exporter.signers


def _is_revoked(exporter: Claimed, token: ActivationClaims, kind: str) -> bool:
    return any(
        is_revoked(export.revocations, token.sub, token.iat)
        for export in exporter.claims.nats.exports
        if export.type == kind and export.revocations
        and subject_covers(export.subject, token.nats.subject)
    )  # fmt: skip


def _exports_differ(before: Claimed, after: Claimed) -> bool:
    """What others may import, and who may allow it."""
    return (
        before.options.stream_exports != after.options.stream_exports
        or before.options.service_exports != after.options.service_exports
        or before.signers.keys() != after.signers.keys()
        or [each.revocations for each in before.claims.nats.exports]
        != [each.revocations for each in after.claims.nats.exports]
    )
