"""`delete` account and user; `revocations`; `rename account`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import remove
from pynats_common.commandline.declare import arg, opt
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import AccountOption, Many, Options, Text
from pynsc.commands.sharing import find_export
from pynsc.core.session import Session
from pynsc.core.values import format_time, known_names, parse_instant


@dataclass
class DeleteUser(AccountOption):
    pos: Annotated[Many, arg(help="user names", placeholder="name")] = None
    name: Annotated[Many, opt("--name", "-n", help="user names")] = None
    revoke: Annotated[bool, opt("--revoke/--no-revoke", "-R", help="revoke before deleting")] = (
        False
    )
    rm_nkey: Annotated[bool, opt("--rm-nkey", "-D", help="delete its key")] = False
    rm_creds: Annotated[bool, opt("--rm-creds", "-C", help="delete its creds file")] = False


def delete_user(session: Session, options: DeleteUser) -> None:
    account = session.account_name(options.account)
    store = session.store()
    names = known_names(options.pos or options.name, store.users(account))
    names = names or [session.user_name(account)]
    for name in names:
        session.user_name(account, name)
    users = {name: session.readable(store.user, account, name) for name in names}
    if options.revoke:
        claims = store.account(account)
        for name, user in users.items():
            if user is None:
                raise StoreError(f'the JWT of user "{name}" is damaged: its key is not known',
                                 "revoke its key by hand, then delete without -R")  # fmt: skip
            claims.nats.revocations[user.sub] = parse_instant("0")
        session.save_account(claims, account)
    for name, user in users.items():
        if options.revoke and user:
            session.report.ok(f"revoked user {user.sub}")
        store.delete_user(account, name)
        if options.rm_nkey and user and session.keys.remove(user.sub):
            session.report.ok(f"deleted key {user.sub}")
        path = session.keys.creds_path(store.name, account, name)
        if options.rm_creds and remove(path):
            session.report.ok("deleted creds file")
        session.report.ok(f'user "{name}" deleted')


@dataclass
class DeleteAccount(Options):
    pos: Annotated[Text, arg(help="account name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="account name")] = ""
    revoke: Annotated[bool, opt("--revoke/--no-revoke", "-R", help="revoke its users first")] = True
    rm_nkey: Annotated[bool, opt("--rm-nkey", "-D", help="delete keys")] = False
    rm_creds: Annotated[bool, opt("--rm-creds", "-C", help="delete creds")] = False
    force: Annotated[bool, opt("--force", "-F", help="even when it has users")] = False


def delete_account(session: Session, options: DeleteAccount) -> None:
    name = session.account_name(options.pos or options.name)
    store = session.store()
    claims, users = session.readable(store.account, name), store.users(name)
    if claims is None and not options.force:
        raise StoreError("which keys belong to this account is not known", "use --force")
    if store.managed and not options.force:
        raise StoreError("this account is managed by its operator", "use --force")
    if claims and claims.sub == store.operator().nats.system_account and not options.force:
        raise StoreError("this is the system account", "use --force")
    for user in users:
        user_claims = session.readable(store.user, name, user)
        if options.rm_nkey and user_claims:
            session.keys.remove(user_claims.sub)
        if options.rm_creds:
            remove(session.keys.creds_path(store.name, name, user))
    if options.rm_nkey and claims:
        for public in (claims.sub, *claims.nats.signing_key_ids()):
            session.keys.remove(public)
        session.report.ok("deleted keys")
    if options.rm_creds:
        session.report.ok("deleted creds files")
    store.delete_account(name)
    if session.env.account == name:
        session.env.remember(account="")
    session.report.ok(f'account "{name}" deleted')
    session.report.note("servers keep it until push --prune or push -R")


@dataclass
class UserRevocation(AccountOption):
    pos: Annotated[Text, arg(help="user name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="user name")] = ""
    user_public_key: Annotated[
        Text, opt("--user-public-key", "-u", help="user key, * is everyone")
    ] = ""
    at: Annotated[Text, opt("--at", help="RFC 3339 or epoch, 0 is now")] = "0"


def _user_key(session: Session, account: str, options: UserRevocation) -> str:
    text = options.user_public_key or options.pos or options.name
    if text == jwt.EVERYONE or is_valid_public(text, Prefix.USER):
        return text
    return session.store().user(account, session.user_name(account, text)).sub


def revoke_user(session: Session, options: UserRevocation) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    public, at = _user_key(session, account, options), parse_instant(options.at)
    revoke(session, claims.nats.revocations, public, at)
    session.save_account(claims, account)
    session.report.ok(
        f"revoked all users issued before {format_time(at)}"
        if public == jwt.EVERYONE
        else f'revoked user "{public}"'
    )
    session.report.note("takes effect on servers with push")


def revoke(session: Session, revocations: dict[str, int], public: str, at: int) -> None:
    """Adds an entry, or moves its time forward. An entry for everyone keeps the others, so that
    they still apply after its removal."""
    everyone = revocations.get(jwt.EVERYONE, 0)
    if public != jwt.EVERYONE and everyone >= at:
        session.report.warn(f"already covered: everyone is revoked until {format_time(everyone)}")
    revocations[public] = max(at, revocations.get(public, 0))


def unrevoke_user(session: Session, options: UserRevocation) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    public = _user_key(session, account, options)
    if claims.nats.revocations.pop(public, None) is None:
        session.report.warn(f'user "{public}" is not revoked')
        return
    session.save_account(claims, account)
    session.report.ok(
        "deleted all user revocation"
        if public == jwt.EVERYONE
        else f'deleted user revocation "{public}"'
    )


def list_user_revocations(session: Session, options: UserRevocation) -> None:
    account = session.account_name(options.account)
    entries = session.store().account(account).nats.revocations
    _revocation_table(session, f"Revoked Users for {account}", entries, "Users")


def _revocation_table(session: Session, title: str, entries: dict[str, int], everyone: str) -> None:
    rows = [[f"* [All {everyone}]" if key == jwt.EVERYONE else key, format_time(at)]
            for key, at in sorted(entries.items(), key=lambda item: (item[0] != "*", item[1]))
            ]  # fmt: skip
    if session.json:
        session.report.data = entries
    elif rows:
        session.report.table(title, ["Public Key", "Revoke Credentials Before"], rows)
    else:
        session.report.note("no revocations")


@dataclass
class ActivationRevocation(AccountOption):
    subject: Annotated[Text, opt("--subject", "-s", help="export subject")] = ""
    service: Annotated[bool, opt("--service", help="the export is a service")] = False
    target_account: Annotated[
        Text, opt("--target-account", "-t", help="account key, * is everyone")
    ] = ""
    at: Annotated[Text, opt("--at", help="RFC 3339 or epoch, 0 is now")] = "0"


def _target(session: Session, options: ActivationRevocation) -> str:
    text = options.target_account
    if text == jwt.EVERYONE or is_valid_public(text, Prefix.ACCOUNT):
        return text
    if not text:
        raise StoreError("a target account is required", "use --target-account")
    return session.store().account(text).sub


def revoke_activation(session: Session, options: ActivationRevocation) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    export = find_export(claims, options.subject)
    if not export.token_req:
        raise StoreError(
            f'export "{export.subject}" is public', "only private exports have activations"
        )
    target, at = _target(session, options), parse_instant(options.at)
    revoke(session, export.revocations, target, at)
    session.save_account(claims, account)
    session.report.ok(
        f'revoked all activations for "{export.subject}" issued before {format_time(at)}'
        if target == jwt.EVERYONE
        else f'revoked activation "{export.subject}" for account {target}'
    )


def unrevoke_activation(session: Session, options: ActivationRevocation) -> None:
    account = session.account_name(options.account)
    claims = session.store().account(account)
    export = find_export(claims, options.subject)
    target = _target(session, options)
    whom = "all accounts" if target == jwt.EVERYONE else f"account {target}"
    if export.revocations.pop(target, None) is None:
        session.report.warn(f"{export.type} {export.subject} has no revocation for {whom}")
        return
    session.save_account(claims, account)
    session.report.ok(f"deleted {export.type} {export.subject} revocation for {whom}")


def list_activation_revocations(session: Session, options: ActivationRevocation) -> None:
    account = session.account_name(options.account)
    export = find_export(session.store().account(account), options.subject)
    title = f"Revoked Accounts for {export.type} {export.subject}"
    _revocation_table(session, title, export.revocations, "Accounts")


@dataclass
class Rename(Options):
    old: Annotated[Text, arg(help="current name")] = ""
    new: Annotated[Text, arg(help="new name")] = ""
    ok: Annotated[bool, opt("--OK", help="confirm that creds paths change")] = False


def rename_account(session: Session, options: Rename) -> None:
    """Renames an account and moves its folders and creds."""
    from pynsc.core.values import new_name

    store = session.store()
    old, new = session.account_name(options.old), new_name(options.new)
    if new in store.accounts():
        raise StoreError(f'an account "{new}" already exists')
    if not options.ok:
        raise StoreError("renaming moves creds files", "repeat with --OK to confirm")
    claims = store.account(old)
    claims.name = new
    session.save_account(claims, new)
    source = store.account_path(old).parent / "users"
    if source.exists():
        source.rename(store.account_path(new).parent / "users")
    store.delete_account(old)
    creds = session.keys.root / "creds" / store.name
    if (creds / old).exists():
        (creds / old).rename(creds / new)
    session.env.remember(account=new)
    session.report.ok(f'renamed account "{old}" to "{new}"')
