# ruff: noqa: RUF009 (member() is dataclasses.field with a JSON name)
"""The claims themselves: one class per kind of token, standard fields and `nats` body."""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass
from typing import Any, ClassVar

from pynats_common.jwt.errors import JwtError
from pynats_common.jwt.record import Record, dump_compact, member
from pynats_common.jwt.types import (
    AccountLimits,
    Export,
    ExternalAuthorization,
    Import,
    MsgTrace,
    Permissions,
    ScopedSigner,
    UserPermissionLimits,
    WeightedMapping,
)
from pynats_common.nkeys import Prefix

OPERATOR, ACCOUNT, USER, ACTIVATION = "operator", "account", "user", "activation"
AUTHORIZATION_REQUEST = "authorization_request"
AUTHORIZATION_RESPONSE = "authorization_response"
GENERIC = "generic"
VERSION = 2
# Revocation entry for all users.
EVERYONE = "*"


@dataclass
class Body(Record):
    """Fields at the end of every `nats` object."""

    kind: ClassVar[str] = ""


@dataclass
class OperatorBody(Body):
    kind: ClassVar[str] = OPERATOR
    signing_keys: list[str] = member("signing_keys", make=list)
    account_server_url: str = member("account_server_url", default="")
    operator_service_urls: list[str] = member("operator_service_urls", make=list)
    system_account: str = member("system_account", default="")
    assert_server_version: str = member("assert_server_version", default="")
    strict_signing_key_usage: bool = member("strict_signing_key_usage", default=False)
    tags: list[str] = member("tags", make=list)
    type: str = member("type", default=OPERATOR)
    version: int = member("version", default=VERSION)


@dataclass
class AccountBody(Body):
    kind: ClassVar[str] = ACCOUNT
    imports: list[Import] = member("imports", make=list)
    exports: list[Export] = member("exports", make=list)
    limits: AccountLimits = member("limits", keep=True, make=AccountLimits)
    signing_keys: list[str | ScopedSigner] = member("signing_keys", make=list)
    revocations: dict[str, int] = member("revocations", make=dict)
    default_permissions: Permissions = member("default_permissions", keep=True, make=Permissions)
    mappings: dict[str, list[WeightedMapping]] = member("mappings", make=dict)
    authorization: ExternalAuthorization = member(
        "authorization", keep=True, make=ExternalAuthorization
    )
    trace: MsgTrace | None = member("trace", default=None)
    cluster_traffic: str = member("cluster_traffic", default="")
    description: str = member("description", default="")
    info_url: str = member("info_url", default="")
    tags: list[str] = member("tags", make=list)
    type: str = member("type", default=ACCOUNT)
    version: int = member("version", default=VERSION)

    def signing_key_ids(self) -> list[str]:
        """Public keys of all signing keys, scoped or not."""
        return [item if isinstance(item, str) else item.key for item in self.signing_keys]

    def scope_of(self, public_key: str) -> ScopedSigner | None:
        """Scope of a signing key; None when it has no scope or is unknown."""
        for item in self.signing_keys:
            if isinstance(item, ScopedSigner) and item.key == public_key:
                return item
        return None

    def is_revoked(self, public_key: str, issued_at: int) -> bool:
        """True when a user token of this age is revoked, by its key or for everyone.

        A token issued at the very second of the revocation counts as revoked.
        """
        return is_revoked(self.revocations, public_key, issued_at)

    def sort(self) -> None:
        """Sorts like the reference: exports by subject, signing keys by key."""
        self.exports.sort(key=lambda export: export.subject)
        self.signing_keys.sort(key=lambda item: item if isinstance(item, str) else item.key)


@dataclass
class UserBody(UserPermissionLimits):
    kind: ClassVar[str] = USER
    issuer_account: str = member("issuer_account", default="")
    tags: list[str] = member("tags", make=list)
    type: str = member("type", default=USER)
    version: int = member("version", default=VERSION)


@dataclass
class ActivationBody(Body):
    kind: ClassVar[str] = ACTIVATION
    subject: str = member("subject", default="")
    import_kind: str = member("kind", default="")
    issuer_account: str = member("issuer_account", default="")
    tags: list[str] = member("tags", make=list)
    type: str = member("type", default=ACTIVATION)
    version: int = member("version", default=VERSION)


@dataclass
class ServerId(Record):
    name: str = member("name", keep=True, default="")
    host: str = member("host", keep=True, default="")
    id: str = member("id", keep=True, default="")
    version: str = member("version", default="")
    cluster: str = member("cluster", default="")
    tags: list[str] = member("tags", make=list)
    xkey: str = member("xkey", default="")


@dataclass
class ClientInformation(Record):
    host: str = member("host", default="")
    id: int = member("id", default=0)
    user: str = member("user", default="")
    name: str = member("name", default="")
    tags: list[str] = member("tags", make=list)
    name_tag: str = member("name_tag", default="")
    kind: str = member("kind", default="")
    type: str = member("type", default="")
    mqtt_id: str = member("mqtt_id", default="")
    nonce: str = member("nonce", default="")


