"""`edit` operator, user, signing-key and authcallout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.store import Store
from pynats_common.commandline.declare import arg, opt
from pynats_common.jwt.types import ExternalAuthorization, ScopedSigner
from pynats_common.jwt.validation import service_url_error
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import (
    AccountOption,
    Many,
    Maybe,
    Text,
    TimeOptions,
    UserLimitOptions,
    require_change,
)
from pynsc.core.apply import apply_tags, apply_times, apply_user_limits, discard
from pynsc.core.session import Session
from pynsc.core.values import items, known_names


def _signing_key(session: Session, text: str, kind: Prefix) -> str:
    """Public key for `generate`, a key, or a path."""
    if text.lower() == "generate":
        return session.keyring.new(kind).public_key
    pair = session.keyring.load(text, kind)
    if pair.has_seed and not session.keys.has(pair.public_key):
        session.keyring.keep(pair)
    return pair.public_key


@dataclass
class EditOperator(TimeOptions):
    sk: Annotated[Many, opt("--sk", help="signing key: generate, key or path")] = None
    rm_sk: Annotated[Many, opt("--rm-sk", help="remove a signing key")] = None
    tag: Annotated[Many, opt("--tag", help="add tags")] = None
    rm_tag: Annotated[Many, opt("--rm-tag", help="remove tags")] = None
    account_jwt_server_url: Annotated[
        Text,
        opt("--account-jwt-server-url", "-u", help="account server"),
    ] = ""
    rm_account_jwt_server_url: Annotated[
        bool, opt("--rm-account-jwt-server-url", help="forget the account server")
    ] = False
    system_account: Annotated[Text, opt("--system-account", help="account name or key")] = ""
    service_url: Annotated[Many, opt("--service-url", "-n", help="add a service url")] = None
    rm_service_url: Annotated[Many, opt("--rm-service-url", help="remove a service url")] = None
    require_signing_keys: Annotated[
        bool | None,
        opt(
            "--require-signing-keys/--no-require-signing-keys",
            help="the operator's own key may not sign accounts",
        ),
    ] = None


def edit_operator(session: Session, options: EditOperator) -> None:
    require_change(options)
    store, report = session.store(), session.report
    claims = store.operator()
    body = claims.nats
    signer = session.operator_identity()
    edit_keys(session, Prefix.OPERATOR, body.signing_keys, options.sk, options.rm_sk)
    apply_tags(body.tags, items(options.tag), items(options.rm_tag), report)
    apply_times(claims, options, report)
    if options.rm_account_jwt_server_url:
        body.account_server_url = ""
        report.planned("removed account server url")
    if options.account_jwt_server_url:
        body.account_server_url = options.account_jwt_server_url
        report.planned(f'set account jwt server url to "{options.account_jwt_server_url}"')
    if options.system_account:
        text = options.system_account
        key = text if is_valid_public(text, Prefix.ACCOUNT) else store.account(text).sub
        body.system_account = key
        report.planned(f'set system account "{key}"')
    for url in items(options.service_url):
        problem = service_url_error(url)
        if problem:
            raise StoreError(problem)
        if url not in body.operator_service_urls:
            body.operator_service_urls.append(url)
        report.planned(f'added service url "{url}"')
    for url in items(options.rm_service_url):
        discard(body.operator_service_urls, url, f'service url "{url}"', report)
    if options.require_signing_keys is not None:
        if options.require_signing_keys:
            _check_signing_keys(store, claims)
        body.strict_signing_key_usage = options.require_signing_keys
        report.planned(
            f"strict signing key usage set to: {str(options.require_signing_keys).lower()}"
        )
    session.save_operator(claims, signer)
    report.ok(f'edited operator "{store.name}"')


def _check_signing_keys(store: Store, claims: jwt.OperatorClaims) -> None:
    """Refuses to require signing keys while the identity key has signed something: servers would
    reject it."""
    if not claims.nats.signing_keys:
        raise StoreError("signing keys are required but none is set", "add one with --sk generate")
    if store.managed:
        return
    for name in store.accounts():
        account = store.account(name)
        if account.iss not in claims.nats.signing_keys:
            raise StoreError(f'account "{name}" needs to be issued with a signing key first',
                             f"edit it with -K {claims.nats.signing_keys[0]}")  # fmt: skip
        for user in store.users(name):
            if store.user(name, user).iss == account.sub:
                raise StoreError(
                    f'user "{user}" of account "{name}" needs to be issued with a signing key'
                    " first", "edit it with -K and a signing key of the account",
                )  # fmt: skip


def edit_keys(session: Session, kind: Prefix, keys: list[Any], add: Many, remove: Many) -> None:
    """Adds and removes signing keys in place; an entry is a key, or a scope with one."""

    def publics() -> list[str]:
        return [item if isinstance(item, str) else item.key for item in keys]

    for text in items(add):
        public = _signing_key(session, text, kind)
        if public not in publics():
            keys.append(public)
        session.report.planned(f'added signing key "{public}"')
    for text in items(remove):
        public = text if text in publics() else session.keyring.load(text, kind).public_key
        if public in publics():
            del keys[publics().index(public)]
            session.report.planned(f'removed signing key "{public}"')
        else:
            session.report.warn(f'signing key "{public}" is not set')


@dataclass
class EditUser(UserLimitOptions, TimeOptions, AccountOption):
    pos: Annotated[Text, arg(help="user name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="user name")] = ""
    tag: Annotated[Many, opt("--tag", help="add tags")] = None
    rm_tag: Annotated[Many, opt("--rm-tag", help="remove tags")] = None


def edit_user(session: Session, options: EditUser) -> None:
    if not session.private_key:  # a key alone is an edit too: it signs the user again
        require_change(options, "pos", "name", "account")
    account = session.account_name(options.account)
    user = session.user_name(account, options.pos or options.name)
    claims = session.store().user(account, user)
    signer = session.account_signer(account)
    if not session.private_key:
        # Keep the key that issued the user, so that its scope is not lost.
        signer = session.keys.get(claims.iss) or signer
    apply_user_limits(claims.nats, options, session.report)
    apply_tags(claims.nats.tags, items(options.tag), items(options.rm_tag), session.report)
    apply_times(claims, options, session.report)
    session.save_user(account, claims, signer)
    session.report.ok(f'edited user "{user}"')


@dataclass
class EditSigningKey(UserLimitOptions, AccountOption):
    sk: Annotated[Text, opt("--sk", help="signing key: generate, key or path")] = ""
    role: Annotated[Text, opt("--role", help="role name")] = ""
    description: Annotated[Maybe, opt("--description", help="description")] = None


def edit_signing_key(session: Session, options: EditSigningKey) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    body = claims.nats
    text = options.sk
    if not text and not options.role:
        raise StoreError("a signing key is required", "use --sk generate, --sk KEY, or --role")
    roles = [i for i in body.signing_keys if not isinstance(i, str) and i.role == options.role]
    if not text and roles:
        text = roles[0].key
    if not text:
        raise StoreError(f'no signing key has the role "{options.role}"', "use --sk generate")
    public = _signing_key(session, text, Prefix.ACCOUNT)
    if options.role and any(item.key != public for item in roles):
        raise StoreError(f'role "{options.role}" already belongs to another key')
    scope = body.scope_of(public)
    if scope is None:
        scope = ScopedSigner(key=public)
        if public in body.signing_keys:
            body.signing_keys.remove(public)
        body.signing_keys.append(scope)
    scope.role = options.role or scope.role
    if options.description is not None:
        scope.description = options.description
    apply_user_limits(scope.template, options, session.report)
    session.save_account(claims, account)
    session.report.ok(f'edited signing key "{public}"')


@dataclass
class EditAuthCallout(AccountOption):
    auth_user: Annotated[Many, opt("--auth-user", help="user that decides")] = None
    allowed_account: Annotated[
        Many, opt("--allowed-account", help="account it may assign, * any")
    ] = None
    rm_auth_user: Annotated[Many, opt("--rm-auth-user", help="remove a user")] = None
    rm_allowed_account: Annotated[Many, opt("--rm-allowed-account", help="remove an account")] = (
        None
    )
    curve: Annotated[Text, opt("--curve", "-x", help="key to encrypt for: generate or key")] = ""
    rm_curve: Annotated[bool, opt("--rm-curve", help="stop encrypting")] = False
    disable: Annotated[bool, opt("--disable", help="turn the callout off")] = False


def edit_authcallout(session: Session, options: EditAuthCallout) -> None:
    require_change(options, "account")
    account = session.account_name(options.account)
    store, report = session.store(), session.report
    claims = store.account(account)
    if options.disable:
        claims.nats.authorization = ExternalAuthorization()
        report.planned("removed external authorization configuration")
    target = claims.nats.authorization

    def user_key(text: str) -> str:
        return text if is_valid_public(text, Prefix.USER) else store.user(account, text).sub

    def account_key(text: str) -> str:
        known = text == "*" or is_valid_public(text, Prefix.ACCOUNT)
        return text if known else store.account(text).sub

    users, accounts = store.users(account), store.accounts()
    for added, removed, entries, resolve, words in (
        (known_names(options.auth_user, users), known_names(options.rm_auth_user, users),
         target.auth_users, user_key, "user"),
        (known_names(options.allowed_account, accounts),
         known_names(options.rm_allowed_account, accounts),
         target.allowed_accounts, account_key, "account"),
    ):  # fmt: skip
        for text in added:
            key = resolve(text)
            if key not in entries:
                entries.append(key)
            report.planned(f'added {words} "{key}"')
        for text in removed:
            key = resolve(text)
            discard(entries, key, f'{words} "{key}"', report)
    if options.rm_curve:
        report.planned(f"removed {target.xkey or 'no'} curve key")
        target.xkey = ""
    if options.curve:
        target.xkey = _signing_key(session, options.curve, Prefix.CURVE)
        report.planned(f"set curve key {target.xkey}")
    session.save_account(claims, account)
    report.ok(f'edited auth callout of account "{account}"')
