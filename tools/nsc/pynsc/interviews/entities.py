"""Operators, accounts, users, signing keys, init, push and pull."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynats_common.accounts_store.errors import StoreError
from pynats_common.jwt.types import CONNECTION_TYPES
from pynats_common.jwt.validation import service_url_error

from pynsc.core.prompts import ask, confirm, edit_list, multi_select, select
from pynsc.core.values import parse_number
from pynsc.interviews import basics

if TYPE_CHECKING:
    from pynsc.commands.add import AddAccount, AddOperator, AddUser, Init
    from pynsc.commands.delete import DeleteAccount, DeleteUser
    from pynsc.commands.edit import EditOperator, EditSigningKey, EditUser
    from pynsc.commands.edit_account import EditAccount
    from pynsc.commands.sync import Pull, Push
    from pynsc.core.session import Session

_CREATE, _OTHER = "Create Operator", "Other"


def _service_url(text: str) -> None:
    problem = service_url_error(text)
    if problem:
        raise StoreError(problem, "use for example nats://localhost:4222")


def init(session: Session, options: Init) -> None:
    from pynsc.commands.add import WELL_KNOWN

    if not options.dir:
        options.dir = ask("stores directory", str(session.env.stores_dir))
    if not (options.remote_operator or options.url):
        chosen = select("select an operator", [_CREATE, *WELL_KNOWN, _OTHER])
        if chosen == _OTHER:
            options.remote_operator = ask("operator: url or JWT file")
        elif chosen != _CREATE:
            options.remote_operator = chosen
    joins = options.remote_operator or options.url
    named = "account and user" if joins else "operator, account and user"
    options.name = basics.name(options.name, f"name your {named} (* is a random name)")


def new_operator(session: Session, options: AddOperator) -> None:
    given = options.pos or options.name
    if not (options.url or given) and confirm("import operator from a JWT?"):
        options.url = ask("operator: path, url or known name")
    if options.url:
        return
    options.name = basics.name(given, "operator name")
    if not session.private_key and not confirm("generate operator key?", True):
        session.private_key = ask("operator key: path of a key file", check=session.keyring.load)
    options.sys = options.sys or confirm("create a system account?", True)
    options.generate_signing_key = options.generate_signing_key or confirm(
        "generate a signing key?", True
    )
    basics.times(options)


def changed_operator(session: Session, options: EditOperator) -> None:
    claims = session.store().operator()
    body = claims.nats
    if not options.account_jwt_server_url:
        answer = ask("account jwt server url (- removes it)", body.account_server_url)
        options.rm_account_jwt_server_url = answer == "-"
        options.account_jwt_server_url = "" if answer in ("-", body.account_server_url) else answer
    if not options.service_url and confirm("add service urls?"):
        options.service_url = edit_list("service url", check=_service_url)
    if body.operator_service_urls and not options.rm_service_url:
        options.rm_service_url = multi_select("remove service urls", body.operator_service_urls)
    names = session.store().accounts()
    if names and not options.system_account and confirm("set the system account?"):
        current = session.store().account_named(body.system_account)
        chosen = select("system account", names, current)
        options.system_account = chosen if chosen != current else ""
    if options.require_signing_keys is None and body.signing_keys:
        wanted = confirm("require signing keys?", body.strict_signing_key_usage)
        if wanted != body.strict_signing_key_usage:
            options.require_signing_keys = wanted
    basics.tags(options, body.tags)
    basics.changed_times(options, claims.nbf, claims.exp)


def new_account(session: Session, options: AddAccount) -> None:
    options.name = basics.name(options.pos or options.name, "account name")
    options.public_key = basics.key(session, options.public_key, "account")
    basics.responses(options, "set default response permissions?")
    if not basics.any_permission(options) and confirm("set default permissions?"):
        basics.permissions(options)
    basics.times(options)
    basics.pick_signer(session)


def new_user(session: Session, options: AddUser) -> None:
    options.account = session.account_name(options.account)
    options.name = basics.name(options.pos or options.name, "user name")
    options.public_key = basics.key(session, options.public_key, "user")
    basics.pick_signer(session, options.account)
    signer = session.account_signer(options.account).public_key
    if session.store().account(options.account).nats.scope_of(signer) is None:
        basics.responses(options, "set response permissions?")
        if not basics.any_permission(options) and confirm("limit its subjects?"):
            basics.permissions(options)
    # Otherwise the role decides the user's permissions.
    basics.times(options)


def changed_user(session: Session, options: EditUser) -> None:
    options.account = session.account_name(options.account)
    options.name = session.user_name(options.account, options.pos or options.name)
    claims = session.store().user(options.account, options.name)
    body = claims.nats
    if session.store().account(options.account).nats.scope_of(claims.iss) is None:
        basics.responses(options, "edit response permissions?")
        if not basics.any_permission(options) and confirm("edit its subjects?"):
            basics.permissions(options)
            known = [*body.pub.allow, *body.pub.deny, *body.sub.allow, *body.sub.deny]
            if known:
                options.rm = multi_select("remove subjects", list(dict.fromkeys(known)))
        if confirm("edit limits?"):
            rows = [("subs", "max subscriptions", body.subs), ("data", "max data", body.data),
                    ("payload", "max payload", body.payload)]  # fmt: skip
            basics.limits(options, rows)
            options.source_network = edit_list("networks it may connect from, as CIDR",
                                               check=basics.networks)  # fmt: skip
            options.time = edit_list("times it may connect, as hh:mm:ss-hh:mm:ss")
            options.conn_type = multi_select("allowed connection types (none is all)",
                                             list(CONNECTION_TYPES))  # fmt: skip
            bearer = confirm("bearer token?", body.bearer_token)
            options.bearer = bearer if bearer != body.bearer_token else options.bearer
    basics.tags(options, body.tags)
    basics.changed_times(options, claims.nbf, claims.exp)


def changed_account(session: Session, options: EditAccount) -> None:
    account = session.account_name(options.pos or options.name)
    options.name = account
    claims = session.store().account(account)
    body, limits = claims.nats, claims.nats.limits
    basics.limits(options, [
        ("conns", "max connections", limits.conn),
        ("leaf_conns", "max leaf node connections", limits.leaf),
        ("data", "max data", limits.data),
        ("exports", "max exports", limits.exports),
        ("imports", "max imports", limits.imports),
        ("payload", "max payload", limits.payload),
        ("subscriptions", "max subscriptions", limits.subs),
    ])  # fmt: skip
    if claims.sub != session.store().operator().nats.system_account:
        _jetstream(options, limits)
    if options.description is None:
        options.description = basics.changed("description", body.description)
    if options.info_url is None:
        options.info_url = basics.changed("info url", body.info_url)
    if options.trace_context_subject is None and confirm("enable context tracing?"):
        current = body.trace.dest if body.trace else "trace.messages"
        options.trace_context_subject = ask("trace subject", current)
        options.trace_context_sampling = ask("trace sampling percent", "100", check=parse_number)
    basics.tags(options, body.tags)
    basics.changed_times(options, claims.nbf, claims.exp)
    basics.pick_signer(session)


def _tier(text: str) -> None:
    if not text.isdigit():
        raise StoreError(f"tier {text!r} is invalid", "use 0, or the number of replicas")


def _jetstream(options: EditAccount, limits: object) -> None:
    from pynats_common.jwt.types import AccountLimits, JetStreamLimits

    if not confirm("set JetStream limits?"):
        return
    assert isinstance(limits, AccountLimits)
    text = ask("tier: 0 is global, 1 and up are R1 and up", str(options.js_tier), check=_tier)
    options.js_tier = int(text)
    known = limits.tiered_limits.get(f"R{text}", JetStreamLimits()) if text != "0" else limits
    basics.limits(options, [
        ("js_mem_storage", "max memory storage, 0 is none", known.mem_storage),
        ("js_disk_storage", "max disk storage, 0 is none", known.disk_storage),
        ("js_streams", "max streams", known.streams or -1),
        ("js_consumer", "max consumers", known.consumer or -1),
        ("js_max_ack_pending", "max ack pending", known.max_ack_pending or -1),
        ("js_max_mem_stream", "max memory of a stream", known.mem_max_stream_bytes or -1),
        ("js_max_disk_stream", "max disk of a stream", known.disk_max_stream_bytes or -1),
    ])  # fmt: skip
    if options.js_max_bytes_required is None:
        required = confirm("require max bytes when creating a stream?", known.max_bytes_required)
        if required != known.max_bytes_required:
            options.js_max_bytes_required = required


def signing_key(session: Session, options: EditSigningKey) -> None:
    options.account = session.account_name(options.account)
    body = session.store().account(options.account).nats
    if not options.sk:
        labels = {"generate a new key": "generate"}
        for public in body.signing_key_ids():
            scope = body.scope_of(public)
            labels[f"{public} ({f'role {scope.role}' if scope else 'no role'})"] = public
        options.sk = labels[select("signing key", list(labels))]
    scope = body.scope_of(options.sk)
    options.role = options.role or ask("role", scope.role if scope else "")
    if options.description is None:
        options.description = ask("description", scope.description if scope else "")
    basics.responses(options, "set response permissions?")
    if not basics.any_permission(options) and confirm("limit its subjects?"):
        basics.permissions(options)
    basics.pick_signer(session)


def deleted_user(session: Session, options: DeleteUser) -> None:
    options.account = session.account_name(options.account)
    if not (options.pos or options.name):
        users = session.store().users(options.account)
        if not users:
            raise StoreError(f'account "{options.account}" has no users', "add one with add user")
        options.name = multi_select("select users", users)
        if not options.name:
            raise StoreError("no user was selected", "nothing was changed")
    options.revoke = options.revoke or confirm("revoke before deleting?")
    options.rm_nkey = options.rm_nkey or confirm("delete the keys?")
    options.rm_creds = options.rm_creds or confirm("delete the creds files?")
    basics.need_yes("deleting users, keys or creds files cannot be undone - continue?")


def deleted_account(session: Session, options: DeleteAccount) -> None:
    options.name = session.account_name(options.pos or options.name)
    options.revoke = confirm("revoke all its users before deleting?", options.revoke)
    options.rm_nkey = options.rm_nkey or confirm("delete the keys of account and users?")
    options.rm_creds = options.rm_creds or confirm("delete the creds files of its users?")
    if session.store().managed:
        basics.need_yes("a managed account may be needed to cancel a service - continue?")
        options.force = True
    basics.need_yes("deleting accounts, users, keys or creds files cannot be undone - continue?")


def push(session: Session, options: Push) -> None:
    if not (options.all or options.account or options.account_removal or options.diff):
        options.all = confirm("push all accounts?", True)
        options.account = "" if options.all else session.account_name()
    if not options.account_jwt_server_url:
        options.account_jwt_server_url = ask("account server or nats-server url", _url(session))


def pull(session: Session, options: Pull) -> None:
    if not (options.all or options.account):
        options.all = confirm("pull all accounts?", True)
        options.account = "" if options.all else session.account_name()
    if not options.account_jwt_server_url:
        options.account_jwt_server_url = ask("account server or nats-server url", _url(session))


def _url(session: Session) -> str:
    body = session.store().operator().nats
    return body.account_server_url or next(iter(body.operator_service_urls), "")
