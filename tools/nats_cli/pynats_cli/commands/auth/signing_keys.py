"""`auth account keys`: the signing keys of an account, most with a role."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pynats_common import jwt
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import SIZE, Choice
from pynats_common.jwt.types import ScopedSigner
from pynats_common.nkeys import Prefix
from pynats_common.records import dataclass

from pynats_cli.commands.auth.options import OperatorOption
from pynats_cli.commands.auth.permissions import PermissionOptions, apply_permissions
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import Edition, store_errors
from pynats_cli.identities.pickers import (
    key_of,
    named_account,
    pick_signing_key,
)
from pynats_cli.identities.user_screens import signing_key_screen, signing_keys_table
from pynats_cli.screen.ask import ask, sure
from pynats_cli.screen.output import line, show

_CONNECTIONS = {"nats": "STANDARD", "ws": "WEBSOCKET", "leaf": "LEAFNODE",
                "wsleaf": "LEAFNODE_WS", "mqtt": "MQTT"}  # fmt: skip


@dataclass(kw_only=True)
class AddOptions(PermissionOptions, OperatorOption):
    account: Annotated[str, arg("Account to change")] = ""
    role: Annotated[str, arg("Role of its users")] = ""
    unscoped: Annotated[bool, opt("--unscoped", help="A key without a role")] = False
    description: Annotated[str, opt("--description", help="What it is for")] = ""
    payload: Annotated[int | None, opt("--payload", help="Bytes of a message", kind=SIZE)] = None
    connection: Annotated[
        list[str], opt("--connection", help="Kind of connection that is allowed",
                       kind=Choice(*_CONNECTIONS))
    ] = field(default_factory=list)  # fmt: skip


def add(_: GlobalOptions, options: AddOptions) -> None:
    with store_errors():
        book, store, account = named_account(options)
        role = "" if options.unscoped else options.role or ask("Role Name", missing="ROLE")
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            key = _new_signing_key(edition, role, options)
            claims.nats.signing_keys.append(key)
            edition.save_account(claims)
        line(f"Added signing key: {key}" if isinstance(key, str) else signing_key_screen(key))


def _new_signing_key(edition: Edition, role: str, options: AddOptions) -> str | ScopedSigner:
    public = edition.new_key(Prefix.ACCOUNT).public_key
    if options.unscoped:
        return public
    scope = ScopedSigner(key=public, role=role, description=options.description)
    apply_permissions(scope.template, options)
    if options.payload is not None:
        scope.template.payload = options.payload
    scope.template.allowed_connection_types = [_CONNECTIONS[kind] for kind in options.connection]
    return scope


@dataclass(kw_only=True)
class InfoOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account to show")] = ""
    key: Annotated[str, arg("Key or role")] = ""


def info(_: GlobalOptions, options: InfoOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        public = pick_signing_key(claims, options.key)
        scope = claims.nats.scope_of(public)
        if scope is None:
            raise CliError(f"key {public} has no role, and so no permissions of its own")
        show(options, scope.to_json(), lambda: signing_key_screen(scope))


@dataclass(kw_only=True)
class ListOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account to show")] = ""


def list_keys(_: GlobalOptions, options: ListOptions) -> None:
    with store_errors():
        _book, store, account = named_account(options)
        claims = store.account(account)
        keys = claims.nats.signing_keys
        data = [{"key": item} if isinstance(item, str) else item.to_json() for item in keys]
        show(options, data, lambda: signing_keys_table(claims))


@dataclass(kw_only=True)
class RemoveOptions(Force, OperatorOption):
    account: Annotated[str, arg("Account to change")] = ""
    key: Annotated[str, opt("--key", help="Key or role to remove")] = ""


def remove(_: GlobalOptions, options: RemoveOptions) -> None:
    """Removes a signing key and its seed; users that it signed cannot log in any more."""
    with store_errors():
        book, store, account = named_account(options)
        if options.force and not options.key:
            raise CliError("--force requires a key or role: --key")
        public = pick_signing_key(store.account(account), options.key)
        scope = store.account(account).nats.scope_of(public)
        named = (
            f"Scoped Signing Key {public} with role {scope.role}"
            if scope
            else f"Signing Key {public}"
        )
        signed = [user for user in store.users(account)
                  if store.user(account, user).iss == public]  # fmt: skip
        also = f", which signed {', '.join(signed)}" if signed else ""
        if not sure(options.force, f"Really remove the {named}{also}"):
            return
        with book.changing(store.name) as edition:
            claims = edition.store.account(account)
            _remove_key(claims, public)
            edition.save_account(claims)
            book.keys.remove(public)
        line(f'key "{public}" removed')


def _remove_key(claims: jwt.AccountClaims, public: str) -> None:
    kept = [item for item in claims.nats.signing_keys if key_of(item) != public]
    if len(kept) == len(claims.nats.signing_keys):
        raise CliError(f'signing key "{public}" not found in account "{claims.name}"')
    claims.nats.signing_keys = kept
