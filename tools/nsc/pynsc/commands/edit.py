"""`edit` operator, account, user, signing-key and authcallout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.jwt.types import (
    ExternalAuthorization,
    JetStreamLimits,
    MsgTrace,
    ScopedSigner,
    UserPermissionLimits,
)
from pynats_common.jwt.validation import service_url_error
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import (
    AccountOption,
    Many,
    RemovePermissionOptions,
    Text,
    TimeOptions,
    UserLimitOptions,
    arg,
    opt,
)
from pynsc.core.apply import apply_permissions, apply_tags, apply_times, apply_user_limits
from pynsc.core.errors import NscError
from pynsc.core.session import Session
from pynsc.core.values import items, parse_number


def _signing_key(session: Session, text: str, kind: Prefix) -> str:
    """Public key for `generate`, a key, or a path."""
    if text.lower() == "generate":
        return session.new_key(kind).public_key
    pair = session.load_key(text, kind)
    if pair.has_seed and not session.keys.has(pair.public_key):
        session.keys.save(pair)
    return pair.public_key


@dataclass
class EditOperator(TimeOptions):
    sk: Annotated[Many, opt("--sk", help="signing key: generate, key or path")] = None
    rm_sk: Annotated[Many, opt("--rm-sk", help="remove a signing key")] = None
    tag: Annotated[Many, opt("--tag", help="add tags")] = None
    rm_tag: Annotated[Many, opt("--rm-tag", help="remove tags")] = None
    account_jwt_server_url: Annotated[
        Text,
        opt("--account-jwt-server-url", "-u", help="account server", ask="account jwt server url"),
    ] = ""
    rm_account_jwt_server_url: Annotated[
        bool, opt("--rm-account-jwt-server-url", help="forget the account server")
    ] = False
    system_account: Annotated[
        Text, opt("--system-account", help="account name or key", ask="system account")
    ] = ""
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
    store, report = session.store(), session.report
    claims = store.operator()
    body = claims.nats
    signer = session.operator_identity()
    _edit_keys(session, Prefix.OPERATOR, body.signing_keys, options.sk, options.rm_sk)
    apply_tags(body.tags, items(options.tag), items(options.rm_tag), report)
    apply_times(claims, options, report)
    if options.rm_account_jwt_server_url:
        body.account_server_url = ""
        report.ok("removed account jwt server url")
    if options.account_jwt_server_url:
        body.account_server_url = options.account_jwt_server_url
        report.ok(f'set account jwt server url to "{options.account_jwt_server_url}"')
    if options.system_account:
        text = options.system_account
        key = text if is_valid_public(text, Prefix.ACCOUNT) else store.account(text).sub
        body.system_account = key
        report.ok(f'set system account "{key}"')
    for url in items(options.service_url):
        problem = service_url_error(url)
        if problem:
            raise NscError(problem)
        if url not in body.operator_service_urls:
            body.operator_service_urls.append(url)
        report.ok(f'added service url "{url}"')
    for url in items(options.rm_service_url):
        if url not in body.operator_service_urls:
            raise NscError(f'service url "{url}" is not set')
        body.operator_service_urls.remove(url)
        report.ok(f'removed service url "{url}"')
    if options.require_signing_keys is not None:
        if options.require_signing_keys and not body.signing_keys:
            raise NscError("signing keys are required but none is set", "add one with --sk")
        body.strict_signing_key_usage = options.require_signing_keys
        report.ok(f"strict signing key usage set to: {str(options.require_signing_keys).lower()}")
    session.check(claims)
    store.save_operator(jwt.encode(claims, signer))
    report.ok(f'edited operator "{store.name}"')


def _edit_keys(session: Session, kind: Prefix, keys: list[Any], add: Many, remove: Many) -> None:
    """Add and remove signing keys in place; an entry is a key, or a scope that has one."""

    def publics() -> list[str]:
        return [item if isinstance(item, str) else item.key for item in keys]

    for text in items(add):
        public = _signing_key(session, text, kind)
        if public not in publics():
            keys.append(public)
        session.report.ok(f'added signing key "{public}"')
    for text in items(remove):
        public = session.load_key(text, kind).public_key
        if public not in publics():
            raise NscError(f'signing key "{public}" is not set')
        del keys[publics().index(public)]
        session.report.ok(f'removed signing key "{public}"')


# Flag, field of the limits, words of the message.
_ACCOUNT_LIMITS = (
    ("conns", "conn", "max connections"),
    ("leaf_conns", "leaf", "max leafnode connections"),
    ("data", "data", "max data"),
    ("exports", "exports", "max exports"),
    ("imports", "imports", "max imports"),
    ("payload", "payload", "max payload"),
    ("subscriptions", "subs", "max subscriptions"),
)
_JS_LIMITS = (
    ("js_mem_storage", "mem_storage", "max mem storage"),
    ("js_disk_storage", "disk_storage", "max disk storage"),
    ("js_streams", "streams", "max streams"),
    ("js_consumer", "consumer", "max consumer"),
    ("js_max_mem_stream", "mem_max_stream_bytes", "max mem stream"),
    ("js_max_disk_stream", "disk_max_stream_bytes", "max disk stream"),
    ("js_max_ack_pending", "max_ack_pending", "max ack pending"),
)


@dataclass
class EditAccount(TimeOptions, RemovePermissionOptions):
    pos: Annotated[Text, arg(help="account name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="account name")] = ""
    tag: Annotated[Many, opt("--tag", help="add tags")] = None
    rm_tag: Annotated[Many, opt("--rm-tag", help="remove tags")] = None
    conns: Annotated[
        Text, opt("--conns", help="connections, -1 unlimited", ask="max connections")
    ] = ""
    leaf_conns: Annotated[
        Text, opt("--leaf-conns", help="leaf node connections", ask="max leaf node connections")
    ] = ""
    data: Annotated[Text, opt("--data", help="bytes", ask="max data")] = ""
    exports: Annotated[Text, opt("--exports", help="exports", ask="max exports")] = ""
    imports: Annotated[Text, opt("--imports", help="imports", ask="max imports")] = ""
    payload: Annotated[Text, opt("--payload", help="message bytes", ask="max payload")] = ""
    subscriptions: Annotated[
        Text, opt("--subscriptions", help="subscriptions", ask="max subscriptions")
    ] = ""
    wildcard_exports: Annotated[
        bool | None,
        opt("--wildcard-exports/--no-wildcard-exports", help="exports may have wildcards"),
    ] = None
    disallow_bearer: Annotated[
        bool | None, opt("--disallow-bearer/--no-disallow-bearer", help="refuse bearer tokens")
    ] = None
    sk: Annotated[Many, opt("--sk", help="signing key: generate, key or path")] = None
    rm_sk: Annotated[Many, opt("--rm-sk", help="remove a signing key")] = None
    description: Annotated[Text, opt("--description", help="description", ask="description")] = ""
    info_url: Annotated[Text, opt("--info-url", help="link to more", ask="info url")] = ""
    js_tier: Annotated[
        int, opt("--js-tier", help="tier R<n> that JetStream flags edit, 0 is global")
    ] = 0
    rm_js_tier: Annotated[int, opt("--rm-js-tier", help="remove a tier")] = -1
    js_mem_storage: Annotated[Text, opt("--js-mem-storage", "--mem-storage", help="bytes")] = ""
    js_disk_storage: Annotated[Text, opt("--js-disk-storage", "--disk-storage", help="bytes")] = ""
    js_streams: Annotated[Text, opt("--js-streams", "--streams", help="streams")] = ""
    js_consumer: Annotated[Text, opt("--js-consumer", "--consumer", help="consumers")] = ""
    js_max_mem_stream: Annotated[Text, opt("--js-max-mem-stream", help="bytes of a stream")] = ""
    js_max_disk_stream: Annotated[Text, opt("--js-max-disk-stream", help="bytes of a stream")] = ""
    js_max_bytes_required: Annotated[
        bool | None,
        opt("--js-max-bytes-required/--no-js-max-bytes-required", help="streams need max bytes"),
    ] = None
    js_max_ack_pending: Annotated[Text, opt("--js-max-ack-pending", help="pending acks")] = ""
    js_enable: Annotated[int, opt("--js-enable", help="enable JetStream unlimited for a tier")] = -1
    js_disable: Annotated[bool, opt("--js-disable", help="disable JetStream")] = False
    trace_context_subject: Annotated[
        Text, opt("--trace-context-subject", help="subject of traces")
    ] = ""
    trace_context_sampling: Annotated[Text, opt("--trace-context-sampling", help="percent")] = ""
    host_cluster_traffic: Annotated[Text, opt("--host-cluster-traffic", hidden=True)] = ""

    def interview(self, session: Session) -> None:
        from pynsc.core.interview import changed_account

        changed_account(session, self)


def edit_account(session: Session, options: EditAccount) -> None:
    account = session.account_name(options.pos or options.name)
    claims = session.store().account(account)
    body, report = claims.nats, session.report
    apply_times(claims, options, report)
    apply_tags(body.tags, items(options.tag), items(options.rm_tag), report)
    apply_permissions(body.default_permissions, options, report)
    for flag, name, words in _ACCOUNT_LIMITS:
        text = getattr(options, flag)
        if text:
            setattr(body.limits, name, parse_number(text))
            report.ok(f"changed {words} to {getattr(body.limits, name)}")
    for flag, name in (("wildcard_exports", "wildcards"), ("disallow_bearer", "disallow_bearer")):
        value = getattr(options, flag)
        if value is not None:
            setattr(body.limits, name, value)
            report.ok(f"changed {flag.replace('_', ' ')} to {str(value).lower()}")
    _edit_keys(session, Prefix.ACCOUNT, body.signing_keys, options.sk, options.rm_sk)
    _edit_jetstream(session, claims, options)
    if options.description:
        body.description = options.description
        report.ok("changed description")
    if options.info_url:
        body.info_url = options.info_url
        report.ok(f"changed info url to {options.info_url}")
    if options.trace_context_subject or options.trace_context_sampling:
        body.trace = body.trace or MsgTrace(dest="trace.messages", sampling=100)
        body.trace.dest = options.trace_context_subject or body.trace.dest
        if options.trace_context_sampling:
            body.trace.sampling = parse_number(options.trace_context_sampling)
        report.ok(f'changed trace context to "{body.trace.dest}" at {body.trace.sampling}%')
    if options.host_cluster_traffic:
        body.cluster_traffic = options.host_cluster_traffic
    session.save_account(claims, account)
    report.ok(f'edited account "{account}"')


def _edit_jetstream(session: Session, claims: jwt.AccountClaims, options: EditAccount) -> None:
    limits, report = claims.nats.limits, session.report
    wanted = {name: getattr(options, flag) for flag, name, _ in _JS_LIMITS}
    touched = (
        any(wanted.values()) or options.js_enable >= 0 or options.js_max_bytes_required is not None
    )
    if touched and claims.sub == session.store().operator().nats.system_account:
        raise NscError("the system account cannot have JetStream", "use another account")
    if options.js_disable:
        limits.tiered_limits = {}
        _reset(limits)
        report.ok("disabled JetStream")
    if options.rm_js_tier >= 0:
        name = f"R{options.rm_js_tier}"
        if options.rm_js_tier == 0:
            _reset(limits)
        elif limits.tiered_limits.pop(name, None) is None:
            raise NscError(f"tier {name} is not set")
        report.ok(f"removed tier {options.rm_js_tier}")
    if not touched:
        return
    number = options.js_enable if options.js_enable >= 0 else options.js_tier
    target: JetStreamLimits | object = limits
    if number:
        target = limits.tiered_limits.setdefault(f"R{number}", JetStreamLimits())
    if options.js_enable >= 0:
        for _, name, _words in _JS_LIMITS:
            setattr(target, name, -1)
        report.ok(f"enabled JetStream for tier {number}" if number else "enabled JetStream")
    for _, name, words in _JS_LIMITS:
        if wanted[name]:
            setattr(target, name, parse_number(wanted[name]))
            report.ok(f"changed {words} to {getattr(target, name)}")
    if options.js_max_bytes_required is not None:
        setattr(target, "max_bytes_required", options.js_max_bytes_required)  # noqa: B010


def _reset(limits: object) -> None:
    for name in (*(name for _, name, _ in _JS_LIMITS), "max_bytes_required"):
        setattr(limits, name, False if name == "max_bytes_required" else 0)


@dataclass
class EditUser(UserLimitOptions, TimeOptions, AccountOption):
    pos: Annotated[Text, arg(help="user name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="user name")] = ""
    tag: Annotated[Many, opt("--tag", help="add tags")] = None
    rm_tag: Annotated[Many, opt("--rm-tag", help="remove tags")] = None


def edit_user(session: Session, options: EditUser) -> None:
    account = session.account_name(options.account)
    user = session.user_name(account, options.pos or options.name)
    claims = session.store().user(account, user)
    signer = session.account_signer(account)
    if not session.private_key:
        # Stay with the key that issued the user, so that a scope is not lost on the way.
        signer = session.keys.get(claims.iss) or signer
    apply_user_limits(claims.nats, options, session.report)
    apply_tags(claims.nats.tags, items(options.tag), items(options.rm_tag), session.report)
    apply_times(claims, options, session.report)
    session.save_user(account, claims, signer)
    session.report.ok(f'edited user "{user}"')


@dataclass
class EditSigningKey(UserLimitOptions, AccountOption):
    sk: Annotated[
        Text, opt("--sk", help="signing key: generate, key or path", ask="signing key")
    ] = ""
    role: Annotated[Text, opt("--role", help="role name", ask="role")] = ""
    description: Annotated[Text, opt("--description", help="description")] = ""


def edit_signing_key(session: Session, options: EditSigningKey) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    body = claims.nats
    text = options.sk
    roles = [i for i in body.signing_keys if not isinstance(i, str) and i.role == options.role]
    if not text and roles:
        text = roles[0].key
    if not text:
        raise NscError("a signing key is required", "use --sk generate, or --sk KEY")
    public = _signing_key(session, text, Prefix.ACCOUNT)
    if options.role and any(item.key != public for item in roles):
        raise NscError(f'role "{options.role}" already belongs to another key')
    scope = body.scope_of(public)
    if scope is None:
        template = UserPermissionLimits()
        template.lift_limits()
        scope = ScopedSigner(key=public, template=template)
        if public in body.signing_keys:
            body.signing_keys.remove(public)
        body.signing_keys.append(scope)
    scope.role = options.role or scope.role
    scope.description = options.description or scope.description
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
    account = session.account_name(options.account)
    store = session.store()
    claims = store.account(account)
    if options.disable:
        claims.nats.authorization = ExternalAuthorization()
        session.report.ok("disabled auth callout")
    target = claims.nats.authorization

    def user_key(text: str) -> str:
        return text if is_valid_public(text, Prefix.USER) else store.user(account, text).sub

    def account_key(text: str) -> str:
        known = text == "*" or is_valid_public(text, Prefix.ACCOUNT)
        return text if known else store.account(text).sub

    for values, entries, resolve, words in (
        (options.auth_user, target.auth_users, user_key, "auth user"),
        (options.allowed_account, target.allowed_accounts, account_key, "allowed account"),
    ):
        for text in items(values):
            if resolve(text) not in entries:
                entries.append(resolve(text))
            session.report.ok(f'added {words} "{text}"')
    for values, entries, resolve, words in (
        (options.rm_auth_user, target.auth_users, user_key, "auth user"),
        (options.rm_allowed_account, target.allowed_accounts, account_key, "allowed account"),
    ):
        for text in items(values):
            if resolve(text) not in entries:
                raise NscError(f'{words} "{text}" is not set')
            entries.remove(resolve(text))
            session.report.ok(f'removed {words} "{text}"')
    if options.rm_curve:
        target.xkey = ""
        session.report.ok("removed encryption key")
    if options.curve:
        target.xkey = _signing_key(session, options.curve, Prefix.CURVE)
        session.report.ok(f'set encryption key "{target.xkey}"')
    session.save_account(claims, account)
    session.report.ok(f'edited auth callout of account "{account}"')
