"""`add` operator, account and user; `init`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text, short_path
from pynats_common.accounts_store.store import operators, parse_claims
from pynats_common.commandline.declare import arg, opt
from pynats_common.creds import extract_jwt
from pynats_common.jwt.types import Export
from pynats_common.nkeys import Prefix

from pynsc.cli import AccountOption, Many, Options, PermissionOptions, Text, TimeOptions
from pynsc.core.apply import apply_permissions, apply_tags, apply_times
from pynsc.core.managed import fetch
from pynsc.core.session import Session
from pynsc.core.values import items, new_name

WELL_KNOWN = {"synadia": "https://api.synadia.io/jwt/v1/operator"}


@dataclass
class AddOperator(TimeOptions):
    pos: Annotated[Text, arg(help="operator name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="operator name")] = ""
    url: Annotated[Text, opt("--url", "-u", help="import from a JWT file, url or known name")] = ""
    generate_signing_key: Annotated[
        bool, opt("--generate-signing-key", help="add a signing key")
    ] = False
    sys: Annotated[bool, opt("--sys", "-s", help="create a system account")] = False
    force: Annotated[bool, opt("--force", help="overwrite an existing operator")] = False


def add_operator(session: Session, options: AddOperator) -> None:
    """New operator with its own key, or a managed one from its JWT."""
    if options.url:
        import_operator(session, options.url, options.pos or options.name, options.force)
        return
    name = _needed_name(session, options.pos or options.name, "operator name")
    session.claim_operator(name, options.force)
    pair = (
        session.keyring.load(session.private_key, Prefix.OPERATOR)
        if session.private_key
        else session.entity_key(Prefix.OPERATOR, "")
    )
    claims = jwt.OperatorClaims(sub=pair.public_key, name=name)
    apply_times(claims, options, session.report)
    signing = session.keyring.new(Prefix.OPERATOR) if options.generate_signing_key else None
    if signing:
        claims.nats.signing_keys.append(signing.public_key)
    session.check(claims)
    session.create_store(name)
    session.save_operator(claims, pair)
    session.env.remember(operator=name, account="")
    session.report.ok(f'added operator "{name}"')
    session.report.ok(
        "When running your own nats-server, make sure they run at least version 2.2.0"
    )
    session.private_key = ""
    if signing:
        session.report.ok(f"created operator signing key: {signing.public_key}")
        session.private_key = signing.public_key  # for other signatures of this command
    if options.sys:
        create_system_account(session)
        claims = session.store().operator()
        claims.nats.system_account = session.store().account("SYS").sub
        session.save_operator(claims, pair)
    session.private_key = ""


def _needed_name(session: Session, name: str, question: str) -> str:
    if not name and session.interactive:
        from pynsc.core.prompts import ask

        name = ask(question)
    if not name:
        raise StoreError(f"{question} is required", "give it as argument or with --name")
    return new_name(name)


def import_operator(session: Session, source: str, name: str, force: bool) -> None:
    """Managed operator from a JWT file, a URL, or a well-known name."""
    claims, text = read_operator(source)
    store_operator(session, claims, text, new_name(name or claims.name), force)


def read_operator(source: str) -> tuple[jwt.OperatorClaims, str]:
    """Operator claims and their JWT from a file, a URL or a well-known name."""
    variable = next(
        (v for k, v in os.environ.items() if k.lower() == f"nsc_{source.lower()}_operator"), ""
    )
    where = variable or WELL_KNOWN.get(source.lower(), source)
    if where.lower().startswith(("http://", "https://")):
        text = _fetch_operator(where)
    else:
        text = read_text(Path(where).expanduser())
    claims = parse_claims(jwt.OperatorClaims, text, where)
    if claims.is_expired():
        raise StoreError("operator JWT is expired", "ask the operator for a new one")
    return claims, extract_jwt(text)


def store_operator(
    session: Session, claims: jwt.OperatorClaims, token: str, name: str, force: bool
) -> None:
    """Stores a managed operator and makes it the current one."""
    session.claim_operator(name, force)
    session.create_store(name, managed=True)
    session.store().save_operator(token)
    session.env.remember(operator=name, account="")
    session.report.ok(f'imported operator "{name}"')


def _fetch_operator(url: str) -> str:
    """The operator at this URL, or at its account server's place for it, in either version."""
    url = url.rstrip("/")
    places = [url, url.replace("/jwt/v1", "/jwt/v2"), url.replace("/jwt/v2", "/jwt/v1")]
    if not url.endswith("/operator"):
        places += [f"{place}/operator" for place in places]
    first: StoreError | None = None
    for place in dict.fromkeys(places):
        try:
            text = fetch(place)
            parse_claims(jwt.OperatorClaims, text, place)
        except StoreError as error:
            first = first or error
        else:
            return text
    assert first is not None
    raise first


def create_system_account(session: Session) -> None:
    """Account SYS with the exports that monitoring tools use, a signing key, and user sys."""
    pair = session.keyring.new(Prefix.ACCOUNT)
    claims = jwt.new_account(pair.public_key, "SYS")
    signing = session.keyring.new(Prefix.ACCOUNT)
    claims.nats.signing_keys.append(signing.public_key)
    claims.nats.exports = [
        Export(name="account-monitoring-services", subject="$SYS.REQ.ACCOUNT.*.*", type="service",
               response_type="Stream", account_token_position=4,
               description="Request account specific monitoring services for: "
                           "SUBSZ, CONNZ, LEAFZ, JSZ and INFO",
               info_url="https://docs.nats.io/nats-server/configuration/sys_accounts"),
        Export(name="account-monitoring-streams", subject="$SYS.ACCOUNT.*.>", type="stream",
               account_token_position=3, description="Account specific monitoring stream",
               info_url="https://docs.nats.io/nats-server/configuration/sys_accounts"),
    ]  # fmt: skip
    session.save_account(claims)
    session.report.ok(f"created system_account: name:SYS id:{pair.public_key}")
    user = session.keyring.new(Prefix.USER)
    session.report.planned(f"created system account user: name:sys id:{user.public_key}")
    session.save_user("SYS", jwt.new_user(user.public_key, "sys"), signing,
                      "system account user creds file stored in")  # fmt: skip


