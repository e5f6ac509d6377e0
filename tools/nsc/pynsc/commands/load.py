"""`load` a profile, `upgrade-jwt`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import write_atomic
from pynats_common.accounts_store.store import load_token, operators
from pynats_common.commandline.declare import opt
from pynats_common.nkeys import KeyPair, Prefix

from pynsc.cli import Options, Text
from pynsc.commands.add import AddAccount, AddUser, add_account, add_user, import_operator
from pynsc.core.session import Session
from pynsc.core.values import named_in_url, parse_profile_url


@dataclass
class Load(Options):
    profile: Annotated[
        Text, opt("--profile", help="nsc://operator/account/user", ask="profile url")
    ] = ""
    url: Annotated[Text, opt("--url", help="operator JWT url")] = ""
    seed: Annotated[Text, opt("--seed", help="account seed or file")] = ""
    user: Annotated[Text, opt("--user", help="user name")] = "default"


def load(session: Session, options: Load) -> None:
    """Adds operator, account and user of the profile if they do not exist here."""
    names, _ = parse_profile_url(options.profile)
    operator = named_in_url(names[0], operators(session.env.stores_dir))
    if operator not in operators(session.env.stores_dir):
        import_operator(session, options.url or operator, operator, force=False)
    store = session.store(operator)
    session.env.remember(operator=store.name, account="")
    pair = _account_pair(session, options.seed) if options.seed else None
    account = named_in_url(names[1], store.accounts()) if len(names) > 1 else options.user
    if account not in store.accounts():
        add_account(session, AddAccount(pos=account, public_key=pair.public_key if pair else ""))
    user = options.user
    if len(names) > 2:
        user = named_in_url(names[2], store.users(account))
    if user not in store.users(account):
        add_user(session, AddUser(pos=user, account=account))
    session.env.remember(account=account)
    session.report.ok(f'loaded profile "{store.name}/{account}/{user}"')


def _account_pair(session: Session, text: str) -> KeyPair:
    pair = session.keyring.load(text, Prefix.ACCOUNT)
    if not pair.has_seed:
        raise StoreError("the seed must be an account seed")
    session.keys.save(pair)
    return pair


@dataclass
class Upgrade(Options):
    pass


def upgrade_jwt(session: Session, options: Upgrade) -> None:
    """Signs the version 1 JWTs of the store again as version 2; a failure changes nothing."""
    session.accepts_version_1 = True
    store = session.store()
    paths = [store.operator_path(), *(store.account_path(a) for a in store.accounts())]
    paths += [store.user_path(a, u) for a in store.accounts() for u in store.users(a)]
    pending = []
    for path in paths:
        token = load_token(path)
        if jwt.is_version_1(token):
            claims = jwt.decode(token)
            signer = session.keys.get(claims.iss)
            if signer is None:
                raise StoreError(f"key {claims.iss} that signed {path.name} is not stored",
                                 "import it with import keys")  # fmt: skip
            pending.append((path, jwt.encode(claims, signer)))
    for path, token in pending:
        write_atomic(path, token)
        session.report.ok(f"upgraded {path.name}")
    session.report.ok(f"upgraded {len(pending)} JWTs")
