"""`generate` config, creds, nkey, context, profile and diagrams."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from pynats_common.creds import encode_creds
from pynats_common.nkeys import Prefix, create_pair, is_valid_public

from pynsc.cli import AccountOption, Options, Text, arg, opt
from pynsc.core.errors import NscError
from pynsc.core.files import read_text, write_atomic
from pynsc.core.session import Session, short_path


@dataclass
class GenerateConfig(Options):
    mem_resolver: Annotated[bool, opt("--mem-resolver", help="all accounts in the config")] = False
    nats_resolver: Annotated[bool, opt("--nats-resolver", help="full NATS resolver")] = False
    nats_resolver_cache: Annotated[
        bool, opt("--nats-resolver-cache", help="caching NATS resolver")
    ] = False
    config_file: Annotated[Text, opt("--config-file", help="file, -- is stdout")] = "--"
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
    store = session.store()
    if [options.mem_resolver, options.nats_resolver, options.nats_resolver_cache].count(True) > 1:
        raise NscError("choose one resolver", "--mem-resolver, --nats-resolver or -cache")
    operator = store.operator()
    system = _system_account(session, options.sys_account)
    names = store.accounts()
    lines = [
        f"# Operator named {store.name}",
        f"operator: {read_text(store.operator_path()).strip()}",
    ]
    nats = options.nats_resolver or options.nats_resolver_cache
    if nats and not system:
        raise NscError("the NATS resolver needs a system account",
                       "run edit operator --system-account NAME")  # fmt: skip
    if system:
        lines += [
            f"# System Account named {store.account_named(system)}",
            f"system_account: {system}",
        ]
    if nats:
        lines += ["", _FULL if options.nats_resolver else _CACHE]
        names = [store.account_named(system)] if store.account_named(system) else []
    else:
        lines += ["", "resolver: MEMORY", ""]
    lines.append("# Preload the nats based resolver with the system account jwt." if nats else
                 "# Accounts")  # fmt: skip
    lines.append("resolver_preload: {")
    for name in names:
        claims = store.account(name)
        if not operator.did_sign(claims):
            session.report.warn(f'account "{name}" is not signed by the operator')
        token = read_text(store.account_path(name)).strip()
        lines += [f"  # Account {json.dumps(name)}", f"  {claims.sub}: {token}", ""]
    lines += ["}", ""]
    path = Path(options.config_file).expanduser()
    if options.config_file != "--" and path.exists() and not options.force:
        raise NscError(f"{path} exists", "use --force to overwrite it")
    session.report.write("\n".join(lines), options.config_file, "server configuration")


def _system_account(session: Session, name: str) -> str:
    store = session.store()
    if name:
        return name if is_valid_public(name, Prefix.ACCOUNT) else store.account(name).sub
    system = store.operator().nats.system_account
    if not system and "SYS" in store.accounts():
        system = store.account("SYS").sub
    return system


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
        raise NscError(f'key of user "{user}" is not stored', "import it with import keys")
    token = read_text(session.store().user_path(account, user)).strip()
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
        raise NscError("choose a kind of key", "--operator, --account, --user or --curve")
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
    import os

    from pynsc.core.values import check_name

    account = session.account_name(options.account)
    user = session.user_name(account, options.user)
    store = session.store()
    creds = session.keys.creds_path(store.name, account, user)
    if not creds.exists():
        raise NscError(f"no creds file for user {user}", "run generate creds")
    name = check_name(options.name or user)
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = base / "nats" / "context" / f"{name}.json"
    data: dict[str, Any] = json.loads(read_text(path)) if path.exists() else {}
    data["nsc"] = f"nsc://{store.name}/{account}/{user}"
    data["url"] = ",".join(store.operator().nats.operator_service_urls)
    data["creds"] = str(creds)
    write_atomic(path, json.dumps(data, indent=2))
    session.report.ok(f'wrote nats context file "{short_path(path)}"')


@dataclass
class GenerateProfile(Options):
    url: Annotated[Text, arg(help="nsc://operator/account/user?keys&seeds&names")] = ""
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"


def generate_profile(session: Session, options: GenerateProfile) -> None:
    """JSON with the creds path, service urls, and on request names, keys and seeds."""
    parts = urlsplit(options.url)
    if parts.scheme != "nsc" or not parts.netloc:
        raise NscError("not a profile url", "use nsc://operator[/account[/user]][?query]")
    query = parse_qs(parts.query, keep_blank_values=True)
    for store_root in query.get("store", []):
        session.env.config["store_root"] = str(Path(store_root).expanduser().absolute())
    for root in query.get("keystore", []):
        session.keys.root = Path(root).expanduser().absolute()
    store = session.store(parts.netloc)
    path = [part for part in parts.path.split("/") if part]
    operator = store.operator()
    levels = [("operator", store.name, operator.sub)]
    if path:
        account = session.account_name(path[0])
        levels.append(("account", account, store.account(account).sub))
    if len(path) > 1:
        user = session.user_name(account, path[1])
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
                raise NscError(f'seed of {level} "{name}" is not stored')
            entry["seed"] = pair.seed
        if entry:
            data[level] = entry
    session.report.write(json.dumps(data, indent=2), options.output_file, "profile")


@dataclass
class Diagram(Options):
    detail: Annotated[bool, opt("--detail", help="more detail")] = False
    output_file: Annotated[Text, opt("--output-file", "-o", help="file, -- is stdout")] = "--"
    show_keys: Annotated[bool, opt("--show-keys", help="show public keys")] = False
    users: Annotated[bool, opt("--users", help="show users")] = False


def diagram_component(session: Session, options: Diagram) -> None:
    """PlantUML: accounts as components, exports as interfaces, imports as arrows."""
    store = session.store()
    lines = ["@startuml", f"title Component Diagram of Accounts - Operator {store.name}"]
    known = {store.account(name).sub: name for name in store.accounts()}
    for public, name in known.items():
        claims = store.account(name)
        lines.append(f'component "{name}" as {public}')
        for number, export in enumerate(claims.nats.exports):
            privacy = "private" if export.token_req else "public"
            lines.append(f'interface "{export.type} {export.subject}" as e{number}_{public}')
            lines.append(f"{public} -- e{number}_{public} : {privacy}")
            if options.detail and export.description:
                lines.append(f"note right of e{number}_{public} : {export.description}")
    for public, name in known.items():
        for item in store.account(name).nats.imports:
            if item.account not in known:
                lines.append(f'component "{item.account[:12]}" as {item.account}')
            lines.append(f'{public} ..> {item.account} : {item.type} "{item.subject}"')
    session.report.write("\n".join([*lines, "@enduml", ""]), options.output_file, "diagram")


def diagram_object(session: Session, options: Diagram) -> None:
    """PlantUML: operator, accounts and users as objects."""
    store = session.store()
    operator = store.operator()
    lines = ["@startuml", f"title Object Diagram - Operator {store.name}",
             f'object "{store.name}" as {operator.sub} <<operator>>']  # fmt: skip
    for name in store.accounts():
        claims = store.account(name)
        lines.append(f'object "{name}" as {claims.sub} <<account>>')
        if options.show_keys:
            lines += [f"{claims.sub} : key = {claims.sub}"]
            lines += [
                f"{claims.sub} : signing key = {key}" for key in claims.nats.signing_key_ids()
            ]
        lines.append(f"{operator.sub} *-- {claims.sub}")
        for user in store.users(name) if options.users else []:
            public = store.user(name, user).sub
            lines += [f'object "{user}" as {public} <<user>>', f"{claims.sub} *-- {public}"]
    session.report.write("\n".join([*lines, "@enduml", ""]), options.output_file, "diagram")
