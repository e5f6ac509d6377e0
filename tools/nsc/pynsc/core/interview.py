"""Questions of the interactive mode that depend on earlier answers or on the store.

Plain questions stand beside their options (`ask=`); these run after them, and ask only for what
was not given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynsc.core.errors import NscError
from pynsc.core.prompts import ask, confirm, edit_list, select

if TYPE_CHECKING:
    from pynsc.cli import PermissionOptions
    from pynsc.commands.add import AddAccount, AddUser
    from pynsc.commands.edit_account import EditAccount
    from pynsc.commands.sharing import AddExport, AddImport, GenerateActivation
    from pynsc.core.session import Session


def pick_signer(session: Session, account: str = "", scoped: bool = True) -> None:
    """Choose among several stored keys: those of the account, else those of the operator."""
    store = session.store()
    if session.private_key or (store.managed and not account):
        return
    operator = store.operator()
    labels: dict[str, str] = {}
    if account:
        claims = store.account(account)
        labels[claims.sub] = "account key"
        for public in claims.nats.signing_key_ids():
            scope = claims.nats.scope_of(public)
            if scope is None or scoped:
                labels[public] = "signing key" if scope is None else f"role {scope.role}"
    else:
        labels[operator.sub] = "operator key"
        labels |= dict.fromkeys(operator.nats.signing_keys, "signing key")
    if operator.nats.strict_signing_key_usage:
        labels.pop(next(iter(labels)))
    choices = {f"{key} ({label})": key for key, label in labels.items() if session.keys.has(key)}
    if len(choices) > 1:
        session.private_key = choices[select("sign with", list(choices))]


def _key(given: str, kind: str) -> str:
    """The given key, or the path of one, or nothing to generate it."""
    if given or confirm(f"generate {kind} key?", True):
        return given
    return ask(f"{kind} key: public key or path of a key file")


def _permissions(options: PermissionOptions) -> None:
    options.allow_pub = options.allow_pub or edit_list("publish allowed")
    options.deny_pub = options.deny_pub or edit_list("publish denied")
    options.allow_sub = options.allow_sub or edit_list("subscribe allowed")
    options.deny_sub = options.deny_sub or edit_list("subscribe denied")


def _any_permission(options: PermissionOptions) -> bool:
    return any((options.allow_pub, options.deny_pub, options.allow_sub, options.deny_sub,
                options.allow_pubsub, options.deny_pubsub))  # fmt: skip


def new_account(session: Session, options: AddAccount) -> None:
    options.name = options.pos or options.name or ask("account name")
    options.public_key = _key(options.public_key, "account")
    if not _any_permission(options) and confirm("set default permissions?"):
        _permissions(options)
    pick_signer(session)


def new_user(session: Session, options: AddUser) -> None:
    options.account = session.account_name(options.account)
    options.name = options.pos or options.name or ask("user name")
    options.public_key = _key(options.public_key, "user")
    pick_signer(session, options.account)
    scoped = session.account_signer(options.account).public_key
    if session.store().account(options.account).nats.scope_of(scoped) is not None:
        return  # the role decides what the user may do
    if not options.allow_pub_response and confirm("allow publishing to reply subjects?"):
        options.allow_pub_response = ask("max responses", "1")
        options.response_ttl = options.response_ttl or ask("response ttl (empty is none)")
    if not _any_permission(options) and confirm("limit its subjects?"):
        _permissions(options)


def new_export(session: Session, options: AddExport) -> None:
    options.name = options.name or ask("export name", options.subject)
    if options.service:
        if not options.response_type:
            options.response_type = select("response type", ["Singleton", "Stream", "Chunked"])
        if not options.latency and confirm("track latency?"):
            options.sampling = options.sampling or ask("sampling: 1-100 percent or header", "100")
            options.latency = ask("subject for latency results")
        if options.allow_trace is None:
            options.allow_trace = confirm("allow message tracing?")
    pick_signer(session)


def new_import(session: Session, options: AddImport) -> None:
    options.account = session.account_name(options.account)
    if not (options.token or options.src_account or options.remote_subject):
        _choose_source(session, options)
    if options.service and not options.share:
        options.share = confirm("share connection information?")
    options.name = options.name or ask("import name (empty is its subject)")
    options.local_subject = options.local_subject or ask("local subject (empty is the same)")
    options.allow_trace = options.allow_trace or confirm("allow message tracing?")
    pick_signer(session)


def _choose_source(session: Session, options: AddImport) -> None:
    """Export of another account of the store, or account and subject, or a token."""
    store = session.store()
    known = {
        f"{name}: {export.subject} ({export.type}{', private' if export.token_req else ''})": (
            name, export,
        )
        for name in store.accounts() if name != options.account
        for export in store.account(name).nats.exports
    }  # fmt: skip
    if known and confirm("choose an export of a local account?", True):
        name, export = known[select("export", list(known))]
        if export.token_req:  # the token says what it is for, often less than the export
            options.token = ask("activation token: path or url")
            return
        options.src_account, options.remote_subject = name, export.subject
        options.service = export.is_service
        return
    if not confirm("is the export public?", True):
        options.token = ask("activation token: path or url")
        return
    options.src_account = ask("source account")
    options.remote_subject = ask("remote subject")
    options.service = options.service or confirm("is it a service?")


def changed_account(session: Session, options: EditAccount) -> None:
    account = session.account_name(options.pos or options.name)
    options.name = account
    system = session.store().operator().nats.system_account
    if session.store().account(account).sub != system and confirm("edit JetStream limits?"):
        text = ask("tier: 0 is global, 1 and up are R1 and up", str(options.js_tier))
        if not text.isdigit():
            raise NscError(f"tier {text!r} is invalid", "use 0, or the number of replicas")
        options.js_tier = int(text)
        for flag, question in (
            ("js_mem_storage", "max memory storage (-1 unlimited)"),
            ("js_disk_storage", "max disk storage (-1 unlimited)"),
            ("js_streams", "max streams"),
            ("js_consumer", "max consumers"),
            ("js_max_ack_pending", "max ack pending"),
            ("js_max_mem_stream", "max memory of a stream"),
            ("js_max_disk_stream", "max disk of a stream"),
        ):
            setattr(options, flag, getattr(options, flag) or ask(question))
        if options.js_max_bytes_required is None and confirm("require max bytes of streams?"):
            options.js_max_bytes_required = True
    if not options.trace_context_subject and confirm("set a trace context?"):
        options.trace_context_subject = ask("trace subject", "trace.messages")
        options.trace_context_sampling = ask("trace sampling percent", "100")
    pick_signer(session)


def activation(session: Session, options: GenerateActivation) -> None:
    options.account = session.account_name(options.account)
    exports = session.store().account(options.account).nats.exports
    private = [export.subject for export in exports if export.token_req]
    if not options.subject and private:
        chosen = private[0] if len(private) == 1 else select("export", private)
        options.subject = ask("subject, or a narrower one", chosen)
    options.target_account = options.target_account or ask("target account: name or public key")
    pick_signer(session, options.account, scoped=False)
