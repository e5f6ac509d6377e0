"""One run: environment, store, keys, current operator and account, and what is saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import short_path, write_atomic
from pynats_common.accounts_store.keyring import Keyring
from pynats_common.accounts_store.keystore import KeyStore
from pynats_common.accounts_store.locks import Locks, purpose_of
from pynats_common.accounts_store.signing import (
    Hints,
    Signers,
    bind_user,
    check_claims,
    sign,
)
from pynats_common.accounts_store.store import C, Store, operators
from pynats_common.creds import encode_creds
from pynats_common.nkeys import KeyPair, Prefix, is_valid_public

from pynsc.core.env import Environment
from pynsc.core.managed import exchange_account
from pynsc.core.report import Report

HINTS = Hints(
    no_key="provide one with -K, or import it with import keys",
    no_role_key="use -K with its seed",
    strict="use edit account --sk generate, or name a role with -K",
    scoped_user="edit the role with edit signing-key",
)


@dataclass
class Session:
    """The state that a command works on.

    A command that changes a store holds the operator's lock from its first look at the store to its
    end, so that what it writes follows from what is there. Questions come before that
    (`begin_changes`): nobody waits for a person.
    """

    env: Environment
    private_key: str = ""
    interactive: bool = False
    json: bool = False
    command: str = ""

    def __post_init__(self) -> None:
        self.report = Report()
        self.keys = KeyStore(self.env.keys_dir)
        self.keyring = Keyring(self.keys)
        self.accepts_version_1 = False
        self._selected: dict[str, str] = {}
        self._store: Store | None = None
        self._locks = Locks(purpose_of("pynsc", self.command))
        self._changes = False

    # Changing ---------------------------------------------------------------------

    def begin_changes(self) -> None:
        """From now on, whoever looks at an operator holds its lock."""
        self._changes = True
        self._store = None

    def end_changes(self) -> None:
        """Releases the locks."""
        self._changes = False
        self._locks.release()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Changes within a command that otherwise only reads, such as one that asks servers."""
        self.begin_changes()
        try:
            yield
        finally:
            self.end_changes()

    def claim_operator(self, name: str, force: bool) -> None:
        """Holds the name of a new operator; refuses one that exists."""
        if self._changes:
            self._locks.take(self.env.stores_dir / name)
        if name in operators(self.env.stores_dir) and not force:
            raise StoreError(
                f'an operator named "{name}" already exists', "use --force to replace it"
            )

    def create_store(self, name: str, managed: bool = False) -> None:
        """Makes the folder of a new operator, and makes it the current one."""
        self._store = Store.create(self.env.stores_dir, name, managed)

    # Current operator and account -------------------------------------------------

    def store(self, name: str = "") -> Store:
        """Folder of the named or current operator."""
        if self._store is not None and name in ("", self._store.name):
            return self._store
        known = operators(self.env.stores_dir)
        if not name:
            name = self._from_cwd()[0]
        if not name and not os.environ.get("NSC_CWD_ONLY"):
            name = self.env.operator if self.env.operator in known else ""
            if not name and len(known) == 1:
                name = known[0]
        if not name:
            hint = "run init or add operator" if not known else "run select operator NAME"
            raise StoreError("set an operator first", hint)
        if name not in known:
            raise StoreError(f'operator "{name}" not found in {self.env.stores_dir}')
        store = Store(self.env.stores_dir / name)
        if self._changes:
            self._locks.take(store.root)
        if not self.accepts_version_1 and store.is_version_1():
            raise StoreError(f'the store of operator "{name}" has version 1 JWTs',
                             "make a backup, then run upgrade-jwt")  # fmt: skip
        self._store = store
        return store

    def account_name(self, name: str = "") -> str:
        """The named account (or public key), else the current one, else the only one."""
        store = self.store()
        known = store.accounts()
        if name:
            if is_valid_public(name, Prefix.ACCOUNT):
                name = store.account_named(name) or name
            if name not in known:
                raise StoreError(f'account "{name}" not in operator "{store.name}"',
                                 "see list accounts")  # fmt: skip
            return name
        cwd = self._from_cwd()[1]
        current = cwd if cwd in known else ""
        if not current and self.env.account in known and not os.environ.get("NSC_CWD_ONLY"):
            current = self.env.account
        if self.interactive and len(known) > 1:
            return self._select("account", known, current)
        if current or len(known) == 1:
            return current or known[0]
        raise StoreError("an account is required", "name it with --account" if known else
                         "create one with add account")  # fmt: skip

    def user_name(self, account: str, name: str = "") -> str:
        known = self.store().users(account)
        if name:
            if name not in known:
                raise StoreError(f'user "{name}" not in account "{account}"', "see list users")
            return name
        if len(known) == 1:
            return known[0]
        if self.interactive and known:
            return self._select("user", known, "")
        raise StoreError("a user is required", "name it with --user or --name" if known else
                         "create one with add user")  # fmt: skip

    def _select(self, kind: str, known: list[str], current: str) -> str:
        """Asks only once; later steps of the command reuse the answer."""
        from pynsc.core.prompts import select

        if self._selected.get(kind) not in known:
            if self._locks:
                raise StoreError(f"the {kind} is not known yet, or not there any more",
                                 f"name it with --{kind}")  # fmt: skip
            self._selected[kind] = select(f"select {kind}", known, current)
        return self._selected[kind]

    def _from_cwd(self) -> tuple[str, str]:
        """Operator and account whose folder contains the working directory."""
        stores = self.env.stores_dir.absolute()
        try:
            parts = Path.cwd().absolute().relative_to(stores).parts
        except (ValueError, OSError):
            return "", ""
        if not parts or not (stores / parts[0] / ".nsc").exists():
            return "", ""
        return parts[0], parts[2] if len(parts) > 2 and parts[1] == "accounts" else ""

    def readable(self, load: Callable[..., C], *names: str) -> C | None:
        """Claims, or None with a warning for a damaged file: the others are still usable."""
        try:
            return load(*names)
        except StoreError as error:
            self.report.warn(str(error))
            return None

    # Keys -----------------------------------------------------------------------

    def entity_key(self, prefix: Prefix, given: str) -> KeyPair:
        """Key of a new entity: given with --public-key, or generated and stored."""
        if given:
            pair = self.keyring.load(given, prefix)
            if pair.has_seed:
                self.keyring.keep(pair)
            return pair
        pair = self.keyring.new(prefix)
        self.report.planned(f'generated and stored {prefix.label} key "{pair.public_key}"')
        return pair

    def operator_signer(self, before: str = "") -> KeyPair:
        """Key that may sign accounts: -K, else the key that signed it `before`, else the first
        stored one."""
        return self._signers().for_accounts(self.store().operator(), self.store().name, before)

    def operator_identity(self) -> KeyPair:
        """The operator's own key; nothing else can sign the operator JWT."""
        return self._signers().for_operator(self.store().operator(), self.store().name)

    def account_signer(self, account: str) -> KeyPair:
        """Key that may sign users of an account: -K (also a role), else the first stored one."""
        strict = self.store().operator().nats.strict_signing_key_usage
        return self._signers().for_users(self.store().account(account), account, strict=strict)

    def _signers(self) -> Signers:
        return Signers(self.keyring, HINTS, self.private_key)

    # Saving -----------------------------------------------------------------------

    def check(self, claims: jwt.Claims) -> None:
        """Refuses claims with blocking issues; reports warnings."""
        check_claims(claims, self.report.warn)

    def _sign(self, claims: jwt.Claims, signer: KeyPair) -> str:
        return sign(claims, signer, self.keyring, self.report.warn)

    def save_operator(self, claims: jwt.OperatorClaims, signer: KeyPair) -> None:
        """Checks, signs and stores operator claims."""
        self.store().save_operator(self._sign(claims, signer))
        self.report.settle()

    def save_account(self, claims: jwt.AccountClaims, name: str = "") -> None:
        """Signs and stores account claims; a managed operator signs on its server."""
        store = self.store()
        name = name or claims.name
        signer: KeyPair | None
        if store.managed and not self.private_key:
            signer = self._managed_signer(claims)
        else:
            own = self._is_account_key()
            signer = self._self(claims) if own else self.operator_signer(claims.iss)
        token = self._sign(claims, signer)
        if store.managed and signer.prefix is Prefix.ACCOUNT:
            token = exchange_account(store.operator(), claims, token, self.report)
        store.save_account(name, token)
        self.report.settle()

    def _is_account_key(self) -> bool:
        if not self.private_key or not self.store().managed:
            return False
        return self.keyring.load(self.private_key).prefix is Prefix.ACCOUNT

    def _self(self, claims: jwt.AccountClaims) -> KeyPair:
        pair = self.keyring.load(self.private_key, Prefix.ACCOUNT)
        if pair.public_key != claims.sub:
            raise StoreError("only the account's own key can sign it for a managed operator")
        return pair

    def _managed_signer(self, claims: jwt.AccountClaims) -> KeyPair:
        operator = self.store().operator()
        strict = operator.nats.strict_signing_key_usage
        for public in (*([] if strict else [operator.sub]), *operator.nats.signing_keys):
            stored = self.keys.get(public)
            if stored is not None:
                return stored
        own = self.keyring.stored(claims.sub)
        if own is None:
            raise StoreError("account key is not stored", "provide it with -K")
        return own

    def save_user(
        self, account: str, claims: jwt.UserClaims, signer: KeyPair,
        creds_words: str = "generated user creds file",
    ) -> None:  # fmt: skip
        """Signs and stores user claims, and renews the creds file if the seed is stored."""
        bind_user(self.store().account(account), claims, signer, HINTS)
        token = self._sign(claims, signer)
        self.store_user_token(account, claims.name, token, claims.sub, creds_words)

    def store_user_token(
        self, account: str, name: str, token: str, public: str,
        creds_words: str = "generated user creds file",
    ) -> None:  # fmt: skip
        """Stores a user's JWT, and its creds file if the seed is stored."""
        self.store().save_user(account, name, token)
        self.report.settle()
        pair = self.keys.get(public)
        if pair is not None:
            path = self.keys.creds_path(self.store().name, account, name)
            write_atomic(path, encode_creds(token, pair))
            self.report.ok(f"{creds_words} `{short_path(path)}`")
