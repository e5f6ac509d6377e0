"""What operator mode demands of the other settings, in the order and words of the real server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from pynats_common.nkeys import Prefix, is_valid_public

from pynats_server.options import Options
from pynats_server.version import VERSION

if TYPE_CHECKING:
    from pynats_common.jwt import OperatorClaims, UserClaims


def settle_operators(options: Options) -> None:
    """Checks the settings of operator mode, and takes the system account from the operator if the
    options name none. Raises ValueError."""
    mode = options.operator
    if not mode.enabled:
        if mode.default_sentinel:
            _refuse(options, "default_sentinel", "default sentinel requires operators and accounts")
        return
    if mode.tokens and mode.trusted_keys:
        _refuse(
            options, "trusted_keys", "conflicting options for 'TrustedKeys' and 'TrustedOperators'"
        )
    _check_others(options)
    claims = decode_operators(options)
    if mode.default_sentinel:
        _check_sentinel(options)
    named = [each.nats.system_account for each in claims if each.nats.system_account]
    if options.system_account and named and options.system_account not in named:
        _refuse(
            options,
            "system_account",
            "system_account in config and operator JWT must be identical",
        )
    if not options.system_account and len(claims) == 1 and named:
        options.system_account = named[0]
    if options.resolver.kind in ("full", "cache") and not options.system_account:
        text = (
            "using nats based account resolver - the system account needs to be specified in "
            "configuration or the operator jwt"
        )
        _refuse(options, "resolver", text)
    if options.resolver.kind == "none" and claims and claims[0].nats.account_server_url:
        url = claims[0].nats.account_server_url.rstrip("/") + "/accounts/"
        options.resolver = replace(options.resolver, kind="url", url=url)
    for each in claims:
        _check_version(options, each)
    for key in (*mode.trusted_keys, *(key for each in claims for key in each.nats.signing_keys)):
        if not is_valid_public(key, Prefix.OPERATOR):
            text = f'trusted Keys "{key}" are required to be a valid public operator nkey'
            _refuse(options, "operator", text)
    for key in mode.pinned_accounts:
        if not is_valid_public(key, Prefix.ACCOUNT):
            text = f'pinned account key "{key}" is not a valid public account nkey'
            _refuse(options, "resolver_pinned_accounts", text)


def decode_operators(options: Options) -> list[OperatorClaims]:
    """The claims of the operators. Raises ValueError."""
    from pynats_common.jwt import JwtError, OperatorClaims, decode

    found = []
    for token in options.operator.tokens:
        try:
            claims = decode(token)
        except JwtError as error:
            _refuse(options, "operator", f"error parsing operator JWT: {error}")
        if not isinstance(claims, OperatorClaims):
            _refuse(options, "operator", "error parsing operator JWT: not operator claim")
        found.append(claims)
    return found


def _check_others(options: Options) -> None:
    """In operator mode accounts and users come from JWTs alone."""
    if options.accounts or options.mappings:
        _refuse(options, "accounts mappings", _not_directly("Accounts"))
    if options.authorization.users:
        _refuse(options, "authorization", _not_directly("users"))
    if options.authorization.auth_callout is not None:
        _refuse(options, "authorization", _not_directly("authorization callouts"))
    if options.no_auth_user:
        _refuse(options, "no_auth_user", "no_auth_user not compatible with Trusted Operator")


def _not_directly(what: str) -> str:
    return f"operators do not allow {what} to be configured directly"


def _check_sentinel(options: Options) -> None:
    from pynats_common.jwt import JwtError, UserClaims, decode

    try:
        claims = decode(options.operator.default_sentinel)
    except JwtError:
        claims = None
    if not isinstance(claims, UserClaims):
        _refuse(options, "default_sentinel", "default sentinel JWT not valid")
    if not claims.nats.bearer_token and not _is_of_scoped_key(claims):
        _refuse(options, "default_sentinel", "default sentinel must be a bearer token")


def _is_of_scoped_key(claims: UserClaims) -> bool:
    """Whether the scope of its signing key may make it a bearer token: that is seen at log-in."""
    return bool(claims.nats.issuer_account) and claims.nats.is_clear()


def _check_version(options: Options, claims: OperatorClaims) -> None:
    wanted = claims.nats.assert_server_version
    if not wanted:
        return
    parts = wanted.split(".")
    fault = ""
    numbers: list[int] = []
    try:
        numbers = [int(part) for part in parts]
    except ValueError as error:
        fault = str(error)
    if len(parts) != 3 or fault:
        fault = "asserted server version must be of the form <major>.<minor>.<update>"
    elif min(numbers) < 0:
        fault = f"asserted server version can'b contain negative values: {wanted}"
    if fault:
        text = f"operator {claims.sub} expects version {wanted} got error instead: {fault}"
        _refuse(options, "operator", text)
    own = [int(part) for part in VERSION.split(".")]
    for label, needed, mine in zip(
        ("major version", "minor version", "update version"), numbers, own, strict=True
    ):
        if needed > mine:
            text = f"operator {claims.sub} expected {label} {needed} > server {label} {mine}"
            _refuse(options, "operator", text)
        if needed < mine:
            return


def _refuse(options: Options, keys: str, message: str) -> NoReturn:
    places = [options.places[key] for key in keys.split() if key in options.places]
    raise ValueError(f"{places[0]}: {message}" if places else message)
