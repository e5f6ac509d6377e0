"""`auth operator import`, `backup` and `restore`."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Annotated

from pynats_common.accounts_store.names import check_name
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE
from pynats_common.records import dataclass

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities import backup
from pynats_cli.identities.book import Book, store_errors
from pynats_cli.identities.entities import operator_entity
from pynats_cli.identities.pickers import pick_operator
from pynats_cli.identities.screens import operator_screen
from pynats_cli.screen.output import line, log


@dataclass(kw_only=True)
class ImportOptions:
    token: Annotated[str, arg("File with the operator's JWT", kind=EXISTING_FILE)]
    key: Annotated[
        list[str], arg("Files with its keys: its own and all signing keys",
                       kind=EXISTING_FILE)
    ] = field(default_factory=list)  # fmt: skip


def import_operator(_: GlobalOptions, options: ImportOptions) -> None:
    book = Book()
    with store_errors():
        claims, token = backup.read_operator(
            book, Path(options.token), [Path(name) for name in options.key]
        )
        name = check_name(claims.name)
        if name in book.operators():
            raise CliError(f'operator "{name}" already exists in `{book.stores}`')
        with book.changing(name) as edition:
            edition.create(name)
            book.keyring.store_kept()
            edition.store.save_operator(token)
        line(operator_screen(book.store(name)))


@dataclass(kw_only=True)
class BackupOptions:
    name: Annotated[str, arg("Operator to back up")]
    output: Annotated[str, arg("File to write")]
    key: Annotated[str, opt("--key", help="File with a curve key to seal the backup for")] = ""


def write_backup(_: GlobalOptions, options: BackupOptions) -> None:
    book = Book()
    with store_errors():
        store = pick_operator(book, options.name)
        backup.write_backup(operator_entity(book, store), Path(options.output), options.key)
    line(f"Wrote backup for {store.name} to {options.output}")
    if not options.key:
        line("\nWARNING: The output file is unencrypted and contains secrets,\n"
             "consider encrypting it with 'pynats auth nkey seal'")  # fmt: skip


@dataclass(kw_only=True)
class RestoreOptions:
    name: Annotated[str, arg("Operator to restore")]
    input: Annotated[str, arg("File to read")]
    key: Annotated[str, opt("--key", help="File with the curve key that opens the backup")] = ""


def restore(_: GlobalOptions, options: RestoreOptions) -> None:
    book = Book()
    with store_errors():
        if options.name in book.operators():
            raise CliError(f"operator {options.name} already exist")
        found = backup.read_backup(Path(options.input), options.key)
        name = found.claims.name
        if name in book.operators():
            raise CliError(f"operator {name} already exist")
        if name != options.name:
            log(f"the backup holds operator {name}, which is restored under this name")
        with book.changing(name) as edition:
            backup.restore(edition, found)
        line(operator_screen(book.store(name)))
