"""`auth account add`, `info`, `edit` and `ls`."""

from __future__ import annotations

from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.names import check_name
from pynats_common.commandline.declare import arg, opt
from pynats_common.nkeys import Prefix
from pynats_common.records import dataclass

from pynats_cli.commands.auth.account_limits import (
    LimitOptions,
    apply_limits,
    ask_limits,
    ask_storage,
)
from pynats_cli.commands.auth.options import Names, OperatorOption
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.account_screens import account_screen, accounts_table, has_jetstream
from pynats_cli.identities.book import Book, store_errors
from pynats_cli.identities.entities import account_entity
from pynats_cli.identities.pickers import named_account, pick_operator
from pynats_cli.screen.ask import ask
from pynats_cli.screen.output import line, log, show


@dataclass(kw_only=True)
class AddOptions(LimitOptions, OperatorOption):
    account: Annotated[str, arg("Name of the account")] = ""
    key: Annotated[str, opt("--key", help="Key of the operator to sign with")] = ""
    defaults: Annotated[bool, opt("--defaults", help="Do not ask")] = False


def add(_: GlobalOptions, options: AddOptions) -> None:
    book = Book()
    with store_errors():
        store = pick_operator(book, options.operator)
        name = check_name(options.account or ask("Account Name", missing="ACCOUNT"))
        if name in store.accounts():
            raise CliError(f"account {name} already exist")
        ask_limits(options, options.defaults)
        with book.changing(store.name) as edition:
            if name in edition.store.accounts():
                raise CliError(f"account {name} already exist")
            claims = jwt.new_account(edition.new_key(Prefix.ACCOUNT).public_key, name)
            claims.nats.limits.disallow_bearer = True
            apply_limits(claims, options)
            edition.save_account(claims, options.key)
        line(account_screen(store, store.account(name)))


@dataclass(kw_only=True)
class InfoOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account to show")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    with store_errors():
        book, store, name = named_account(options)
        if options.form != "table":
            log(f"the output holds the seeds of account {name} and its users")
            show(options, account_entity(book, store, name), str)
        else:
            line(account_screen(store, store.account(name)))


@dataclass(kw_only=True)
class EditOptions(LimitOptions, OperatorOption):
    account: Annotated[str, arg("Account to edit")] = ""


def edit(_: GlobalOptions, options: EditOptions) -> None:
    with store_errors():
        book, store, name = named_account(options)
        if options.jetstream and not has_jetstream(store.account(name).nats.limits):
            ask_storage(options)
        with book.changing(store.name) as edition:
            claims = edition.store.account(name)
            apply_limits(claims, options)
            edition.save_account(claims)
        line(account_screen(store, store.account(name)))


@dataclass(kw_only=True)
class ListOptions(Names, Shown):
    operator: Annotated[str, arg("Operator to list")] = ""


def list_accounts(_: GlobalOptions, options: ListOptions) -> None:
    book = Book()
    with store_errors():
        store = pick_operator(book, options.operator)
        names = store.accounts()
        if options.names:
            for name in names:
                line(name)
            return
        system = store.operator().nats.system_account
        data = [{"name": each.name, "subject": each.sub, "users": len(store.users(name)),
                 "jetstream": has_jetstream(each.nats.limits), "system": each.sub == system}
                for name in names for each in [store.account(name)]]  # fmt: skip
        show(options, data, lambda: accounts_table(data))
