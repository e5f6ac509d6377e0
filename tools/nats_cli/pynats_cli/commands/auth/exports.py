"""`auth account exports`: what an account offers to others."""

from __future__ import annotations

from typing import Annotated

from pynats_common import jwt
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED
from pynats_common.jwt.types import SERVICE, STREAM, Export
from pynats_common.records import dataclass

from pynats_cli.commands.auth.options import OperatorOption
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import store_errors
from pynats_cli.identities.pickers import menu, named_account
from pynats_cli.identities.sharing_screens import export_screen, exports_table
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import line, show


@dataclass(kw_only=True)
class AboutOptions(OperatorOption):
    description: Annotated[str | None, opt("--description", help="What it is for")] = None
    url: Annotated[str | None, opt("--url", help="Where more is to be read")] = None
    token_position: Annotated[
        int | None, opt("--token-position", kind=UNSIGNED,
                        help="Which * stands for the importing account's key")
    ] = None  # fmt: skip
    advertise: Annotated[
        bool | None, opt("--advertise/--no-advertise", help="Advertise the export")
    ] = None


@dataclass(kw_only=True)
class AddOptions(AboutOptions):
    name: Annotated[str, arg("Name of the export")]
    subject: Annotated[str, arg("Subject to export")]
    account: Annotated[str, arg("Account that exports it")] = ""
    service: Annotated[bool, opt("--service", help="A service, and not a stream")] = False


def add(_: GlobalOptions, options: AddOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        export = Export(name=options.name, subject=options.subject,
                        type=SERVICE if options.service else STREAM)  # fmt: skip
        _apply(export, options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            _refuse_known(claims, export)
            claims.nats.exports.append(export)
            claims.nats.sort()
            edition.save_account(claims)
        line(export_screen(export))


def _refuse_known(claims: jwt.AccountClaims, export: Export) -> None:
    for known in claims.nats.exports:
        if (known.type, known.subject) == (export.type, export.subject):
            subject = export.subject
            raise CliError(f'{export.type} export subject "{subject}" already exports "{subject}"')


def _apply(export: Export, options: AboutOptions) -> None:
    if options.description is not None:
        export.description = options.description
    if options.url is not None:
        export.info_url = options.url
    if options.token_position is not None:
        export.account_token_position = options.token_position
    if options.advertise is not None:
        export.advertise = options.advertise


@dataclass(kw_only=True)
class InfoOptions(Shown, OperatorOption):
    subject: Annotated[str, arg("Subject of the export")] = ""
    account: Annotated[str, arg("Account that exports it")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        subjects = sorted({export.subject for export in claims.nats.exports})
        if not subjects and not options.subject:
            raise CliError("no exports defined")
        subject = options.subject or menu("an Export", "subject", subjects)
        if subject not in subjects:
            raise CliError("unknown export")
        export = _find(claims, subject)
        show(options, export.to_json(), lambda: export_screen(export))


def _find(claims: jwt.AccountClaims, subject: str) -> Export:
    for export in claims.nats.exports:
        if export.subject == subject:
            return export
    raise CliError(f'export for subject "{subject}" not found')


@dataclass(kw_only=True)
class EditOptions(AboutOptions):
    subject: Annotated[str, arg("Subject of the export")]
    account: Annotated[str, arg("Account that exports it")] = ""


def edit(_: GlobalOptions, options: EditOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            export = _find(claims, options.subject)
            _apply(export, options)
            edition.save_account(claims)
        line(export_screen(export))


@dataclass(kw_only=True)
class ListOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account that exports")] = ""


def list_exports(_: GlobalOptions, options: ListOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        data = [export.to_json() for export in claims.nats.exports]
        show(options, data, lambda: exports_table(claims))


@dataclass(kw_only=True)
class RemoveOptions(Force, OperatorOption):
    subject: Annotated[str, arg("Subject of the export")]
    account: Annotated[str, arg("Account that exports it")] = ""


def remove(_: GlobalOptions, options: RemoveOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        known = {export.subject for export in store.account(account).nats.exports}
        if options.subject not in known:
            raise CliError(f'subject "{options.subject}" is not exported')
        if not sure(options.force, f"Really remove the {options.subject} Export"):
            return
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            export = _find(claims, options.subject)
            claims.nats.exports.remove(export)
            edition.save_account(claims)
        line(f'Removing {export.type.capitalize()} Export for subject "{export.subject}"')


@dataclass(kw_only=True)
class BucketOptions(OperatorOption):
    bucket: Annotated[str, arg("Bucket to export")]
    account: Annotated[str, opt("--account", help="Account that has the bucket")] = ""


def export_bucket(_: GlobalOptions, options: BucketOptions) -> None:
    """Exports what a client needs to read and write a key-value bucket."""
    with store_errors():
        book, store, account = named_account(options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            for kind, subject in bucket_subjects(options.bucket):
                export = Export(name=f"KV_{options.bucket}", subject=subject, type=kind,
                                description=f"Export for KV Bucket {options.bucket}")  # fmt: skip
                _refuse_known(claims, export)
                claims.nats.exports.append(export)
            claims.nats.sort()
            edition.save_account(claims)
        for kind, subject in bucket_subjects(options.bucket):
            line(f"Exporting {kind.capitalize()} Subject: {subject}")


def bucket_subjects(bucket: str) -> list[tuple[str, str]]:
    """Kind and subject of each export of a bucket."""
    stream = f"KV_{bucket}"
    return [
        (SERVICE, f"$JS.API.STREAM.INFO.{stream}"),
        (SERVICE, f"$JS.API.DIRECT.GET.{stream}.$KV.{bucket}.>"),
        (SERVICE, f"$JS.API.CONSUMER.CREATE.{stream}.>"),
        (SERVICE, f"$KV.{bucket}.>"),
        (STREAM, f"_INBOX.{stream}.>"),
    ]
