"""What the JWT of an account says, in the form in which configured accounts say it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pynats_common.go.text import shortened
from pynats_common.jwt import AccountClaims, is_revoked
from pynats_common.jwt import types as t

from pynats_server.auth.base import UNLIMITED
from pynats_server.auth.claimed import limit_of, permissions_of
from pynats_server.options import (
    WHOLE,
    AccountLimits,
    AccountOptions,
    ConnectionLimits,
    MappingTarget,
    Permissions,
    ResponseKind,
    ServiceExport,
    ServiceImport,
    ServiceLatency,
    StreamExport,
    StreamImport,
    TraceOptions,
)

_RESPONSES: dict[str, ResponseKind] = {
    "": "singleton",
    t.RESPONSE_SINGLETON: "singleton",
    t.RESPONSE_STREAM: "stream",
    t.RESPONSE_CHUNKED: "chunked",
}


@dataclass(slots=True, eq=False)
class Claimed:
    """An account by its JWT, which was found good."""

    account: str  # its public key
    claims: AccountClaims
    options: AccountOptions
    strict: bool  # only its signing keys may sign users
    token: str = field(default="", repr=False)
    updated: float = 0.0  # seconds since 1970
    expired: bool = False  # its time is over, or it was deleted
    incomplete: bool = False  # it imports of accounts that nobody knows
    signers: dict[str, t.ScopedSigner | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its operator calls it: the name tag. The key if it has none."""
        return self.claims.name or self.account

    @property
    def given_name(self) -> str:
        """The same, empty if it has none."""
        return self.claims.name

    @property
    def label(self) -> str:
        """What the log calls it."""
        return f"{self.account}/{shortened(self.claims.name)}"

    @property
    def issuer(self) -> str:
        """The operator's key that has signed it."""
        return self.claims.iss

    @property
    def has_mappings(self) -> bool:
        """Whether subjects are mapped."""
        return bool(self.options.mappings)

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return self.claims.nats.tags

    @property
    def expires(self) -> int:
        """Seconds since 1970; 0 = never."""
        return self.claims.exp

    @property
    def exporters(self) -> list[str]:
        """The accounts that it imports of, each once."""
        items: list[StreamImport | ServiceImport]
        items = [*self.options.stream_imports, *self.options.service_imports]
        return list(dict.fromkeys(item.account for item in items))

    @property
    def disallow_bearer(self) -> bool:
        """Whether its users must prove who they are."""
        return self.claims.nats.limits.disallow_bearer

    @property
    def default_permissions(self) -> Permissions | None:
        """Of users that have none."""
        return self.options.default_permissions

    @property
    def external(self) -> t.ExternalAuthorization:
        """Its authorization service."""
        return self.claims.nats.authorization

    def is_revoked(self, user: str, issued_at: int) -> bool:
        """Whether a user JWT of that time counts no more."""
        return is_revoked(self.claims.nats.revocations, user, issued_at)


def claimed_of(token: str, claims: AccountClaims, strict: bool, now: float) -> Claimed:
    """The account of claims that were checked."""
    made = Claimed(claims.sub, claims, account_options(claims), strict, token, now)
    for item in claims.nats.signing_keys:
        if isinstance(item, str):
            made.signers[item] = None
        else:
            made.signers[item.key] = item
    if not strict:
        made.signers[claims.sub] = None
    return made


def account_options(claims: AccountClaims) -> AccountOptions:
    """Its limits, exports, imports and mappings."""
    body = claims.nats
    made = AccountOptions(
        default_permissions=permissions_of(body.default_permissions),
        limits=ConnectionLimits(
            limit_of(body.limits.conn),
            limit_of(body.limits.subs),
            limit_of(body.limits.payload),
        ),
        mappings={
            source: [
                MappingTarget(target.subject, target.weight or WHOLE, target.cluster)
                for target in targets
            ]
            for source, targets in body.mappings.items()
        },
        nkey=claims.sub,
    )
    _take_jetstream(made, body.limits)
    if body.trace is not None and body.trace.dest:
        made.msg_trace = TraceOptions(body.trace.dest, body.trace.sampling or WHOLE)
    for export in body.exports:
        _add_export(made, export)
    for item in body.imports:
        _add_import(made, item)
    return made


def _take_jetstream(made: AccountOptions, limits: t.AccountLimits) -> None:
    if limits.tiered_limits:
        made.jetstream_tiers = {
            name: _jetstream_limits(each) for name, each in limits.tiered_limits.items()
        }
        # A single server has one replica of everything.
        made.jetstream = made.jetstream_tiers.get("R1", AccountLimits(0, 0, 0, 0))
    elif limits.mem_storage or limits.disk_storage:
        made.jetstream = _jetstream_limits(limits)


def _jetstream_limits(limits: t.AccountLimits | t.JetStreamLimits) -> AccountLimits:
    return AccountLimits(
        max_memory=limits.mem_storage,
        max_storage=limits.disk_storage,
        max_streams=limits.streams,
        max_consumers=limits.consumer,
        max_ack_pending=limits.max_ack_pending or UNLIMITED,
        memory_max_stream_bytes=limits.mem_max_stream_bytes or UNLIMITED,
        storage_max_stream_bytes=limits.disk_max_stream_bytes or UNLIMITED,
        max_bytes_required=limits.max_bytes_required,
    )


def _add_export(made: AccountOptions, export: t.Export) -> None:
    if not export.is_service:
        made.stream_exports.append(
            StreamExport(
                export.subject,
                account_token_position=export.account_token_position,
                by_token=export.token_req,
            )
        )
        return
    latency = export.latency
    made.service_exports.append(
        ServiceExport(
            export.subject,
            account_token_position=export.account_token_position,
            response=_RESPONSES.get(export.response_type, "singleton"),
            threshold=export.response_threshold / 1e9,
            latency=ServiceLatency(latency.results, _sampling(latency)) if latency else None,
            allow_trace=export.allow_trace,
            by_token=export.token_req,
        )
    )


def _sampling(latency: t.ServiceLatency) -> int:
    """Zero = by the headers of the request."""
    return latency.sampling if isinstance(latency.sampling, int) else 0


def _add_import(made: AccountOptions, item: t.Import) -> None:
    """`to` of old JWTs is a prefix for a stream, and the subject here for a service."""
    if item.is_service:
        made.service_imports.append(
            ServiceImport(
                item.account, item.subject, item.local_subject or item.to, item.share, item.token
            )
        )
    else:
        made.stream_imports.append(
            StreamImport(
                item.account,
                item.subject,
                prefix="" if item.local_subject else item.to,
                to=item.local_subject,
                allow_trace=item.allow_trace,
                token=item.token,
            )
        )
