"""`auth account imports`: what an account takes from others."""

from __future__ import annotations

from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.store import Store
from pynats_common.commandline.declare import arg, opt
from pynats_common.jwt.types import SERVICE, STREAM, Import
from pynats_common.nkeys import Prefix, is_valid_public
from pynats_common.records import dataclass

from pynats_cli.commands.auth.exports import bucket_subjects
from pynats_cli.commands.auth.options import OperatorOption
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import store_errors
from pynats_cli.identities.pickers import menu, named_account, pick_account
from pynats_cli.identities.sharing_screens import import_screen, imports_table
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import line, show

_API = "$JS.API."


@dataclass(kw_only=True)
class AboutOptions(OperatorOption):
    local: Annotated[str, opt("--local", help="Subject in the importing account")] = ""
    share: Annotated[
        bool | None, opt("--share/--no-share", help="Tell the exporter about the connections")
    ] = None
    traceable: Annotated[
        bool | None, opt("--traceable/--no-traceable", help="Let messages of it be traced")
    ] = None


@dataclass(kw_only=True)
class AddOptions(AboutOptions):
    name: Annotated[str, arg("Name of the import")]
    subject: Annotated[str, arg("Subject to import")]
    account: Annotated[str, arg("Account that imports it")] = ""
    source: Annotated[str, opt("--source", help="Account that exports it: name or key")] = ""
    service: Annotated[bool, opt("--service", help="A service, and not a stream")] = False


def add(_: GlobalOptions, options: AddOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        entry = Import(name=options.name, subject=options.subject,
                       account=_source(store, options.source),
                       local_subject=options.local or options.subject,
                       type=SERVICE if options.service else STREAM)  # fmt: skip
        _apply(entry, options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            if any(_local(known) == _local(entry) for known in claims.nats.imports):
                raise CliError(f'subject "{_local(entry)}" is imported already')
            claims.nats.imports.append(entry)
            claims.nats.imports.sort(key=lambda item: item.subject)
            edition.save_account(claims)
        line(import_screen(store, entry))


def _source(store: Store, given: str) -> str:
    """The exporting account's public key, which can be one of another operator."""
    if is_valid_public(given, Prefix.ACCOUNT):
        return given
    return store.account(pick_account(store, given, "the Source account")).sub


def _apply(entry: Import, options: AboutOptions) -> None:
    if options.local:
        entry.local_subject, entry.to = options.local, ""
    if options.share is not None:
        entry.share = options.share
    if options.traceable is not None:
        entry.allow_trace = options.traceable


def _local(entry: Import) -> str:
    """The subject by which an import is known in its account."""
    return entry.local or entry.subject


def _find(claims: jwt.AccountClaims, subject: str) -> Import | None:
    return next((item for item in claims.nats.imports if _local(item) == subject), None)


@dataclass(kw_only=True)
class InfoOptions(Shown, OperatorOption):
    subject: Annotated[str, arg("Local subject of the import")] = ""
    account: Annotated[str, arg("Account that imports it")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        subjects = sorted(_local(item) for item in claims.nats.imports)
        if not subjects and not options.subject:
            raise CliError("no imports defined")
        entry = _find(claims, options.subject or menu("an Import", "subject", subjects))
        if entry is None:
            raise CliError("unknown import")
        show(options, entry.to_json(), lambda: import_screen(store, entry))


@dataclass(kw_only=True)
class EditOptions(AboutOptions):
    subject: Annotated[str, arg("Local subject of the import")]
    account: Annotated[str, arg("Account that imports it")] = ""


def edit(_: GlobalOptions, options: EditOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            entry = _find(claims, options.subject)
            if entry is None:
                raise CliError(f'import for local subject "{options.subject}" not found')
            _apply(entry, options)
            edition.save_account(claims)
        line(import_screen(store, entry))


@dataclass(kw_only=True)
class ListOptions(Shown):
    account: Annotated[str, arg("Account that imports")] = ""
    operator: Annotated[str, arg("Operator that has the account")] = ""


def list_imports(_: GlobalOptions, options: ListOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        data = [item.to_json() for item in claims.nats.imports]
        show(options, data, lambda: imports_table(store, claims))


@dataclass(kw_only=True)
class RemoveOptions(Force, OperatorOption):
    subject: Annotated[str, arg("Local subject of the import")]
    account: Annotated[str, arg("Account that imports it")] = ""


def remove(_: GlobalOptions, options: RemoveOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        if _find(store.account(account), options.subject) is None:
            raise CliError(f'subject "{options.subject}" is not imported')
        if not sure(options.force, f"Really remove the {options.subject} import"):
            return
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            entry = _find(claims, options.subject)
            if entry is None:
                raise CliError(f'subject "{options.subject}" is not imported')
            claims.nats.imports.remove(entry)
            edition.save_account(claims)
        what = "Subject" if entry.type == STREAM else "subject"
        line(f'Removing {entry.type} Import for local {what} "{options.subject}" imported from '
             f'Account "{entry.account}"')  # fmt: skip


@dataclass(kw_only=True)
class BucketOptions(OperatorOption):
    bucket: Annotated[str, arg("Bucket to import")]
    prefix: Annotated[str, arg("Prefix of its subjects")]
    source: Annotated[str, arg("Account that exports it: name or key")]
    account: Annotated[str, opt("--account", help="Account that imports it")] = ""


def import_bucket(_: GlobalOptions, options: BucketOptions) -> None:
    """Imports what `exports kv` exports, its subjects below a prefix."""
    with store_errors():
        book, store, account = named_account(options)
        source = _source(store, options.source)
        entries = [Import(name=f"KV_{options.bucket}", subject=subject, account=source,
                          local_subject=_below(options.prefix, kind, subject), type=kind)
                   for kind, subject in bucket_subjects(options.bucket)]  # fmt: skip
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            claims.nats.imports += entries
            claims.nats.imports.sort(key=lambda item: item.subject)
            edition.save_account(claims)
        for entry in entries:
            line(f"Importing {entry.type.capitalize()} Subject: {entry.local}")


def _below(prefix: str, kind: str, subject: str) -> str:
    return subject if kind == STREAM else f"{prefix}.{subject.removeprefix(_API)}"
