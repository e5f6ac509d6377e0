"""`generate` creds, nkey, context and profile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_json, short_path, write_atomic
from pynats_common.accounts_store.store import load_token, operators
from pynats_common.commandline.declare import arg, opt
from pynats_common.creds import encode_creds
from pynats_common.nkeys import Prefix, create_pair

from pynsc.cli import AccountOption, Options, Text
from pynsc.core.session import Session
from pynsc.core.values import named_in_url, new_name, parse_profile_url, profile_url

if TYPE_CHECKING:
    from pynats_common.contexts import ContextStore


@dataclass
class GenerateCreds(AccountOption):
    name: Annotated[Text, opt("--name", "-n", help="user name")] = ""
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"


def generate_creds(session: Session, options: GenerateCreds) -> None:
    account = session.account_name(options.account)
    user = session.user_name(account, options.name)
    claims = session.store().user(account, user)
    pair = session.keys.get(claims.sub)
    if pair is None:
        raise StoreError(f'key of user "{user}" is not stored', "import it with import keys")
    token = load_token(session.store().user_path(account, user))
    session.report.write(encode_creds(token, pair), options.output_file, "credentials")


@dataclass
class GenerateNkey(Options):
    operator: Annotated[bool, opt("--operator", "-o", help="operator key")] = False
    account: Annotated[bool, opt("--account", "-a", help="account key")] = False
    user: Annotated[bool, opt("--user", "-u", help="user key")] = False
    curve: Annotated[bool, opt("--curve", "-x", help="curve key")] = False
    store: Annotated[bool, opt("--store", "-S", help="keep it in the keystore")] = False


def generate_nkey(session: Session, options: GenerateNkey) -> None:
    kinds = [p for p in (Prefix.OPERATOR, Prefix.ACCOUNT, Prefix.USER, Prefix.CURVE)
             if getattr(options, p.label)]  # fmt: skip
    if not kinds:
        raise StoreError("choose a kind of key", "--operator, --account, --user or --curve")
    lines, data = [], []
    for kind in kinds:
        pair = create_pair(kind)
        lines += [pair.seed, pair.public_key]
        data.append({"seed": pair.seed, "public_key": pair.public_key, "kind": kind.label})
        if options.store:
            path = session.keys.save(pair)
            session.report.ok(f"{kind.label} key stored {short_path(path)}")
    session.report.output = "\n".join(lines) + "\n"
    session.report.data = data if session.json else None


@dataclass
class GenerateContext(AccountOption):
    name: Annotated[Text, opt("--context", help="context name", ask="context name")] = ""
    user: Annotated[Text, opt("--user", "-u", help="user name")] = ""


def generate_context(session: Session, options: GenerateContext) -> None:
    """Context of the nats CLI for a user."""
    account = session.account_name(options.account)
    user = session.user_name(account, options.user)
    store = session.store()
    creds = session.keys.creds_path(store.name, account, user)
    if not creds.exists():
        raise StoreError(f"no creds file for user {user}", "run generate creds")
    name = new_name(options.name or user)
    ours = {
        "nsc": profile_url(store.name, account, user),
        "url": ",".join(store.operator().nats.operator_service_urls),
        "creds": str(creds),
    }
    with _contexts() as contexts:
        path = contexts.path(name)
        before = read_json(path) if path.exists() else {}
        kept = {field: value for field, value in before.items() if field.lower() not in ours}
        write_atomic(path, json.dumps({**kept, **ours}, indent=2))
    session.report.ok(f'wrote nats context file "{short_path(path)}"')


@contextmanager
def _contexts() -> Iterator[ContextStore]:
    """The contexts of all NATS tools, held: others change them, too."""
    from pynats_common.contexts import ContextError, ContextStore

    store = ContextStore()
    try:
        with store.changing():
            yield store
    except ContextError as error:
        raise StoreError(str(error)) from None


@dataclass
class GenerateProfile(Options):
    url: Annotated[Text, arg(help="nsc://operator/account/user?keys&seeds&names")] = ""
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"


def generate_profile(session: Session, options: GenerateProfile) -> None:
    """JSON with the creds path and service URLs, and optionally names, keys and seeds."""
    path, query = parse_profile_url(options.url)
    for store_root in query.get("store", []):
        session.env.config["store_root"] = str(Path(store_root).expanduser().absolute())
    for root in query.get("keystore", []):
        session.keys.root = Path(root).expanduser().absolute()
    store = session.store(named_in_url(path[0], operators(session.env.stores_dir)))
    operator = store.operator()
    levels = [("operator", store.name, operator.sub)]
    if len(path) > 1:
        account = session.account_name(named_in_url(path[1], store.accounts()))
        levels.append(("account", account, store.account(account).sub))
    if len(path) > 2:
        user = session.user_name(account, named_in_url(path[2], store.users(account)))
        levels.append(("user", user, store.user(account, user).sub))
    data: dict[str, Any] = {}
    if len(levels) == 3:
        data["user_creds"] = str(session.keys.creds_path(store.name, account, user))
    for level, name, public in levels:
        entry: dict[str, Any] = {}
        if level == "operator":
            entry["service"] = operator.nats.operator_service_urls

        def wanted(word: str, level: str = level) -> bool:
            return any(k in query for k in (word, f"{word}s", f"{level}{word.capitalize()}"))

        if wanted("name"):
            entry["name"] = name
        if wanted("key"):
            entry["id"] = public
        if wanted("seed"):
            pair = session.keys.get(public)
            if pair is None:
                raise StoreError(f'seed of {level} "{name}" is not stored')
            entry["seed"] = pair.seed
        if entry:
            data[level] = entry
    session.report.write(json.dumps(data, indent=2), options.output_file, "profile")
