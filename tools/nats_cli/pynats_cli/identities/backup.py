"""Backups of an operator: all its JWTs and seeds in one file, which a curve key can seal."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text, write_output
from pynats_common.accounts_store.names import check_name
from pynats_common.accounts_store.store import C, parse_claims
from pynats_common.creds import CredsError, extract_jwt, extract_key_pair
from pynats_common.nkeys import KeyPair, NkeyError, Prefix, from_seed

from pynats_cli.errors import CliError
from pynats_cli.identities.book import Book, Edition

BACKUP_BYTES_MAX = 256 * 1024 * 1024


def write_backup(entity: dict[str, Any], path: Path, key: str) -> None:
    """Writes an operator's entity, readable by its owner only; sealed if there is a key."""
    text = json.dumps(entity, indent=2)
    if key:
        pair = _curve_key(key)
        text = base64.b64encode(pair.seal(text.encode(), pair.public_key)).decode()
    write_output(path, text)


def read_backup(path: Path, key: str) -> Backup:
    """The checked content of a backup. Raises CliError, StoreError."""
    text = read_text(path, BACKUP_BYTES_MAX)
    if key:
        text = _opened(text, path, _curve_key(key))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        hint = "" if key else ": is it sealed? Name the key with --key"
        raise CliError(f"{path} holds no backup of an operator{hint}")
    return _parse(value)


def _opened(text: str, path: Path, pair: KeyPair) -> str:
    try:
        return pair.open(base64.b64decode(text, validate=False), pair.public_key).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise CliError(f"{path} is not sealed") from None
    except NkeyError as error:
        raise CliError(f"open failed: {error}") from None


def _curve_key(name: str) -> KeyPair:
    try:
        pair = extract_key_pair(read_text(Path(name).expanduser()))
    except (CredsError, NkeyError) as error:
        raise CliError(f"{name}: {error}") from None
    if pair.prefix is not Prefix.CURVE:
        raise CliError(f"{name} holds a key for {pair.prefix.label}s: a curve key is needed")
    return pair


@dataclass
class BackedUpAccount:
    """An account, and its users' JWTs by name."""

    claims: jwt.AccountClaims
    token: str
    users: dict[str, str] = field(default_factory=dict)


@dataclass
class Backup:
    """What a backup holds."""

    claims: jwt.OperatorClaims
    token: str
    accounts: list[BackedUpAccount] = field(default_factory=list)
    keys: list[KeyPair] = field(default_factory=list, repr=False)


def _parse(value: dict[str, Any]) -> Backup:
    claims, token = _claims(jwt.OperatorClaims, value)
    backup = Backup(claims, token)
    backup.keys += _keys_of(value, [claims.sub, *claims.nats.signing_keys])
    for item in _entries(value, "accounts"):
        account, token = _claims(jwt.AccountClaims, item)
        kept = BackedUpAccount(account, token)
        backup.keys += _keys_of(item, [account.sub, *account.nats.signing_key_ids()])
        for entry in _entries(item, "users"):
            user, token = _claims(jwt.UserClaims, entry)
            kept.users[check_name(user.name)] = token
            backup.keys += _keys_of(entry, [user.sub])
        backup.accounts.append(kept)
    return backup


def _claims(cls: type[C], value: dict[str, Any]) -> tuple[C, str]:
    try:
        token = extract_jwt(str(value.get("token") or ""))
        claims = jwt.decode_as(cls, token)
        check_name(claims.name)
    except (CredsError, jwt.JwtError, StoreError) as error:
        raise CliError(f"backup: {value.get('name') or 'unnamed'}: {error}") from None
    return claims, token


def _entries(value: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    for item in value.get(name) or ():
        if isinstance(item, dict):
            yield item


def _keys_of(value: dict[str, Any], expected: list[str]) -> Iterator[KeyPair]:
    """The seeds of an entity; only keys that its JWT knows. Never tells a seed."""
    for item in (value.get("key"), *_entries(value, "signingKeys")):
        seed = item.get("key") if isinstance(item, dict) else None
        if not seed:
            continue
        try:
            pair = from_seed(str(seed))
        except NkeyError as error:
            raise CliError(f"backup: a key of {value.get('name')} is damaged: {error}") from None
        if pair.public_key not in expected:
            raise CliError(f"backup: key {pair.public_key} is not one of {value.get('name')}")
        yield pair


def restore(edition: Edition, backup: Backup) -> None:
    """Stores everything of a backup; the folder is the operator's."""
    for pair in backup.keys:
        edition.keyring.keep(pair)
    edition.keyring.store_kept()
    edition.create(backup.claims.name)
    edition.store.save_operator(backup.token)
    for account in backup.accounts:
        edition.store.save_account(account.claims.name, account.token)
        for name, token in account.users.items():
            edition.store.save_user(account.claims.name, name, token)


def read_operator(
    book: Book, token_file: Path, key_files: list[Path]
) -> tuple[jwt.OperatorClaims, str]:
    """An operator's claims and JWT, with all its keys, which wait in the keyring to be stored."""
    text = read_text(token_file)
    claims = parse_claims(jwt.OperatorClaims, text, str(token_file))
    needed = [claims.sub, *claims.nats.signing_keys]
    given: dict[str, KeyPair] = {}
    for path in key_files:
        try:
            pair = extract_key_pair(read_text(path))
        except (CredsError, NkeyError) as error:
            raise CliError(f"{path}: {error}") from None
        if pair.public_key not in needed:
            # The key's public half only: whoever names a wrong file shall not see its seed.
            raise CliError(f"key {pair.public_key} in {path} is not referenced by the operator")
        given[pair.public_key] = pair
    missing = [public for public in needed if public not in given]
    if missing:
        raise CliError(f"not all keys are provided: {', '.join(missing)} missing")
    for pair in given.values():
        book.keyring.keep(pair)
    return claims, extract_jwt(text)
