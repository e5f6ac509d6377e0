"""Exports, imports, activations and revocations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynats_common.accounts_store.errors import StoreError
from pynats_common.jwt import EVERYONE
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.core.managed import account_servers, are_http
from pynsc.core.prompts import ask, confirm, select
from pynsc.interviews import basics

if TYPE_CHECKING:
    from pynats_common.jwt.types import Export

    from pynsc.commands.delete import ActivationRevocation, UserRevocation
    from pynsc.commands.sharing import (
        AddExport,
        AddImport,
        DeleteImport,
        EditExport,
        ExportSettings,
        GenerateActivation,
        SubjectOption,
    )
    from pynsc.core.session import Session

_RESPONSE_TYPES = ["Singleton", "Stream", "Chunked"]


def _subject(text: str) -> None:
    if not text or any(letter.isspace() for letter in text):
        raise StoreError("a subject has no spaces and is not empty")


def _sampling(text: str) -> None:
    if text not in ("header", "headers") and not (text.isdigit() and 1 <= int(text) <= 100):
        raise StoreError(f"sampling {text!r} is invalid", "use 1 to 100, or header")


def new_export(session: Session, options: AddExport) -> None:
    options.account = session.account_name(options.account)
    if options.service is None:
        options.service = select("export type", ["stream", "service"]) == "service"
    options.subject = options.subject or ask("subject", check=_subject)
    options.name = options.name or ask("name", options.subject)
    if options.private is None:
        options.private = confirm(f"private {'service' if options.service else 'stream'}?")
    if options.service:
        _service(options, None)
    basics.pick_signer(session)


def _service(options: ExportSettings, export: Export | None) -> bool:
    """Latency, response type and tracing of a service; the current values are the defaults.

    False if the latency that is tracked now shall not be tracked any longer.
    """
    old, tracked = export.latency if export else None, True
    if not options.latency:
        tracked = confirm("track service latency?", old is not None)
        if tracked:
            shown = {"headers": "header"}.get(str(old.sampling), str(old.sampling)) if old else ""
            options.sampling = options.sampling or (
                basics.changed("sampling: 1-100 percent or header", shown, _sampling) or ""
                if old
                else ask("sampling: 1-100 percent or header", "100", check=_sampling)
            )
            options.latency = (
                basics.changed("subject for latency results", old.results if old else "", _subject)
                or ""
            )
    if not options.response_type:
        current = export.response_type if export else ""
        chosen = select("service response type", _RESPONSE_TYPES, current)
        options.response_type = chosen if chosen != current else ""
    if options.allow_trace is None:
        before = export is not None and export.allow_trace
        allowed = confirm("allow tracing?", before)
        options.allow_trace = allowed if allowed != before else None
    return tracked or old is None


def _pick(exports: list[Any], question: str) -> str:
    """Asks for one of these exports or imports; returns its subject."""
    if not exports:
        raise StoreError("the account has none to choose from", "see describe account")
    labels: dict[str, str] = {}
    for item in exports:
        private = ", private" if getattr(item, "token_req", False) else ""
        labels[f"{item.subject} ({item.type}{private})"] = item.subject
    return labels[select(question, list(labels))]


def changed_export(session: Session, options: EditExport) -> None:
    options.account = session.account_name(options.account)
    exports = session.store().account(options.account).nats.exports
    options.subject = options.subject or _pick(exports, "select export to edit")
    export = next((item for item in exports if item.subject == options.subject), None)
    if export is None:
        raise StoreError(f'no export "{options.subject}"', "see describe account")
    # Only what the answers change becomes an option: others may change the rest meanwhile.
    service = export.is_service if options.service is None else options.service
    if options.service is None:
        service = select("export type", ["stream", "service"], export.type) == "service"
        options.service = service if service != export.is_service else None
    options.name = options.name or basics.changed("name", export.name) or ""
    if options.private is None:
        private = confirm(f"private {export.type}?", export.token_req)
        options.private = private if private != export.token_req else None
    if service and not _service(options, export):
        options.rm_latency_sampling = True
    if options.description is None:
        options.description = basics.changed("description", export.description)
    if options.info_url is None:
        options.info_url = basics.changed("info url", export.info_url)
    basics.pick_signer(session)


def deleted_export(session: Session, options: SubjectOption) -> None:
    options.account = session.account_name(options.account)
    exports = session.store().account(options.account).nats.exports
    options.subject = options.subject or _pick(exports, "select export to delete")
    basics.pick_signer(session)


def deleted_import(session: Session, options: DeleteImport) -> None:
    options.account = session.account_name(options.account)
    if not options.subject:
        imports = session.store().account(options.account).nats.imports
        labels = {f"{i.subject} ({i.type} of {i.account})": i for i in imports}
        if not labels:
            raise StoreError(f'account "{options.account}" has no imports')
        chosen = labels[select("select import to delete", list(labels))]
        options.subject, options.src_account = chosen.subject, chosen.account
    basics.pick_signer(session)


def new_import(session: Session, options: AddImport) -> None:
    options.account = session.account_name(options.account)
    if not (options.token or options.src_account or options.remote_subject):
        _choose_source(session, options)
    if options.service and not options.share:
        options.share = confirm("share information when tracking latency?")
    options.name = options.name or ask("name", options.remote_subject)
    options.local_subject = options.local_subject or ask("local subject (empty is the same)")
    if not options.service and not options.allow_trace:
        options.allow_trace = confirm("allow tracing?")
    basics.pick_signer(session)


def _choose_source(session: Session, options: AddImport) -> None:
    """An export of another account in the store, or account and subject, or a token."""
    store = session.store()
    known = {
        f"{name}: {export.subject} ({export.type}{', private' if export.token_req else ''})": (
            name, export,
        )
        for name in store.accounts() if name != options.account
        for export in store.account(name).nats.exports
    }  # fmt: skip
    if known and confirm("pick from locally available exports?", True):
        name, export = known[select("select the export", list(known))]
        options.service = export.is_service
        if export.token_req:  # the token names the subject, often narrower than the export
            options.token = ask("activation token: path or url")
            return
        options.src_account = name
        options.remote_subject = _narrowed(session, options, export)
        return
    if not confirm("is the export public?", True):
        options.token = ask("activation token: path or url")
        return
    options.src_account = ask("source account: name or public key")
    options.remote_subject = ask("remote subject", check=_subject)
    options.service = options.service or confirm("is import a service?", True)


def _narrowed(session: Session, options: AddImport, export: Export) -> str:
    """The export's subject; one with wildcards or an account token may be narrowed."""
    subject = export.subject
    position = export.account_token_position
    if position:
        tokens = subject.split(".")
        tokens[position - 1] = session.store().account(options.account).sub
        subject = ".".join(tokens)
    if "*" in export.subject or ">" in export.subject:
        return ask("subject, or a narrower one", subject, check=_subject)
    return subject


