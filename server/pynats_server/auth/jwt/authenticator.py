"""Who comes with a user JWT: checks it, finds its account, and says what the user may do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol

from pynats_common.go.quoting import quote
from pynats_common.go.text import shortened
from pynats_common.jwt import IssuerError, JwtError
from pynats_common.jwt.opening import SIGNATURE_BYTES, is_signed
from pynats_common.jwt.types import ScopedSigner

from pynats_server.auth import signatures
from pynats_server.auth.base import Answer, Hello, Outcome, Refusal, Verdict
from pynats_server.auth.claimed import limit_of, permissions_of
from pynats_server.auth.jwt import rules
from pynats_server.auth.jwt.rules import OutsideError, RuleError
from pynats_server.auth.jwt.templates import Names, fill
from pynats_server.auth.jwt.tokens import Body, User, body_of, read_user, user_key
from pynats_server.auth.permissions import compile_permissions
from pynats_server.auth.proxies import PROXY_REQUIRED
from pynats_server.core.reasons import CloseReason
from pynats_server.options import Permissions as Rights

READ_KEPT: Final = 2048
"""JWTs that are remembered with what they say, so that who comes again costs less."""
READ_CHARS_MAX: Final = 4096  # of one that is remembered

ACCOUNT_EXPIRED: Final = Refusal(
    CloseReason.AUTHENTICATION_EXPIRED, "Account Authentication Expired"
)
REVOKED: Final = Refusal(CloseReason.REVOCATION, "User Authentication Revoked")
SIGNER_GONE: Final = Refusal(error="", why="signing key removed or changed")
NO_JWT: Final = "Authentication requires a user JWT"


class _NoUserKeyError(JwtError):
    """It is a JWT of something else than a user's key."""


class Account(Protocol):
    """What is asked of an account (`operator.Claimed`)."""

    account: str
    expired: bool
    signers: dict[str, ScopedSigner | None]

    @property
    def name(self) -> str: ...
    @property
    def given_name(self) -> str: ...
    @property
    def issuer(self) -> str: ...
    @property
    def has_mappings(self) -> bool: ...
    @property
    def tags(self) -> list[str]: ...
    @property
    def disallow_bearer(self) -> bool: ...
    @property
    def default_permissions(self) -> Rights | None: ...
    def is_revoked(self, user: str, issued_at: int) -> bool: ...


class Accounts(Protocol):
    """Where accounts are found (`operator.ClaimedAccounts`)."""

    def get(self, account: str) -> Account | None: ...
    def find(self, account: str) -> Account | None: ...
    def load_now(self, account: str) -> Account | None: ...
    async def load(self, account: str, address: str = "") -> Account: ...


@dataclass(frozen=True, slots=True)
class _Proof:
    """What a user was let in with: by which JWT, and what its account said then."""

    user: User
    account: Account
    scope: ScopedSigner | None
    told: tuple[object, ...]


