"""User JWTs, read fast: nearly all have exactly the known fields, and msgspec reads those as they
are. What is unusual in any way is read by `pynats_common.jwt`, which is forty times slower.

Go, and so the real server, takes field names in any case. Names that are not exactly the known ones
are therefore unusual, too.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from pynats_common.jwt import IssuerError, JwtError, UserClaims
from pynats_common.jwt.opening import check_signature, open_token, signer_key
from pynats_common.jwt.token import decode_opened
from pynats_common.jwt.types import UserPermissionLimits
from pynats_common.nkeys import NkeyError, Prefix, decode_public

TOKEN_CHARS_MAX: Final = 64 * 1024  # CONNECT is a control line, and those are shorter as a rule
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Permission(Struct, forbid_unknown_fields=True):
    allow: list[str] = []
    deny: list[str] = []


class Responses(Struct, forbid_unknown_fields=True):
    max: Int = 0
    ttl: Int = 0  # ns


class Window(Struct, forbid_unknown_fields=True):
    start: str = ""
    end: str = ""


class Body(Struct, forbid_unknown_fields=True, rename={"locale": "times_location"}):
    """The `nats` object: permissions and limits, and by whom."""

    pub: Permission = msgspec.field(default_factory=Permission)
    sub: Permission = msgspec.field(default_factory=Permission)
    resp: Responses | None = None
    src: list[str] | str = []
    times: list[Window] = []
    locale: str = ""
    subs: Int = 0
    data: Int = 0
    payload: Int = 0
    bearer_token: bool = False
    proxy_required: bool = False
    allowed_connection_types: list[str] = []
    issuer_account: str = ""
    tags: list[str] = []
    type: str = ""
    version: Int = 0


class User(Struct, forbid_unknown_fields=True):
    """The claims of a user JWT; times are seconds since 1970, 0 = not set."""

    aud: str = ""
    exp: Int = 0
    jti: str = ""
    iat: Int = 0
    iss: str = ""
    name: str = ""
    nbf: Int = 0
    sub: str = ""
    nats: Body = msgspec.field(default_factory=Body)

    @property
    def account(self) -> str:
        """The public key of its account."""
        return self.nats.issuer_account or self.iss


_DECODER: Final = msgspec.json.Decoder(User)


def read_user(token: str) -> User:
    """The user of a JWT that its issuer, an account's key, has signed. Raises JwtError."""
    if len(token) > TOKEN_CHARS_MAX:
        raise JwtError("token is too long")
    opened = open_token(token)
    try:
        user = _DECODER.decode(opened.payload) if _says_all_once(opened.payload) else None
    except (msgspec.MsgspecError, RecursionError, ValueError):
        user = None
    if user is None or user.nats.type != "user" or user.nats.version != 2:
        claims = decode_opened(opened)
        if not isinstance(claims, UserClaims):
            raise JwtError("not user claim")
        return _user_of(claims)
    check_signature(opened, user.iss, 2)
    if not user.iss.startswith(Prefix.ACCOUNT.letter):
        raise IssuerError("unable to validate expected prefixes - [account]")
    return user


def _says_all_once(payload: bytes) -> bool:
    """Whether no field occurs twice, as far as that is seen fast: where nothing is escaped, a quote
    and a colon end a name."""
    return b"\\" not in payload and _fields(msgspec.json.decode(payload)) == payload.count(b'":')


def _fields(value: Any) -> int:
    """How many there are, in all objects."""
    if isinstance(value, dict):
        return len(value) + sum(map(_fields, value.values()))
    return sum(map(_fields, value)) if isinstance(value, list) else 0


def user_key(user: User) -> bytes:
    """The 32 bytes of the user's public key. Raises IssuerError."""
    return _user_key(user.sub)


@functools.lru_cache(4096)
def _user_key(subject: str) -> bytes:
    try:
        return decode_public(subject, Prefix.USER)[1]
    except NkeyError as error:
        raise IssuerError(f"unable to validate subject: {error}") from None


def is_account_key(text: str) -> bool:
    """Whether it is the public key of an account."""
    try:
        signer_key(text)
    except IssuerError:
        return False
    return text.startswith(Prefix.ACCOUNT.letter)


def _user_of(claims: UserClaims) -> User:
    return User(
        claims.aud, claims.exp, claims.jti, claims.iat, claims.iss, claims.name, claims.nbf,
        claims.sub, body_of(claims.nats),
    )  # fmt: skip


def body_of(source: UserPermissionLimits) -> Body:
    """The same for what was read slowly, or is the template of a signing key."""
    resp = source.resp
    return Body(
        Permission(source.pub.allow, source.pub.deny),
        Permission(source.sub.allow, source.sub.deny),
        Responses(resp.max, resp.ttl) if resp is not None else None,
        source.src,
        [Window(each.start, each.end) for each in source.times],
        source.locale, source.subs, source.data, source.payload, source.bearer_token,
        source.proxy_required, source.allowed_connection_types,
        getattr(source, "issuer_account", ""), getattr(source, "tags", []),
    )  # fmt: skip
