"""One operator's folder of JWTs, in the layout of the original.

`<Op>/.nsc`, `<Op>/<Op>.jwt`, `<Op>/accounts/<A>/<A>.jwt`, `<Op>/accounts/<A>/users/<U>.jwt`.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, TypeVar

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_json, read_text, remove, write_atomic
from pynats_common.creds import CredsError, extract_jwt

C = TypeVar("C", bound=jwt.Claims)


class Store:
    """Folder of one operator."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = root.name
        self._seen: dict[Path, str] = {}

    @classmethod
    def create(cls, stores: Path, name: str, managed: bool = False) -> Store:
        store = cls(stores / name)
        info = {"managed": managed, "name": name, "kind": "operator", "version": "1"}
        write_atomic(store.root / ".nsc", json.dumps(info))
        return store

    @property
    def info(self) -> dict[str, Any]:
        return read_json(self.root / ".nsc")

    @property
    def managed(self) -> bool:
        return bool(self.info.get("managed"))

    def is_version_1(self) -> bool:
        """Whether the operator JWT is of version 1; False if unknown."""
        try:
            return jwt.is_version_1(extract_jwt(read_text(self.operator_path())))
        except (CredsError, jwt.JwtError, StoreError):
            return False

    def operator_path(self) -> Path:
        return self.root / f"{self.name}.jwt"

    def account_path(self, account: str) -> Path:
        return self.root / "accounts" / account / f"{account}.jwt"

    def user_path(self, account: str, user: str) -> Path:
        return self.root / "accounts" / account / "users" / f"{user}.jwt"

    def operator(self) -> jwt.OperatorClaims:
        return self._load(jwt.OperatorClaims, self.operator_path())

    def account(self, name: str) -> jwt.AccountClaims:
        if not self.account_path(name).exists():
            raise StoreError(f'account "{name}" not in operator "{self.name}"', "see list accounts")
        return self._load(jwt.AccountClaims, self.account_path(name))

    def user(self, account: str, name: str) -> jwt.UserClaims:
        if not self.user_path(account, name).exists():
            raise StoreError(f'user "{name}" not in account "{account}"', "see list users")
        return self._load(jwt.UserClaims, self.user_path(account, name))

    def accounts(self) -> list[str]:
        base = self.root / "accounts"
        return sorted(p.name for p in base.glob("*") if (p / f"{p.name}.jwt").exists())

    def users(self, account: str) -> list[str]:
        return sorted(p.stem for p in (self.root / "accounts" / account / "users").glob("*.jwt"))

    def account_named(self, public: str) -> str:
        """Name of the account with this public key, or empty; skips damaged files."""
        for name in self.accounts():
            with contextlib.suppress(StoreError):
                if self.account(name).sub == public:
                    return name
        return ""

    def save_operator(self, token: str) -> None:
        self._replace(self.operator_path(), token)

    def save_account(self, name: str, token: str) -> None:
        self._replace(self.account_path(name), token)

    def save_user(self, account: str, name: str, token: str) -> None:
        self._replace(self.user_path(account, name), token)

    def _load(self, cls: type[C], path: Path) -> C:
        self._seen[path] = text = read_text(path)
        return parse_claims(cls, text, str(path))

    def _replace(self, path: Path, token: str) -> None:
        """Replaces a file unless somebody changed it since it was read here.

        Our own tools wait for each other's locks; others' know none.
        """
        if path in self._seen and (not path.exists() or read_text(path) != self._seen[path]):
            raise StoreError(
                f"another program has just changed {path}",
                "nothing was changed: look at it, then repeat the command",
            )
        write_atomic(path, token)
        self._seen[path] = token

    def delete_user(self, account: str, name: str) -> None:
        remove(self.user_path(account, name))
        self._seen.pop(self.user_path(account, name), None)

    def delete_account(self, name: str) -> None:
        for user in self.users(name):
            self.delete_user(name, user)
        remove(self.account_path(name))
        self._seen.pop(self.account_path(name), None)
        for folder in (self.account_path(name).parent / "users", self.account_path(name).parent):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()


def load_token(path: Path) -> str:
    """The bare JWT of a file that may decorate it. Raises StoreError."""
    try:
        return extract_jwt(read_text(path))
    except CredsError as error:
        raise StoreError(f"{path}: {error}", "restore it, or import it again") from None


def load_claims(cls: type[C], path: Path) -> C:
    """Claims of a JWT file. Raises StoreError naming the file."""
    return parse_claims(cls, read_text(path), str(path))


def parse_claims(cls: type[C], text: str, where: str) -> C:
    """Claims of a bare or decorated JWT."""
    try:
        return jwt.decode_as(cls, extract_jwt(text))
    except (CredsError, jwt.JwtError) as error:
        raise StoreError(f"{where}: {error}", "restore it, or import it again") from None


def operators(stores: Path) -> list[str]:
    """Names of the operators in a stores folder."""
    if not stores.exists():
        return []
    return sorted(p.name for p in stores.iterdir() if p.is_dir() and (p / ".nsc").exists())