@dataclass
class AddAccount(TimeOptions, PermissionOptions):
    pos: Annotated[Text, arg(help="account name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="account name")] = ""
    public_key: Annotated[Text, opt("--public-key", "-k", help="account key or path")] = ""


def add_account(session: Session, options: AddAccount) -> None:
    name = _needed_name(session, options.pos or options.name, "account name")
    store = session.store()
    if name in store.accounts():
        raise StoreError(f'the account "{name}" already exists', "use edit account")
    if not store.managed:
        session.operator_signer()
    pair = session.entity_key(Prefix.ACCOUNT, options.public_key)
    claims = jwt.new_account(pair.public_key, name)
    apply_times(claims, options, session.report)
    apply_permissions(claims.nats.default_permissions, options, session.report)
    session.save_account(claims)
    session.env.remember(operator=store.name, account=name)
    session.report.ok(f'added account "{name}"')


@dataclass
class AddUser(TimeOptions, PermissionOptions, AccountOption):
    pos: Annotated[Text, arg(help="user name", placeholder="name")] = ""
    name: Annotated[Text, opt("--name", "-n", help="user name")] = ""
    public_key: Annotated[Text, opt("--public-key", "-k", help="user key or path")] = ""
    tag: Annotated[Many, opt("--tag", help="tags")] = None
    source_network: Annotated[Many, opt("--source-network", help="CIDR allowed to connect")] = None
    bearer: Annotated[bool, opt("--bearer", help="no challenge needed to connect")] = False


def add_user(session: Session, options: AddUser) -> None:
    name = _needed_name(session, options.pos or options.name, "user name")
    account = session.account_name(options.account)
    store = session.store()
    if name in store.users(account):
        raise StoreError(f'the user "{name}" already exists', "use edit user")
    signer = session.account_signer(account)
    claims = jwt.new_user("", name)
    if store.account(account).nats.scope_of(signer.public_key) is not None:
        claims.nats.clear_limits()
    apply_permissions(claims.nats, options, session.report)
    apply_times(claims, options, session.report)
    apply_tags(claims.nats.tags, items(options.tag), [], session.report)
    if options.source_network:
        claims.nats.src = items(options.source_network)
    claims.nats.bearer_token = options.bearer
    pair = session.entity_key(Prefix.USER, options.public_key)
    claims.sub = pair.public_key
    session.save_user(account, claims, signer)
    session.report.ok(f'added user "{name}" to account "{account}"')


@dataclass
class Init(Options):
    asks_by_itself = True

    dir: Annotated[Text, opt("--dir", "-d", help="stores directory")] = ""
    name: Annotated[
        Text,
        opt(
            "--name",
            "-n",
            help="name of operator, account and user",
        ),
    ] = ""
    url: Annotated[Text, opt("--url", "-u", help="managed operator: its account server")] = ""
    remote_operator: Annotated[
        Text, opt("--remote-operator", "-o", help="managed operator: name, url or file")
    ] = ""


def init(session: Session, options: Init) -> None:
    """Operator (with system account), account and user with one name; or account and user below a
    managed operator."""
    if options.dir:
        session.env.config["store_root"] = str(Path(options.dir).expanduser().absolute())
    name = new_name(options.name or "*")
    if options.url or options.remote_operator:
        _join_operator(session, options, name)
    else:
        add_operator(session, AddOperator(pos=name, sys=True))
        claims = session.store().operator()
        claims.nats.operator_service_urls = ["nats://localhost:4222"]
        session.save_operator(claims, session.operator_identity())
    add_account(session, AddAccount(pos=name))
    add_user(session, AddUser(pos=name, account=name))
    session.report.ok(f"project jwt files created in `{short_path(session.env.stores_dir)}`")
    if session.store().managed:
        return
    for text in ("to run a local server with this configuration, enter:",
                 "  pynsc generate config --mem-resolver --config-file server.conf",
                 "  nats-server -c server.conf",
                 "(the original server: pynats-server has no operator mode yet)"):  # fmt: skip
        session.report.note(text)


def _join_operator(session: Session, options: Init, account: str) -> None:
    """Imports the managed operator at a URL, under a known name or in a file; one that is here
    already is renewed."""
    if options.url and options.remote_operator:
        raise StoreError("--url and --remote-operator exclude each other")
    source = options.url or options.remote_operator
    if options.url and not options.url.lower().startswith(("http://", "https://")):
        raise StoreError(f"{options.url} is not the http url of a managed operator",
                         "for servers of your own run init without it, then edit operator "
                         "--service-url")  # fmt: skip
    claims, text = read_operator(source)
    name = new_name(claims.name)
    if name in operators(session.env.stores_dir):
        if not session.store(name).managed:
            raise StoreError(f'operator "{name}" of this store is your own',
                             "use add account and add user")  # fmt: skip
        if session.store(name).operator().sub != claims.sub:
            raise StoreError(f'another operator named "{name}" is here',
                             "use --dir to keep this one elsewhere")  # fmt: skip
        if account in session.store(name).accounts():
            raise StoreError(f'account "{account}" exists', "choose another --name")
    store_operator(session, claims, text, name, force=True)
