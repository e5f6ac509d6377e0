"""`auth operator add`, `info`, `list`, `edit` and `select`."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.names import check_name
from pynats_common.commandline.declare import arg, opt
from pynats_common.nkeys import Prefix
from pynats_common.records import dataclass

from pynats_cli.commands.auth.options import Names
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities import selection
from pynats_cli.identities.book import Book, Edition, store_errors
from pynats_cli.identities.changes import change_tags
from pynats_cli.identities.entities import operator_entity
from pynats_cli.identities.pickers import pick_operator
from pynats_cli.identities.screens import operator_screen, operators_table
from pynats_cli.screen.ask import ask
from pynats_cli.screen.output import line, log, show

SYSTEM = "SYSTEM"


@dataclass(kw_only=True)
class AddOptions:
    name: Annotated[str, arg("Name of the operator")] = ""
    service: Annotated[list[str], opt("--service", help="URL of its servers")] = field(
        default_factory=list
    )
    account_server: Annotated[str, opt("--account-server", help="URL of its account server")] = ""
    signing_key: Annotated[
        bool, opt("--signing-key/--no-signing-key", help="Create a signing key too")
    ] = True
    tags: Annotated[list[str], opt("--tags", help="Tags")] = field(default_factory=list)


def add(_: GlobalOptions, options: AddOptions) -> None:
    book = Book()
    with store_errors():
        name = check_name(options.name or ask("Operator Name", missing="NAME"))
        if name in book.operators():
            raise CliError(f"operator {name} already exist")
        with book.changing(name) as edition:
            _create(edition, name, options)
        line(operator_screen(book.store(name)))


def _create(edition: Edition, name: str, options: AddOptions) -> None:
    pair = edition.new_key(Prefix.OPERATOR)
    claims = jwt.OperatorClaims(sub=pair.public_key, name=name)
    system = jwt.new_account(edition.new_key(Prefix.ACCOUNT).public_key, SYSTEM)
    claims.nats.system_account = system.sub
    claims.nats.operator_service_urls = list(options.service)
    claims.nats.account_server_url = options.account_server
    if options.signing_key:
        claims.nats.signing_keys.append(edition.new_key(Prefix.OPERATOR).public_key)
    change_tags(claims.nats.tags, options.tags)
    edition.check(claims)
    edition.create(name)
    edition.save_operator(claims)
    edition.save_account(system)


@dataclass(kw_only=True)
class InfoOptions(Shown):
    name: Annotated[str, arg("Operator to show")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    book = Book()
    with store_errors():
        store = pick_operator(book, options.name)
        if options.form != "table":
            log(f"the output holds the seeds of operator {store.name} and all below it")
            show(options, operator_entity(book, store), str)
        else:
            line(operator_screen(store))


@dataclass(kw_only=True)
class ListOptions(Names, Shown):
    pass


def list_operators(_: GlobalOptions, options: ListOptions) -> None:
    book = Book()
    with store_errors():
        names = book.operators()
        if options.names:
            for name in names:
                line(name)
            return
        stores = [book.store(name) for name in names]
        data = [{"name": each.name, "subject": each.operator().sub,
                 "accounts": len(each.accounts()),
                 "account_server": each.operator().nats.account_server_url,
                 "signing_keys": each.operator().nats.signing_keys} for each in stores]  # fmt: skip
        show(options, data, lambda: operators_table(stores))


@dataclass(kw_only=True)
class EditOptions:
    name: Annotated[str, arg("Operator to edit")] = ""
    account_server: Annotated[
        str | None, opt("--account-server", help="URL of its account server, empty for none")
    ] = None
    service: Annotated[
        list[str], opt("--service", help="URL of its servers, instead of those it has")
    ] = field(default_factory=list)
    tags: Annotated[list[str], opt("--tags", help="Tags to add")] = field(default_factory=list)
    no_tags: Annotated[list[str], opt("--no-tags", help="Tags to remove")] = field(
        default_factory=list
    )


def edit(_: GlobalOptions, options: EditOptions) -> None:
    book = Book()
    with store_errors():
        name = pick_operator(book, options.name).name
        with book.changing(name) as edition:
            claims = edition.store.operator()
            if options.account_server is not None:
                claims.nats.account_server_url = options.account_server
            if options.service:
                claims.nats.operator_service_urls = [url for url in options.service if url]
            change_tags(claims.nats.tags, options.tags, options.no_tags)
            edition.save_operator(claims)
        line(operator_screen(book.store(name)))


@dataclass(kw_only=True)
class SelectOptions:
    name: Annotated[str, arg("Operator to use when none is named")] = ""


def select(_: GlobalOptions, options: SelectOptions) -> None:
    book = Book()
    with store_errors():
        name = pick_operator(book, options.name, use_selected=False).name
    selection.select_operator(name)
    line(f'Selected operator "{name}" as default')