@dataclass
class ConnectOptions(Record):
    """What the client sent in CONNECT; the representation hides credentials."""

    jwt: str = member("jwt", default="")
    nkey: str = member("nkey", default="")
    sig: str = member("sig", default="")
    auth_token: str = member("auth_token", default="")
    user: str = member("user", default="")
    password: str = member("pass", default="")
    name: str = member("name", default="")
    lang: str = member("lang", default="")
    version: str = member("version", default="")
    protocol: int = member("protocol", keep=True, default=0)

    def __repr__(self) -> str:
        return f"ConnectOptions(user={self.user!r}, name={self.name!r})"


@dataclass
class ClientTls(Record):
    version: str = member("version", default="")
    cipher: str = member("cipher", default="")
    certs: list[str] = member("certs", make=list)
    verified_chains: list[list[str]] = member("verified_chains", make=list)


@dataclass
class AuthorizationRequestBody(Body):
    kind: ClassVar[str] = AUTHORIZATION_REQUEST
    server_id: ServerId = member("server_id", keep=True, make=ServerId)
    user_nkey: str = member("user_nkey", keep=True, default="")
    client_info: ClientInformation = member("client_info", keep=True, make=ClientInformation)
    connect_opts: ConnectOptions = member("connect_opts", keep=True, make=ConnectOptions)
    client_tls: ClientTls | None = member("client_tls", default=None)
    request_nonce: str = member("request_nonce", default="")
    tags: list[str] = member("tags", make=list)
    type: str = member("type", default=AUTHORIZATION_REQUEST)
    version: int = member("version", default=VERSION)


@dataclass
class AuthorizationResponseBody(Body):
    kind: ClassVar[str] = AUTHORIZATION_RESPONSE
    jwt: str = member("jwt", default="")
    error: str = member("error", default="")
    issuer_account: str = member("issuer_account", default="")
    tags: list[str] = member("tags", make=list)
    type: str = member("type", default=AUTHORIZATION_RESPONSE)
    version: int = member("version", default=VERSION)


@dataclass
class Claims(Record):
    """Standard fields of a token; times are seconds since 1970, 0 means not set."""

    aud: str = member("aud", default="")
    exp: int = member("exp", default=0)
    jti: str = member("jti", default="")
    iat: int = member("iat", default=0)
    iss: str = member("iss", default="")
    name: str = member("name", default="")
    nbf: int = member("nbf", default=0)
    sub: str = member("sub", default="")

    issuers: ClassVar[tuple[Prefix, ...]] = ()
    subjects: ClassVar[tuple[Prefix, ...]] = ()
    claim_type: ClassVar[str] = ""

    @property
    def tags(self) -> list[str]:
        """Tags of the `nats` body (the list itself)."""
        tags: list[str] = self.nats_body().tags  # type: ignore[attr-defined]
        return tags

    def nats_body(self) -> Record:
        """The `nats` object."""
        raise JwtError("claims have no body")

    def is_expired(self, now: float | None = None) -> bool:
        """True when the token has an expiry and it has passed."""
        return 0 < self.exp < (time.time() if now is None else now)

    def is_not_yet_valid(self, now: float | None = None) -> bool:
        """True when the token is not yet valid."""
        return self.nbf > (time.time() if now is None else now)

    def compute_id(self) -> str:
        """Token id: base32 of SHA-512/256 over the standard fields that are set, without an id."""
        names = ("aud", "exp", "iat", "iss", "name", "nbf", "sub")
        data = {name: getattr(self, name) for name in names if getattr(self, name)}
        digest = hashlib.new("sha512_256", dump_compact(data)).digest()
        return base64.b32encode(digest).rstrip(b"=").decode()


@dataclass
class OperatorClaims(Claims):
    nats: OperatorBody = member("nats", keep=True, make=OperatorBody)
    issuers: ClassVar[tuple[Prefix, ...]] = (Prefix.OPERATOR,)
    subjects: ClassVar[tuple[Prefix, ...]] = (Prefix.OPERATOR,)
    claim_type: ClassVar[str] = OPERATOR

    def nats_body(self) -> OperatorBody:
        return self.nats

    def did_sign(self, claims: Claims) -> bool:
        """True when `claims` (an account) was issued by this operator, strictness included."""
        if claims.iss in self.nats.signing_keys:
            return True
        return claims.iss == self.sub and not self.nats.strict_signing_key_usage


