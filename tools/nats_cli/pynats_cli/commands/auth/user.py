"""`auth user add`, `info`, `edit`, `ls` and `rm`."""

from __future__ import annotations

import time
from dataclasses import field
from pathlib import Path
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.names import check_name
from pynats_common.accounts_store.store import Store
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import INTEGER
from pynats_common.nkeys import Prefix
from pynats_common.records import dataclass

from pynats_cli.commands.auth.credential import refuse_overwrite, write_credential
from pynats_cli.commands.auth.options import Names, OperatorOption
from pynats_cli.commands.auth.permissions import PermissionOptions, apply_permissions
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import Edition, store_errors
from pynats_cli.identities.changes import change_tags
from pynats_cli.identities.entities import user_entity
from pynats_cli.identities.pickers import named_account, pick_user
from pynats_cli.identities.user_screens import user_screen, users_table
from pynats_cli.screen.ask import ask, sure
from pynats_cli.screen.output import line, log, show

_PAYLOAD_BYTES = 1024 * 1024


@dataclass(kw_only=True)
class UserOptions(PermissionOptions, OperatorOption):
    data: Annotated[
        int | None, opt("--data", help="Bytes of data, -1 for no limit", kind=INTEGER)
    ] = None
    payload: Annotated[
        int | None, opt("--payload", help="Bytes of a message, -1 for no limit", kind=INTEGER)
    ] = None
    tags: Annotated[list[str], opt("--tags", help="Tags to add")] = field(default_factory=list)
    credential: Annotated[str, opt("--credential", help="File to write credentials to")] = ""


@dataclass(kw_only=True)
class AddOptions(UserOptions, Force):
    name: Annotated[str, arg("Name of the user")]
    account: Annotated[str, arg("Account of the user")] = ""
    key: Annotated[str, opt("--key", help="Signing key or role of the account to sign with")] = ""
    defaults: Annotated[bool, opt("--defaults", help="Do not ask")] = False


def add(_: GlobalOptions, options: AddOptions) -> None:
    with store_errors():
        name = check_name(options.name)
        book, store, account = named_account(options)
        if name in store.users(account):
            raise CliError(f"user {name} already exist")
        refuse_overwrite(options.credential, options.force)
        scoped = _is_scoped(store, account, options.key)
        if not (options.defaults or scoped):
            _ask_limits(options)
        with book.changing(store.name) as edition:
            if name in edition.store.users(account):
                raise CliError(f"user {name} already exist")
            _create(edition, account, name, options)
        if options.credential:
            write_credential(book, store, account, name, Path(options.credential))
        line(user_screen(store, account, name))


def _is_scoped(store: Store, account: str, key: str) -> bool:
    claims = store.account(account)
    return any(not isinstance(item, str) and key in (item.key, item.role)
               for item in claims.nats.signing_keys) if key else False  # fmt: skip


def _ask_limits(options: AddOptions) -> None:
    for name, question in (("payload", "Maximum Payload"),
                           ("subscriptions", "Maximum Subscriptions")):  # fmt: skip
        if getattr(options, name) is None:
            text = ask(question, "-1", INTEGER.parse, missing=f"--{name} or --defaults")
            setattr(options, name, INTEGER.parse(text))


def _create(edition: Edition, account: str, name: str, options: AddOptions) -> None:
    signer = edition.user_signer(account, options.key)
    claims = jwt.new_user(edition.new_key(Prefix.USER).public_key, name)
    scope = edition.store.account(account).nats.scope_of(signer.public_key)
    change_tags(claims.nats.tags, options.tags)
    if scope is not None:
        claims.nats.clear_limits()
        _tell_unused(options, scope.role)
    else:
        claims.nats.payload = _PAYLOAD_BYTES
        _apply(claims, options)
    edition.save_user(account, claims, signer)