class JwtAuthenticator:
    """See Authenticator. `sentinel` is the JWT of those who have none."""

    required = True
    admits_silent = False
    wants_nonce = True

    def __init__(self, accounts: Accounts, sentinel: str = "") -> None:
        self._accounts = accounts
        self._sentinel = sentinel
        self._read: dict[str, User] = {}

    # -- in ---------------------------------------------------------------------------------

    def verify(self, hello: Hello) -> Outcome:
        """See Authenticator: what is waited for is an account that is not known yet."""
        try:
            token, user = self._presented(hello.said.jwt)
        except _NoUserKeyError as error:
            return _refused(f"User nkey not valid: {error}")
        except JwtError as error:
            return _refused(f"{NO_JWT}: {error}" if hello.said.jwt else NO_JWT)
        # Before anything is looked up, so that only holders of a JWT can have that done.
        fault = _check_times(user)
        if fault:
            return _refused(_no_longer_valid(fault))
        account = self._accounts.load_now(user.account)
        if account is None:
            return self._wait(hello, token, user)
        return self.admit(hello, token, user, account)

    async def _wait(self, hello: Hello, token: str, user: User) -> Answer:
        try:
            account = await self._accounts.load(user.account, hello.host)
        except Exception as error:  # of the source, whatever it may be
            return _refused(f"Account JWT lookup error: {error}")
        return self.admit(hello, token, user, account)

    def _presented(self, token: str) -> tuple[str, User]:
        """The JWT, or that for those who have none. Raises JwtError."""
        if token or not self._sentinel:
            try:
                return token, self._user(token)
            except JwtError:
                if not self._sentinel:
                    raise
        return self._sentinel, self._user(self._sentinel)

    def _user(self, token: str) -> User:
        known = self._read.get(token)
        if known is not None:
            return known
        if not token:
            raise JwtError("no JWT")
        user = read_user(token)
        try:
            user_key(user)
        except IssuerError as error:
            raise _NoUserKeyError(str(error)) from None
        if len(token) <= READ_CHARS_MAX:
            if len(self._read) >= READ_KEPT:
                del self._read[next(iter(self._read))]
            self._read[token] = user
        return user

    def admit(
        self, hello: Hello, token: str, user: User, account: Account, vouched: bool = False
    ) -> Answer:
        """Whether a client may come in as this user of a valid account. `vouched` = somebody who is
        trusted says that it is the user: it need not sign."""
        try:
            answer = self._admit(hello, token, user, account, vouched)
        except OutsideError as error:
            return Refusal(warning=str(error), grave=True)
        except (RuleError, JwtError) as error:
            return _refused(str(error))
        if isinstance(answer, Verdict) and not vouched:
            _tell(hello, user, account)
        return answer

    def _admit(
        self, hello: Hello, token: str, user: User, account: Account, vouched: bool
    ) -> Answer:
        """Raises RuleError."""
        if user.iss not in account.signers:
            raise RuleError("User JWT issuer is not known")
        if user.nats.issuer_account and user.nats.issuer_account != account.account:
            raise RuleError("the account is another one")
        if account.is_revoked(user.sub, user.iat):
            raise RuleError("User authentication revoked")
        scope = account.signers[user.iss]
        if scope is not None and user.iss == account.account:
            scope = None
        body = self._body(user, account, scope)
        if body.proxy_required and not hello.proxy:
            return PROXY_REQUIRED
        if not body.bearer_token:
            if not vouched:
                self._check_signature(hello, user)
        elif account.disallow_bearer:
            raise RuleError("Account does not allow bearer tokens")
        rules.check_kind(body.allowed_connection_types, hello.kind)
        rules.check_source(body.src, hello.host)
        return self._verdict(token, user, account, scope, body)

    def _verdict(
        self, token: str, user: User, account: Account, scope: ScopedSigner | None, body: Body
    ) -> Verdict:
        expires = float(user.exp)
        if body.times:
            leaves = rules.window_end(body.times, body.locale, time.time())
            expires = min(expires or leaves, leaves)
        rights = permissions_of(body) or account.default_permissions
        return Verdict(
            account.account,
            compile_permissions(rights),
            user.sub,
            method="jwt",
            rights=rights,
            max_subscriptions=limit_of(body.subs),
            max_payload=limit_of(body.payload),
            expires=expires,
            jwt="" if body.bearer_token else token,
            issuer_key=user.iss,
            name_tag=user.name,
            account_tag=account.name,
            tags=tuple(user.nats.tags),
            proof=_Proof(user, account, scope, _told(account, scope, rights)),
        )

    def _body(self, user: User, account: Account, scope: ScopedSigner | None) -> Body:
        """The permissions and limits of the user: its own, or those of its signing key's scope.
        Raises RuleError."""
        if scope is None:
            try:
                rules.check_body(user.nats)
            except RuleError as error:
                raise RuleError(_no_longer_valid(error)) from None
            return user.nats
        if not _is_clear(user.nats):
            raise RuleError(
                "User JWT is not valid: scoped users require no permissions or limits set"
            )
        names = Names(
            user.name, user.sub, user.nats.tags, account.name, account.account, account.tags
        )
        try:
            body = fill(body_of(scope.template), names)
            rules.check_body(body)
        except RuleError as error:
            raise RuleError(f"User JWT generated invalid permissions: {error}") from None
        return body

    def _check_signature(self, hello: Hello, user: User) -> None:
        """Raises RuleError unless the user has signed the nonce."""
        if not hello.said.sig:
            raise RuleError("Signature missing")
        signature = signatures.decode(hello.said.sig)
        if signature is None:
            raise RuleError("Signature not valid base64")
        good = hello.nonce and len(signature) == SIGNATURE_BYTES
        if not good or not is_signed(hello.nonce.encode(), signature, user_key(user)):
            raise RuleError("Signature not verified")

    # -- again ------------------------------------------------------------------------------

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """See Authenticator: the signatures were checked already."""
        proof = verdict.proof
        if not isinstance(proof, _Proof):
            return self.verify(hello)
        user = proof.user
        account = self._accounts.get(user.account)
        if account is None or account.expired:
            return ACCOUNT_EXPIRED
        if account.is_revoked(user.sub, user.iat):
            return REVOKED
        if user.iss not in account.signers or account.signers[user.iss] != proof.scope:
            return SIGNER_GONE
        try:
            body = self._body(user, account, proof.scope)
            if body.bearer_token and account.disallow_bearer:
                return _refused("Bearer User JWT not allowed")
            rights = permissions_of(body) or account.default_permissions
            if _told(account, proof.scope, rights) == proof.told:
                return verdict
            return self._verdict(verdict.jwt, user, account, proof.scope, body)
        except (RuleError, JwtError) as error:
            return _refused(str(error))


def _told(
    account: Account, scope: ScopedSigner | None, rights: Rights | None
) -> tuple[object, ...]:
    """What a verdict follows from, besides the user's JWT."""
    return scope, rights, account.name if scope is not None else "", tuple(account.tags)


def _check_times(user: User) -> str:
    now = time.time()
    if 0 < user.exp < now:  # with a negative one it gets in, and out at once
        return "claim is expired"
    if user.nbf > now:
        return "claim is not yet valid"
    return ""


def _is_clear(body: Body) -> bool:
    empty = Body(
        issuer_account=body.issuer_account, tags=body.tags, type=body.type, version=body.version
    )
    return body == empty


def _no_longer_valid(fault: object) -> str:
    """As the real server prints it, whose readers know no other form."""
    return f"User JWT no longer valid: &{{Issues:[{fault}]}}"


def _tell(hello: Hello, user: User, account: Account) -> None:
    if hello.notes is None or not hello.notes.debug_enabled:
        return

    def described(name: str, tags: list[str]) -> str:
        texts = " ".join(quote(shortened(tag)) for tag in tags)
        return f"(claim-name: {quote(shortened(name))}, claim-tags: [{texts}])"

    mapped = "true" if account.has_mappings else "false"
    hello.notes.debug(
        f"Authenticated JWT: Client {quote(user.sub)} {described(user.name, user.nats.tags)} "
        f"signed with {quote(user.iss)} by Account {quote(account.account)} "
        f"{described(account.given_name, account.tags)} signed with {quote(account.issuer)} "
        f"has mappings {mapped}"
    )


def _refused(why: str) -> Refusal:
    return Refusal(why=why)
