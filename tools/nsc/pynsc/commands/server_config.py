"""`generate config`: server configuration for the operator and its accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import short_path, write_atomic
from pynats_common.accounts_store.store import Store, load_token
from pynats_common.commandline.declare import opt
from pynats_common.jwt.types import Export
from pynats_common.jwt.validation import subject_covers
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import Options, Text
from pynsc.core.session import Session


@dataclass
class GenerateConfig(Options):
    mem_resolver: Annotated[bool, opt("--mem-resolver", help="all accounts in the config")] = False
    nats_resolver: Annotated[bool, opt("--nats-resolver", help="full NATS resolver")] = False
    nats_resolver_cache: Annotated[
        bool, opt("--nats-resolver-cache", help="caching NATS resolver")
    ] = False
    nkey: Annotated[bool, opt("--nkey", hidden=True)] = False
    config_file: Annotated[Text, opt("--config-file", help="file, -- is stdout")] = "--"
    dir: Annotated[Text, opt("--dir", hidden=True)] = ""
    force: Annotated[bool, opt("--force", "-F", help="overwrite the file")] = False
    sys_account: Annotated[Text, opt("--sys-account", help="system account name")] = ""


_FULL = """resolver {
    type: full
    # Where the server keeps account JWTs.
    dir: './jwt'
    # Whether "push --prune" may delete accounts. A deleted JWT is renamed to *.delete; removing
    # that suffix and a reload bring it back.
    allow_delete: false
    # How often servers of a cluster compare what they hold.
    interval: "2m"
    # How long to wait for another server to know an account.
    timeout: "1.9s"
}
"""
_CACHE = """resolver {
    type: cache
    # Where the server keeps account JWTs.
    dir: './jwt'
    # How long a JWT is kept.
    ttl: "1h"
    # How long to wait for a full resolver to answer.
    timeout: "1.9s"
}
"""


def generate_config(session: Session, options: GenerateConfig) -> None:
    """Prints or writes the configuration for the chosen resolver."""
    kinds = (options.mem_resolver, options.nats_resolver, options.nats_resolver_cache, options.nkey)
    if kinds.count(True) != 1:
        raise StoreError("choose one kind of configuration",
                         "--mem-resolver, --nats-resolver or --nats-resolver-cache")  # fmt: skip
    if options.dir and not options.mem_resolver:
        raise StoreError("--dir needs --mem-resolver")
    folder = Path(options.dir).expanduser()
    path = folder / "resolver.conf" if options.dir else Path(options.config_file).expanduser()
    to_file = options.dir or options.config_file not in ("", "--")
    if to_file and path.exists() and not options.force:
        raise StoreError(f"{path} exists", "use --force to overwrite it")
    if options.nkey:
        text = _nkey_config(session.store())
    else:
        text = _resolver_config(session, options, folder if options.dir else None)
    session.report.write(text, str(path) if to_file else "--", "server configuration")


def _resolver_config(session: Session, options: GenerateConfig, folder: Path | None) -> str:
    """Operator, system account, resolver and preloaded accounts; writes JWTs to `folder` if
    given."""
    store = session.store()
    operator = store.operator()
    system = _system_account(session, options.sys_account)
    nats = not options.mem_resolver
    if nats and not system:
        raise StoreError("the NATS resolver needs a system account",
                         "run edit operator --system-account NAME")  # fmt: skip
    name = store.account_named(system) if system else ""
    if nats and not name:
        raise StoreError(f"the system account {system} is not here", "pull or import it")

    def token_of(path: Path) -> str:
        token = load_token(path)
        if folder is None:
            return token
        write_atomic(folder / path.name, token)
        session.report.ok(f"wrote `{short_path(folder / path.name)}`")
        return json.dumps(path.name)

    lines = [f"# Operator named {store.name}", f"operator: {token_of(store.operator_path())}"]
    if system:
        lines += [f"# System Account named {name}", f"system_account: {system}"]
    if nats:
        lines += ["", _FULL if options.nats_resolver else _CACHE,
                  "# Preload the nats based resolver with the system account jwt."]  # fmt: skip
    else:
        lines += ["", "resolver: MEMORY", "", "# Accounts"]
    lines.append("resolver_preload: {")
    for account in [name] if nats else store.accounts():
        claims = store.account(account)
        if not operator.did_sign(claims):
            session.report.warn(f'account "{account}" is not signed by the operator')
        token = token_of(store.account_path(account))
        lines += [f"  # Account {json.dumps(account)}", f"  {claims.sub}: {token}", ""]
    return "\n".join([*lines, "}", ""])


def _system_account(session: Session, name: str) -> str:
    store = session.store()
    if name:
        return name if is_valid_public(name, Prefix.ACCOUNT) else store.account(name).sub
    system = store.operator().nats.system_account
    if not system and "SYS" in store.accounts():
        system = store.account("SYS").sub
    return system


def _nkey_config(store: Store) -> str:
    """Accounts with users that log in with an NKey, for a server without an operator."""
    if store.operator().nats.system_account:
        raise StoreError("nkey configurations don't support a system account", "use a resolver")
    claims = {name: store.account(name) for name in store.accounts()}
    names = {account.sub: name for name, account in claims.items()}
    lines = ["accounts: {"]
    for name, account in claims.items():
        users = [{"nkey": store.user(name, user).sub} for user in store.users(name)]
        sections = {
            "users": users,
            "exports": [_plain_export(e, account, claims) for e in account.nats.exports],
            "imports": list(_plain_imports(name, account, names)),
        }
        lines.append(f"  {json.dumps(name)}: {{")
        for section, entries in sections.items():
            if entries:
                lines.append(f"    {section}: [")
                lines += [f"      {json.dumps(entry)}" for entry in entries]
                lines.append("    ]")
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _plain_export(
    export: Export, owner: jwt.AccountClaims, claims: dict[str, jwt.AccountClaims]
) -> dict[str, Any]:
    entry: dict[str, Any] = {export.type: export.subject}
    if export.token_req:  # accounts with a token may import it
        entry["accounts"] = [
            name for name, account in claims.items()
            if any(i.token and i.account == owner.sub and i.type == export.type
                   and subject_covers(export.subject, i.subject)
                   for i in account.nats.imports)
        ]  # fmt: skip
    return entry


def _plain_imports(
    name: str, account: jwt.AccountClaims, names: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for item in account.nats.imports:
        if item.account not in names:
            raise StoreError(f'account "{name}" imports from {item.account}, which is not here')
        entry: dict[str, Any] = {item.type: {"account": names[item.account],
                                             "subject": item.subject}}  # fmt: skip
        if item.local:
            entry["to"] = item.local
        yield entry
