"""Who may log in, what they may do then, and who decides about it."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Literal

from pynats_common.records import dataclass

GLOBAL_ACCOUNT = "$G"  # for clients without another account


@dataclass(slots=True)
class ResponsePermission:
    """Permission to publish to the reply subject of a received request."""

    max_msgs: int = 1  # negative = unlimited
    ttl: float = 120.0  # seconds; negative = unlimited


@dataclass(slots=True)
class SubjectPermission:
    """Allow and deny lists of subjects. `allow=None` allows all, an empty list allows nothing.
    Subscribe entries may be "subject queue"."""

    allow: list[str] | None = None
    deny: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Permissions:
    """What a user may do; None = everything."""

    publish: SubjectPermission | None = None
    subscribe: SubjectPermission | None = None
    responses: ResponsePermission | None = None


RATE_MAX = 1 << 33  # messages or bytes a second that publishing may be limited to


@dataclass(slots=True)
class PublishLimits:
    """What may be published in a second, and at once; negative = unlimited. What is beyond waits
    and is not read yet (`throttle`), or is refused."""

    max_publish_rate: int = -1  # messages
    max_publish_bytes: int = -1
    publish_limit_action: Literal["throttle", "refuse"] = "throttle"

    @property
    def any(self) -> bool:
        """Whether there is a limit."""
        return self.max_publish_rate > 0 or self.max_publish_bytes > 0


@dataclass(slots=True)
class User:
    """One entry of a `users` list: somebody with a name, or with a key instead."""

    user: str = ""
    password: str = field(default="", repr=False)  # plain text or bcrypt ($2a/$2b/$2y$)
    permissions: Permissions | None = None
    allowed_connection_types: list[str] = field(default_factory=list)
    limits: PublishLimits | None = None  # of each of its connections
    nkey: str = ""  # its public key; then it has neither name nor password
    proxy_required: bool = False  # only through a trusted proxy

    @property
    def name(self) -> str:
        """What tells it from the others: its name or its key."""
        return self.nkey or self.user


@dataclass(slots=True)
class AuthCallout:
    """The `auth_callout` block: a service decides about log-ins. It is asked in `account`."""

    issuer: str  # public key of an account: who signs the answers
    account: str = GLOBAL_ACCOUNT
    auth_users: list[str] = field(default_factory=list)  # whom the server checks itself
    xkey: str = ""  # public curve key of the service, to seal for it; empty = nothing is sealed
    allowed_accounts: list[str] = field(default_factory=list)  # whose users it decides about


OIDC_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip


@dataclass(slots=True)
class OidcIssuer:
    """An entry of `oidc`: a provider whose tokens let in. Claims are named by their path, such as
    `realm_access.roles`; in subjects of permissions `{{claim(path)}}` stands for one."""

    issuer: str  # exactly as in tokens
    audience: list[str] = field(default_factory=list)  # one of these must be in a token
    jwks_url: str = ""  # of the keys; empty = as the provider's discovery document says
    account: str = GLOBAL_ACCOUNT
    account_claim: str = ""  # the claim that names the account instead
    user_claim: str = "sub"
    required_claims: dict[str, list[str]] = field(default_factory=dict)  # one of these values each
    permissions: Permissions | None = None  # without a role
    roles_claim: str = ""
    roles: dict[str, Permissions] = field(default_factory=dict)  # the first that a token has counts
    algorithms: list[str] = field(default_factory=lambda: list(OIDC_ALGORITHMS))
    leeway: float = 10.0  # seconds that clocks may differ
    timeout: float = 5.0  # seconds for each request to the provider
    refresh: float = 3600.0  # seconds after which keys are fetched again
    retry: float = 30.0  # seconds between requests for keys that are not there
    ca_file: Path | None = None  # authorities for the provider; None = those of the system


@dataclass(slots=True)
class Authorization:
    """The `authorization` block."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    # Seconds a client has to send a good CONNECT; 0 = the default (`Options.auth_timeout`).
    timeout: float = 0.0
    users: list[User] = field(default_factory=list)
    default_permissions: Permissions | None = None
    default_limits: PublishLimits | None = None
    proxy_required: bool = False  # the single user and the token only through a trusted proxy
    auth_callout: AuthCallout | None = None
    oidc: list[OidcIssuer] = field(default_factory=list)
    present: bool = False  # the configuration has the block, even if empty


@dataclass(slots=True)
class ProxyOptions:
    """The `proxies` block. A proxy signs the nonce of INFO for the client that comes through it."""

    trusted: list[str] = field(default_factory=list)  # public keys
