# ruff: noqa: RUF009 (member() is dataclasses.field with a JSON name)
"""Parts that several claims share: permissions, limits, exports, imports, mappings."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_common.jwt.record import Record, member

NO_LIMIT = -1
STREAM, SERVICE = "stream", "service"
RESPONSE_SINGLETON, RESPONSE_STREAM, RESPONSE_CHUNKED = "Singleton", "Stream", "Chunked"
CONNECTION_TYPES = (
    "STANDARD",
    "WEBSOCKET",
    "LEAFNODE",
    "LEAFNODE_WS",
    "MQTT",
    "MQTT_WS",
    "IN_PROCESS",
)
# Sampling value that means "when the request's headers ask for it".
SAMPLING_HEADERS = "headers"


@dataclass
class Permission(Record):
    """Subjects allowed and denied; entries of `sub` may be `subject queue`."""

    allow: list[str] = member("allow", make=list)
    deny: list[str] = member("deny", make=list)

    def is_empty(self) -> bool:
        return not self.allow and not self.deny


@dataclass
class ResponsePermission(Record):
    """Right to answer: at most `max` messages (-1 no limit) within `ttl` nanoseconds (0 ever)."""

    max: int = member("max", keep=True, default=0)
    ttl: int = member("ttl", keep=True, default=0)


@dataclass
class Permissions(Record):
    """What a user may publish and subscribe to."""

    pub: Permission = member("pub", keep=True, make=Permission)
    sub: Permission = member("sub", keep=True, make=Permission)
    resp: ResponsePermission | None = member("resp", default=None)

    def has_permissions(self) -> bool:
        return not (self.pub.is_empty() and self.sub.is_empty() and self.resp is None)


@dataclass
class TimeRange(Record):
    """Daily window in which connections are allowed, `hh:mm:ss` both."""

    start: str = member("start", default="")
    end: str = member("end", default="")


@dataclass
class UserPermissionLimits(Permissions):
    """Permissions and limits of a user; and of the template of a scoped signing key, see there."""

    src: list[str] | str = member("src", make=list)
    times: list[TimeRange] = member("times", make=list)
    locale: str = member("times_location", default="")
    subs: int = member("subs", default=0)
    data: int = member("data", default=0)
    payload: int = member("payload", default=0)
    bearer_token: bool = member("bearer_token", default=False)
    proxy_required: bool = member("proxy_required", default=False)
    allowed_connection_types: list[str] = member("allowed_connection_types", make=list)

    def lift_limits(self) -> None:
        """No limit on subscriptions, data and payload (absent in a user's token reads as 0)."""
        self.subs = self.data = self.payload = NO_LIMIT

    @property
    def sources(self) -> list[str]:
        """CIDR networks; the comma separated text of older tokens is split."""
        if isinstance(self.src, list):
            return self.src
        return [part.strip() for part in self.src.split(",") if part.strip()]

    def clear_limits(self) -> None:
        """Clears everything, as required for users of a scoped signing key."""
        self.pub, self.sub, self.resp = Permission(), Permission(), None
        self.src, self.times, self.locale = [], [], ""
        self.subs = self.data = self.payload = 0
        self.bearer_token = self.proxy_required = False
        self.allowed_connection_types = []

    def is_clear(self) -> bool:
        """True when a scoped signing key may have issued this."""
        return not (
            self.has_permissions()
            or self.sources
            or self.times
            or self.locale
            or self.subs
            or self.data
            or self.payload
            or self.bearer_token
            or self.proxy_required
            or self.allowed_connection_types
        )


@dataclass
class Template(UserPermissionLimits):
    """What users of a scoped signing key may. Unlike in a user, a limit that is not there is none:
    `nsc edit signing-key` writes none."""

    subs: int = member("subs", keep=True, default=NO_LIMIT)
    data: int = member("data", keep=True, default=NO_LIMIT)
    payload: int = member("payload", keep=True, default=NO_LIMIT)


@dataclass
class ScopedSigner(Record):
    """A signing key that gives its users the permissions of `template`."""

    kind: str = member("kind", keep=True, default="user_scope")
    key: str = member("key", keep=True, default="")
    role: str = member("role", keep=True, default="")
    template: Template = member("template", keep=True, make=Template)
    description: str = member("description", keep=True, default="")


@dataclass
class JetStreamLimits(Record):
    """JetStream limits, per account or per replica tier; storage 0 disables, -1 is unlimited."""

    mem_storage: int = member("mem_storage", default=0)
    disk_storage: int = member("disk_storage", default=0)
    streams: int = member("streams", default=0)
    consumer: int = member("consumer", default=0)
    max_ack_pending: int = member("max_ack_pending", default=0)
    mem_max_stream_bytes: int = member("mem_max_stream_bytes", default=0)
    disk_max_stream_bytes: int = member("disk_max_stream_bytes", default=0)
    max_bytes_required: bool = member("max_bytes_required", default=False)

    def is_unset(self) -> bool:
        return all(
            getattr(self, name) in (0, False)
            for name in (
                "mem_storage",
                "disk_storage",
                "streams",
                "consumer",
                "max_ack_pending",
                "mem_max_stream_bytes",
                "disk_max_stream_bytes",
                "max_bytes_required",
            )
        )


@dataclass
class AccountLimits(Record):
    """Limits that the operator sets on an account; -1 is unlimited."""

    subs: int = member("subs", default=0)
    data: int = member("data", default=0)
    payload: int = member("payload", default=0)
    imports: int = member("imports", default=0)
    exports: int = member("exports", default=0)
    wildcards: bool = member("wildcards", default=False)
    disallow_bearer: bool = member("disallow_bearer", default=False)
    conn: int = member("conn", default=0)
    leaf: int = member("leaf", default=0)
    mem_storage: int = member("mem_storage", default=0)
    disk_storage: int = member("disk_storage", default=0)
    streams: int = member("streams", default=0)
    consumer: int = member("consumer", default=0)
    max_ack_pending: int = member("max_ack_pending", default=0)
    mem_max_stream_bytes: int = member("mem_max_stream_bytes", default=0)
    disk_max_stream_bytes: int = member("disk_max_stream_bytes", default=0)
    max_bytes_required: bool = member("max_bytes_required", default=False)
    tiered_limits: dict[str, JetStreamLimits] = member("tiered_limits", make=dict)

    @classmethod
    def unlimited(cls) -> AccountLimits:
        """The limits of a new account: none, JetStream off."""
        n = NO_LIMIT
        return cls(subs=n, data=n, payload=n, imports=n, exports=n, wildcards=True, conn=n, leaf=n)


@dataclass
class ServiceLatency(Record):
    """Latency tracking: a percentage or "headers", and where results go."""

    sampling: int | str = member("sampling", keep=True, default=0)
    results: str = member("results", keep=True, default="")


@dataclass
class Export(Record):
    """A stream or service offered to other accounts."""

    name: str = member("name", default="")
    subject: str = member("subject", default="")
    type: str = member("type", default="")
    token_req: bool = member("token_req", default=False)
    revocations: dict[str, int] = member("revocations", make=dict)
    response_type: str = member("response_type", default="")
    response_threshold: int = member("response_threshold", default=0)
    latency: ServiceLatency | None = member("service_latency", default=None)
    account_token_position: int = member("account_token_position", default=0)
    advertise: bool = member("advertise", default=False)
    allow_trace: bool = member("allow_trace", default=False)
    description: str = member("description", default="")
    info_url: str = member("info_url", default="")

    @property
    def is_service(self) -> bool:
        return self.type == SERVICE


@dataclass
class Import(Record):
    """A stream or service taken from another account."""

    name: str = member("name", default="")
    subject: str = member("subject", default="")
    account: str = member("account", default="")
    token: str = member("token", default="")
    to: str = member("to", default="")
    local_subject: str = member("local_subject", default="")
    type: str = member("type", default="")
    share: bool = member("share", default=False)
    allow_trace: bool = member("allow_trace", default=False)

    @property
    def is_service(self) -> bool:
        return self.type == SERVICE

    @property
    def local(self) -> str:
        """Subject inside the importing account, or empty if unchanged."""
        return self.local_subject or self.to


@dataclass
class WeightedMapping(Record):
    """One destination of a subject mapping; weight 0 reads as 100."""

    subject: str = member("subject", keep=True, default="")
    weight: int = member("weight", default=0)
    cluster: str = member("cluster", default="")


@dataclass
class ExternalAuthorization(Record):
    """Auth callout: users that decide, accounts they may assign, key to encrypt for."""

    auth_users: list[str] = member("auth_users", make=list)
    allowed_accounts: list[str] = member("allowed_accounts", make=list)
    xkey: str = member("xkey", default="")


@dataclass
class MsgTrace(Record):
    """Where message traces go and how many messages are traced (percent, 0 reads as 100)."""

    dest: str = member("dest", default="")
    sampling: int = member("sampling", default=0)
