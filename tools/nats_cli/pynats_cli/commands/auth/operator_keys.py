"""`auth operator keys`: the signing keys of an operator."""

from __future__ import annotations

from typing import Annotated

from pynats_common.commandline.declare import arg
from pynats_common.nkeys import Prefix
from pynats_common.records import dataclass

from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import Book, store_errors
from pynats_cli.identities.pickers import pick_operator
from pynats_cli.screen.ask import sure
from pynats_cli.screen.output import line, show


@dataclass(kw_only=True)
class ListOptions(Shown):
    name: Annotated[str, arg("Operator to show")] = ""


def list_keys(_: GlobalOptions, options: ListOptions) -> None:
    with store_errors():
        keys = pick_operator(Book(), options.name).operator().nats.signing_keys
        if keys or options.form != "table":
            show(options, keys, lambda: "\n".join(keys))


@dataclass(kw_only=True)
class AddOptions:
    name: Annotated[str, arg("Operator to change")] = ""


def add(_: GlobalOptions, options: AddOptions) -> None:
    book = Book()
    with store_errors():
        name = pick_operator(book, options.name).name
        with book.changing(name) as edition:
            claims = edition.store.operator()
            public = edition.new_key(Prefix.OPERATOR).public_key
            claims.nats.signing_keys.append(public)
            edition.save_operator(claims)
        line(public)


@dataclass(kw_only=True)
class RemoveOptions(Force):
    name: Annotated[str, arg("Operator to change")] = ""
    key: Annotated[str, arg("Public key to remove")] = ""


def remove(_: GlobalOptions, options: RemoveOptions) -> None:
    """Removes a signing key and its seed; what it signed is not valid any more."""
    book = Book()
    with store_errors():
        name = pick_operator(book, options.name).name
        if not options.key:
            raise CliError("public key is required")
        signed = [account for account in book.store(name).accounts()
                  if book.store(name).account(account).iss == options.key]  # fmt: skip
        if options.key not in book.store(name).operator().nats.signing_keys:
            raise CliError("signing key was not found")
        also = f", which signed {', '.join(signed)}" if signed else ""
        if not sure(options.force, f"Really remove the Signing Key {options.key}{also}"):
            return
        with book.changing(name) as edition:
            claims = edition.store.operator()
            if options.key not in claims.nats.signing_keys:
                raise CliError("signing key was not found")
            claims.nats.signing_keys.remove(options.key)
            edition.save_operator(claims)
            book.keys.remove(options.key)
        line("Signing key removed")