@dataclass
class AccountClaims(Claims):
    nats: AccountBody = member("nats", keep=True, make=AccountBody)
    issuers: ClassVar[tuple[Prefix, ...]] = (Prefix.ACCOUNT, Prefix.OPERATOR)
    subjects: ClassVar[tuple[Prefix, ...]] = (Prefix.ACCOUNT,)
    claim_type: ClassVar[str] = ACCOUNT

    def nats_body(self) -> AccountBody:
        return self.nats

    def did_sign(self, claims: Claims) -> bool:
        """True when this account or one of its signing keys issued a user or activation."""
        body = claims.nats_body()
        issuer_account = getattr(body, "issuer_account", "")
        if issuer_account:
            return issuer_account == self.sub and claims.iss in self.nats.signing_key_ids()
        return claims.iss == self.sub


@dataclass
class UserClaims(Claims):
    nats: UserBody = member("nats", keep=True, make=UserBody)
    issuers: ClassVar[tuple[Prefix, ...]] = (Prefix.ACCOUNT,)
    subjects: ClassVar[tuple[Prefix, ...]] = (Prefix.USER,)
    claim_type: ClassVar[str] = USER

    def nats_body(self) -> UserBody:
        return self.nats

    @property
    def account(self) -> str:
        """Public key of the account this user belongs to."""
        return self.nats.issuer_account or self.iss


@dataclass
class ActivationClaims(Claims):
    nats: ActivationBody = member("nats", keep=True, make=ActivationBody)
    issuers: ClassVar[tuple[Prefix, ...]] = (Prefix.ACCOUNT, Prefix.OPERATOR)
    subjects: ClassVar[tuple[Prefix, ...]] = (Prefix.ACCOUNT,)
    claim_type: ClassVar[str] = ACTIVATION

    def nats_body(self) -> ActivationBody:
        return self.nats

    def hash_id(self) -> str:
        """Name under which an account server stores this token. Raises JwtError if incomplete."""
        if not (self.iss and self.sub and self.nats.subject):
            raise JwtError("activation needs issuer, subject and import subject for its hash")
        text = f"{self.iss}.{self.sub}.{clean_subject(self.nats.subject)}"
        return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass
class AuthorizationRequestClaims(Claims):
    nats: AuthorizationRequestBody = member("nats", keep=True, make=AuthorizationRequestBody)
    issuers: ClassVar[tuple[Prefix, ...]] = (Prefix.SERVER,)
    subjects: ClassVar[tuple[Prefix, ...]] = ()
    claim_type: ClassVar[str] = AUTHORIZATION_REQUEST

    def nats_body(self) -> AuthorizationRequestBody:
        return self.nats


@dataclass
class AuthorizationResponseClaims(Claims):
    nats: AuthorizationResponseBody = member("nats", keep=True, make=AuthorizationResponseBody)
    issuers: ClassVar[tuple[Prefix, ...]] = (Prefix.ACCOUNT,)
    subjects: ClassVar[tuple[Prefix, ...]] = (Prefix.USER,)
    claim_type: ClassVar[str] = AUTHORIZATION_RESPONSE

    def nats_body(self) -> AuthorizationResponseBody:
        return self.nats


@dataclass
class GenericBody(Body):
    """Any map; all of it is kept in `data`."""

    kind: ClassVar[str] = GENERIC


@dataclass
class GenericClaims(Claims):
    nats: dict[str, Any] = member("nats", make=dict)
    claim_type: ClassVar[str] = GENERIC

    def nats_body(self) -> Record:
        return GenericBody(source=self.nats)

    @property
    def tags(self) -> list[str]:
        tags = self.nats.get("tags")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


CLAIM_TYPES: dict[str, type[Claims]] = {
    cls.claim_type: cls
    for cls in (
        OperatorClaims,
        AccountClaims,
        UserClaims,
        ActivationClaims,
        AuthorizationRequestClaims,
        AuthorizationResponseClaims,
        GenericClaims,
    )
}


def new_account(public_key: str, name: str = "") -> AccountClaims:
    """Claims of a new account: no limits, JetStream off."""
    return AccountClaims(
        sub=public_key, name=name, nats=AccountBody(limits=AccountLimits.unlimited())
    )


def clean_subject(subject: str) -> str:
    """Tokens before the first wildcard, or `_` when the first token is one."""
    kept: list[str] = []
    for token in subject.split("."):
        if token in ("*", ">"):
            break
        kept.append(token)
    return ".".join(kept) or "_"


def is_revoked(revocations: dict[str, int], public_key: str, issued_at: int) -> bool:
    """True when the entry for this key or for everyone is not older than the token."""
    return any(
        name in revocations and revocations[name] >= issued_at for name in (public_key, EVERYONE)
    )


def normalize_tags(tags: list[str]) -> list[str]:
    """Lower-cased, trimmed, each once."""
    return list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))


def new_user(public_key: str, name: str = "") -> UserClaims:
    """Claims of a new user: no limits, everything allowed."""
    claims = UserClaims(sub=public_key, name=name)
    claims.nats.lift_limits()
    return claims
