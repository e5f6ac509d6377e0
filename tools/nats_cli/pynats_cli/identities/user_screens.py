"""Users and signing keys on the screen."""

from __future__ import annotations

from pynats_common import jwt
from pynats_common.accounts_store.store import Store
from pynats_common.jwt.types import Permission, ScopedSigner, UserPermissionLimits

from pynats_cli.identities.account_screens import moment
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.human import truth, unlimited
from pynats_cli.screen.tables import Table


def user_screen(store: Store, account: str, name: str) -> str:
    """What a user is, and may: by itself, or by the role of the key that signed it."""
    owner, claims = store.account(account), store.user(account, name)
    scope = owner.nats.scope_of(claims.iss)
    screen = Columns(f"User {claims.name} ({claims.sub})")
    screen.section("Configuration")
    screen.add("Account", f"{account} ({owner.sub})")
    screen.add("Issuer", claims.iss)
    screen.add("Scoped", truth(scope is not None))
    screen.add_if("Role", scope.role if scope else "")
    screen.add_list("Tags", claims.nats.tags)
    screen.add_if("Expiry", moment(claims.exp))
    _add_rights(screen, scope.template if scope else claims.nats)
    return screen.render() + "\n"


def signing_key_screen(scope: ScopedSigner) -> str:
    """A signing key with a role."""
    screen = Columns(f"Scoped Signing Key {scope.key}")
    screen.section("Config")
    screen.add_if("Description", scope.description)
    screen.add("Key", scope.key)
    screen.add("Role", scope.role)
    _add_rights(screen, scope.template)
    return screen.render() + "\n"


def _add_rights(screen: Columns, rights: UserPermissionLimits) -> None:
    screen.add_if("Locale", rights.locale)
    screen.add("Bearer Token", truth(rights.bearer_token))
    screen.section("Limits")
    screen.add("Max Payload", unlimited(rights.payload))
    screen.add("Max Data", unlimited(rights.data))
    screen.add("Max Subscriptions", unlimited(rights.subs))
    screen.add_if("Connection Types", ", ".join(rights.allowed_connection_types))
    screen.add_list("Connection Sources", rights.sources)
    screen.add_list("Connection Times", [f"{item.start} to {item.end}" for item in rights.times])
    screen.section("Permissions")
    _add_permission(screen, "Publish", rights.pub)
    _add_permission(screen, "Subscribe", rights.sub)


def _add_permission(screen: Columns, title: str, permission: Permission) -> None:
    screen.section(title, 1)
    if permission.is_empty():
        screen.text("No permissions defined")
    screen.add_list("Allow", sorted(permission.allow))
    screen.add_list("Deny", sorted(permission.deny))


def users_table(store: Store, account: str) -> str:
    """All users of an account."""
    owner = store.account(account)
    table = Table(f"Users in account {account}",
                  ("Name", "Subject", "Scoped", "Sub Perms", "Pub Perms",
                   "Max Subscriptions"))  # fmt: skip
    for name in store.users(account):
        claims = store.user(account, name)
        scope = owner.nats.scope_of(claims.iss)
        rights = scope.template if scope else claims.nats
        table.add(claims.name, claims.sub, truth(scope is not None), _mark(rights.sub),
                  _mark(rights.pub), unlimited(rights.subs).capitalize())  # fmt: skip
    return table.render() + "\n" if table.rows else "No users found"


def signing_keys_table(claims: jwt.AccountClaims) -> str:
    """All signing keys of an account: roles first, in the order of their names."""
    table = Table(f'Signing Keys for Account "{claims.name}"',
                  ("Key", "Role", "Description", "Max Subscriptions", "Pub Perms",
                   "Sub Perms"))  # fmt: skip
    scopes = [item for item in claims.nats.signing_keys if isinstance(item, ScopedSigner)]
    for scope in sorted(scopes, key=lambda item: (item.role, item.key)):
        template = scope.template
        table.add(scope.key, scope.role, scope.description, template.subs,
                  len(template.pub.allow) + len(template.pub.deny),
                  len(template.sub.allow) + len(template.sub.deny))  # fmt: skip
    for item in claims.nats.signing_keys:
        if isinstance(item, str):
            table.add(item, "", "", "", "", "")
    return table.render() + "\n" if table.rows else "No Signing Keys or Roles defined"


def _mark(permission: Permission) -> str:
    return "" if permission.is_empty() else "✓"