def activation(session: Session, options: GenerateActivation) -> None:
    options.account = session.account_name(options.account)
    exports = session.store().account(options.account).nats.exports
    private = [export.subject for export in exports if export.token_req]
    if not options.subject and private:
        chosen = private[0] if len(private) == 1 else select("select the export", private)
        options.subject = ask("subject, or a narrower one", chosen, check=_subject)
    options.target_account = options.target_account or _account(
        session, options.account, "target account"
    )
    basics.times(options)
    urls = account_servers(session.store().operator().nats.account_server_url)
    if not options.push and are_http(urls):
        options.push = confirm("push the activation to the account server?")
    basics.pick_signer(session, options.account, scoped=False)


def _account(session: Session, but: str, question: str, everyone: bool = False) -> str:
    """Another account in the store, or a public key (or `*`)."""
    other = "another public key"
    names = [name for name in session.store().accounts() if name != but]
    extra = [f"{EVERYONE} (everyone)"] if everyone else []
    chosen = select(question, [*names, *extra, other])
    if chosen in extra:
        return EVERYONE
    return chosen if chosen != other else ask("public key of the account", check=_account_key)


def _account_key(text: str) -> None:
    if not is_valid_public(text, Prefix.ACCOUNT):
        raise StoreError(f"{text} is not an account's public key")


def _user_key(text: str) -> None:
    if text != EVERYONE and not is_valid_public(text, Prefix.USER):
        raise StoreError(f"{text} is not a user's public key", "use such a key, or *")


def revoked_user(session: Session, options: UserRevocation) -> None:
    options.account = session.account_name(options.account)
    if not (options.pos or options.name or options.user_public_key):
        users = session.store().users(options.account)
        if users and confirm("revoke a user by name?", True):
            options.name = select("select user", users)
        else:
            options.user_public_key = ask("public key, * is everyone", check=_user_key)
    if options.at == "0":
        options.at = basics.instant()
    basics.pick_signer(session)


def unrevoked_user(session: Session, options: UserRevocation) -> None:
    options.account = session.account_name(options.account)
    if not (options.pos or options.name or options.user_public_key):
        account = session.store().account(options.account)
        if not account.nats.revocations:
            raise StoreError(f'account "{options.account}" has no revoked users')
        store, entries = session.store(), account.nats.revocations
        names = {store.user(options.account, n).sub: n for n in store.users(options.account)}
        labels = {f"{key} ({names[key]})" if key in names else key: key for key in entries}
        options.user_public_key = labels[select("select revocation to delete", list(labels))]
    basics.pick_signer(session)


def listed_users(session: Session, options: UserRevocation) -> None:
    options.account = session.account_name(options.account)


def _revocable(session: Session, options: ActivationRevocation) -> Export:
    options.account = session.account_name(options.account)
    exports = session.store().account(options.account).nats.exports
    private = [item for item in exports if item.token_req]
    options.subject = options.subject or _pick(private, "select export")
    return next(item for item in exports if item.subject == options.subject)


def revoked_activation(session: Session, options: ActivationRevocation) -> None:
    _revocable(session, options)
    options.target_account = options.target_account or _account(
        session, options.account, "account to revoke", everyone=True
    )
    if options.at == "0":
        options.at = basics.instant()
    basics.pick_signer(session)


def unrevoked_activation(session: Session, options: ActivationRevocation) -> None:
    export = _revocable(session, options)
    if not options.target_account:
        if not export.revocations:
            raise StoreError(f'{export.type} "{export.subject}" has no revocations')
        options.target_account = select("select revocation to delete", list(export.revocations))
    basics.pick_signer(session)


def listed_activations(session: Session, options: ActivationRevocation) -> None:
    _revocable(session, options)