def _tell_unused(options: UserOptions, role: str) -> None:
    """What a role's users may the role says: the flags have no effect, as in `nats`."""
    names = ("bearer", "locale", "subscriptions", "pub_allow", "pub_deny", "sub_allow", "sub_deny",
             "data", "payload")  # fmt: skip
    given = [f"--{name.replace('_', '-')}" for name in names
             if getattr(options, name) not in (None, "", [])]  # fmt: skip
    if given:
        log(f'the role "{role}" says what its users may: {", ".join(given)} not used')


def _apply(claims: jwt.UserClaims, options: UserOptions) -> None:
    if options.data is not None:
        claims.nats.data = options.data
    if options.payload is not None:
        claims.nats.payload = options.payload
    apply_permissions(claims.nats, options)


@dataclass(kw_only=True)
class InfoOptions(Shown, OperatorOption):
    name: Annotated[str, arg("User to show")] = ""
    account: Annotated[str, arg("Account of the user")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        name = pick_user(store, account, options.name)
        if options.form != "table":
            log(f"the output holds the seed of user {name}")
            show(options, user_entity(book, store, account, name), str)
        else:
            line(user_screen(store, account, name))


@dataclass(kw_only=True)
class EditOptions(UserOptions):
    name: Annotated[str, arg("User to edit")] = ""
    account: Annotated[str, arg("Account of the user")] = ""
    no_tags: Annotated[list[str], opt("--no-tags", help="Tags to remove")] = field(
        default_factory=list
    )


def edit(_: GlobalOptions, options: EditOptions) -> None:
    """Changes only what is given."""
    with store_errors():
        book, store, account = named_account(options)
        name = pick_user(store, account, options.name)
        with book.changing(store.name) as edition:
            claims = edition.store.user(account, name)
            signer = edition.user_signer(account, claims.iss)
            scope = edition.store.account(account).nats.scope_of(signer.public_key)
            change_tags(claims.nats.tags, options.tags, options.no_tags)
            if scope is None:
                _apply(claims, options)
            else:
                _tell_unused(options, scope.role)
            edition.save_user(account, claims, signer)
        if options.credential:
            write_credential(book, store, account, name, Path(options.credential))
        line(user_screen(store, account, name))


@dataclass(kw_only=True)
class ListOptions(Names, Shown, OperatorOption):
    account: Annotated[str, arg("Account to show")] = ""


def list_users(_: GlobalOptions, options: ListOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        names = store.users(account)
        if options.names:
            for name in names:
                line(name)
            return
        owner = store.account(account)
        data = [{"name": name, "subject": each.sub,
                 "scoped": owner.nats.scope_of(each.iss) is not None,
                 "tags": each.nats.tags} for name in names
                for each in [store.user(account, name)]]  # fmt: skip
        show(options, data, lambda: users_table(store, account))


@dataclass(kw_only=True)
class RemoveOptions(Force, OperatorOption):
    name: Annotated[str, arg("User to remove")] = ""
    account: Annotated[str, arg("Account of the user")] = ""
    revoke: Annotated[
        bool, opt("--revoke", help="Revoke the user first, so that servers refuse it once the "
                                   "account is pushed")
    ] = False  # fmt: skip


def remove(_: GlobalOptions, options: RemoveOptions) -> None:
    """Removes a user with its seed and the creds file in the store."""
    with store_errors():
        book, store, account = named_account(options)
        if options.force and not options.name:
            raise CliError("--force requires a user name")
        name = pick_user(store, account, options.name)
        if not sure(options.force, f"Really remove the User {name}"):
            return
        with book.changing(store.name) as edition:
            public = edition.store.user(account, name).sub
            if options.revoke:
                owner = edition.store.account(account)
                owner.nats.revocations[public] = int(time.time())
                edition.save_account(owner)
            edition.store.delete_user(account, name)
            book.keys.remove(public)
            book.keys.creds_path(store.name, account, name).unlink(missing_ok=True)
        line(f"Removed user {name}")
