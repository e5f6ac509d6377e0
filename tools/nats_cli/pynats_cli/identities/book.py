"""The store of one run: what it holds, what is changed under the operator's lock, who signs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.keyring import Keyring
from pynats_common.accounts_store.keystore import KeyStore
from pynats_common.accounts_store.locks import Locks, purpose_of
from pynats_common.accounts_store.names import check_name
from pynats_common.accounts_store.signing import Hints, Signers, bind_user, check_claims, sign
from pynats_common.accounts_store.store import Store, operators
from pynats_common.nkeys import KeyPair, Prefix
from pynats_common.program.xdg import data_home

from pynats_cli.errors import CliError
from pynats_cli.screen.output import log

_HINTS = Hints(
    no_key="name one with --key, or import the operator with its keys",
    no_role_key="name its seed's file with --key",
    strict="add one with `auth account keys add --unscoped`, or name a role with --key",
    scoped_user="its role says what it may",
)


@contextmanager
def store_errors() -> Iterator[None]:
    """Errors of the store as errors of the command line."""
    from pynats_common.jwt import JwtError
    from pynats_common.nkeys import NkeyError

    try:
        yield
    except (StoreError, JwtError, NkeyError) as error:
        raise CliError(str(error)) from None


class Book:
    """All operators of this user, and the keys that are stored beside them."""

    def __init__(self, folder: Path | None = None) -> None:
        root = folder or data_home() / "nats" / "nsc"
        self.stores = root / "stores"
        self.keys = KeyStore(root / "keys")
        self.keyring = Keyring(self.keys)

    def operators(self) -> list[str]:
        """Names, sorted."""
        return operators(self.stores)

    def store(self, operator: str) -> Store:
        """The folder of one operator."""
        return Store(self.stores / operator)

    @contextmanager
    def changing(self, operator: str) -> Iterator[Edition]:
        """Holds an operator, whose folder is made if it is missing, until the end."""
        locks = Locks(purpose_of("pynats", "auth"))
        try:
            locks.take(self.stores / check_name(operator))
            yield Edition(self, self.store(operator))
        finally:
            locks.release()


class Edition:
    """Changes to one operator's store."""

    def __init__(self, book: Book, store: Store) -> None:
        self.book = book
        self.store = store
        self.keyring = book.keyring

    def create(self, name: str) -> None:
        """Marks the folder as an operator's. Raises CliError when it is one already."""
        if name in self.book.operators():
            raise CliError(f"operator {name} already exist")
        Store.create(self.book.stores, name)

    def check(self, claims: jwt.Claims) -> None:
        """Refuses claims that could not be stored, before anything is."""
        check_claims(claims, lambda _: None)

    def save_operator(self, claims: jwt.OperatorClaims) -> None:
        """Signs with the operator's own key, and stores."""
        signer = Signers(self.keyring, _HINTS).for_operator(claims, self.store.name)
        self.store.save_operator(sign(claims, signer, self.keyring, log))

    def save_account(self, claims: jwt.AccountClaims, key: str = "") -> None:
        """Signs with the given key, or the one that signed before; stores."""
        signers = Signers(self.keyring, _HINTS, key)
        signer = signers.for_accounts(self.store.operator(), self.store.name, claims.iss)
        self.store.save_account(claims.name, sign(claims, signer, self.keyring, log))

    def user_signer(self, account: str, key: str = "") -> KeyPair:
        """The given key or role of an account, or its own key."""
        strict = self.store.operator().nats.strict_signing_key_usage
        signers = Signers(self.keyring, _HINTS, key)
        return signers.for_users(self.store.account(account), account, strict=strict)

    def save_user(self, account: str, claims: jwt.UserClaims, signer: KeyPair) -> None:
        """Signs and stores a user, and renews the creds file that `nsc` keeps, if there is one."""
        from pynats_common.accounts_store.files import write_atomic
        from pynats_common.creds import encode_creds

        bind_user(self.store.account(account), claims, signer, _HINTS)
        token = sign(claims, signer, self.keyring, log)
        self.store.save_user(account, claims.name, token)
        path = self.book.keys.creds_path(self.store.name, account, claims.name)
        pair = self.keyring.stored(claims.sub)
        if pair is not None and path.exists():
            write_atomic(path, encode_creds(token, pair))

    def new_key(self, prefix: Prefix) -> KeyPair:
        """A key that is stored with the next JWT."""
        return self.keyring.new(prefix)
