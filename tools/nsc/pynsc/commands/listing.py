"""`list`, `env`, `select`, `validate`, `expirations`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import read_text, short_path
from pynats_common.accounts_store.store import Store, load_claims, operators
from pynats_common.commandline.declare import arg, opt
from pynats_common.jwt import Level
from pynats_common.nkeys import from_public_key

from pynsc.cli import AccountOption, KeySelection, Options, Text
from pynsc.core.audit import Audit, Finding, file_finding
from pynsc.core.session import Session
from pynsc.core.values import format_moment, parse_time, rfc3339

DAMAGED = "(damaged JWT)"


@dataclass
class ListEntities(Options):
    operator: Annotated[Text, opt("--operator", "-o", help="operator name")] = ""
    account: Annotated[Text, opt("--account", "-a", help="account name")] = ""


def list_operators(session: Session, options: ListEntities) -> None:
    current = session.env.operator
    names = operators(session.env.stores_dir)
    rows, data = [], []
    for name in names:
        claims = session.readable(Store(session.env.stores_dir / name).operator)
        key = claims.sub if claims else DAMAGED
        rows.append([name, key])
        data.append({"name": name, "public_key": key, "current": name == current})
    _list(session, "Operators", rows, data)


def list_accounts(session: Session, options: ListEntities) -> None:
    store = session.store(options.operator)
    rows, data = [], []
    for name in store.accounts():
        claims = session.readable(store.account, name)
        key = claims.sub if claims else DAMAGED
        rows.append([name, key])
        data.append({"name": name, "public_key": key, "current": name == session.env.account})
    _list(session, "Accounts", rows, data)


def list_users(session: Session, options: ListEntities) -> None:
    store = session.store(options.operator)
    account = session.account_name(options.account)
    rows, data = [], []
    for name in store.users(account):
        claims = session.readable(store.user, account, name)
        key = claims.sub if claims else DAMAGED
        rows.append([name, key])
        data.append({"name": name, "public_key": key})
    _list(session, "Users", rows, data)


def _list(session: Session, title: str, rows: list[list[str]], data: list[Any]) -> None:
    session.report.data = data if session.json else None
    current = next((n for n, item in enumerate(data) if item.get("current")), None)
    if rows:
        session.report.table(title, ["Name", "Public Key"], rows, current=current)
    else:
        session.report.table(title, [], [["No entries defined"]])


@dataclass
class Key:
    """One row of the key listing."""

    name: str
    pub: str
    parent: str
    kind: str
    depth: int
    signing: bool = False


@dataclass
class ListKeys(KeySelection):
    curve: Annotated[bool, opt("--curve", "-x", help="show curve keys")] = False
    all: Annotated[bool, opt("--all", "-A", help="all accounts and unreferenced keys")] = False
    not_referenced: Annotated[bool, opt("--not-referenced", help="keys that no JWT names")] = False
    show_seeds: Annotated[bool, opt("--show-seeds", "-S", help="print seeds")] = False


def collect_keys(session: Session, account: str = "", everything: bool = False) -> list[Key]:
    """Keys of the operator and its accounts, in the order of the tree."""
    store = session.store()
    operator = store.operator()
    keys = [Key(store.name, operator.sub, "", "operator", 0)]
    keys += [
        Key(store.name, k, operator.sub, "operator", 0, True) for k in operator.nats.signing_keys
    ]
    names = store.accounts()
    if account and not everything:
        names = [account]
    for name in names:
        claims = session.readable(store.account, name)
        if claims is None:
            continue
        keys.append(Key(name, claims.sub, operator.sub, "account", 1))
        keys += [
            Key(name, k, claims.sub, "account", 1, True) for k in claims.nats.signing_key_ids()
        ]
        if claims.nats.authorization.xkey:
            keys.append(Key(name, claims.nats.authorization.xkey, claims.sub, "curve", 1))
        for user in store.users(name):
            user_claims = session.readable(store.user, name, user)
            if user_claims is not None:
                keys.append(Key(user, user_claims.sub, claims.sub, "user", 2))
    return keys


def list_keys(session: Session, options: ListKeys) -> None:
    every = options.all or options.accounts or options.users or options.curve
    account = options.account or ("" if every else session.env.account)
    if account:
        account = session.account_name(account)
    keys = collect_keys(session, account, options.all)
    if options.all or options.not_referenced:
        known = {key.pub for key in collect_keys(session, everything=True)}
        loose = [p for p in session.keys.all_public() if p not in known]
        extra = [Key("?", p, "", from_public_key(p).prefix.label, 0) for p in loose]
        keys = extra if options.not_referenced else keys + extra
    kinds = {k for k, on in (("operator", options.operator), ("account", options.accounts),
                             ("user", options.users), ("curve", options.curve)) if on}  # fmt: skip
    keys = [k for k in keys if (not kinds or k.kind in kinds) and options.filter in k.pub
            and (not options.user or k.kind != "user" or k.name == options.user)]  # fmt: skip
    rows, data = [], []
    for key in keys:
        pair = session.keys.get(key.pub)
        stored = "*" if pair else ""
        if pair and key.kind == "curve":
            stored = "X"
        shown = pair.seed if pair and options.show_seeds else key.pub
        mark = "" if pair or not options.show_seeds else " !"
        row = [" " * key.depth + key.name + mark, shown, "*" if key.signing else ""]
        rows.append(row if options.show_seeds else [*row, stored])
        entry = {
            "name": key.name, "pub": key.pub, "parent": key.parent, "expected_kind": key.kind,
            "signing": key.signing, "curve": key.kind == "curve",
            "key_path": str(session.keys.path_of(key.pub)) if pair else "", "invalid": False,
        }  # fmt: skip
        if options.show_seeds and pair:
            entry["seed"] = pair.seed
        data.append(entry)
        if options.show_seeds and not pair:
            session.report.warn(f"seed is not stored: {key.pub}")
    if session.json:
        session.report.data = data
    elif not rows:
        session.report.note("no keys match")
    elif options.show_seeds:
        session.report.table("Seeds Keys", ["Entity", "Private Key", "Signing Key"], rows)
        session.report.note("[ ! ] seed is not stored")
    else:
        session.report.table("Keys", ["Entity", "Key", "Signing Key", "Stored"], rows)
        if any(key.name == "?" for key in keys):
            session.report.note("[?] unreferenced key - may belong to another operator")
        if any(key.kind == "curve" and key.name != "?" for key in keys):
            session.report.note("[X] auth callout encryption target")


@dataclass
class Env(Options):
    store: Annotated[Text, opt("--store", "-s", help="set the stores directory")] = ""
    operator: Annotated[Text, opt("--operator", "-o", help="set the operator")] = ""
    account: Annotated[Text, opt("--account", "-a", help="set the account")] = ""


def env(session: Session, options: Env) -> None:
    """Shows the environment, or changes the stored choice."""
    if options.store:
        path = Path(options.store).expanduser().absolute()
        if (path / ".nsc").exists():
            raise StoreError("this is an operator's directory", "give the directory above it")
        session.env.remember(store_root=str(path), operator="", account="")
    if options.operator:
        session.store(options.operator)
        session.env.remember(operator=options.operator, account="")
    if options.account:
        session.env.remember(operator=session.store().name,
                             account=session.account_name(options.account))  # fmt: skip
    e = session.env
    texts = {
        "XDG_CONFIG_HOME": "~/.config", "XDG_DATA_HOME": "~/.local/share",
        "NSC_CWD_ONLY": "If set, default operator/account from cwd only",
        "NSC_NO_GIT_IGNORE": "If set, no .gitignore files written",
        "NKEYS_PATH": short_path(e.keys_dir), "NSC_HOME": short_path(e.config_dir),
        "NATS_CA": "If set, root CAs in the referenced file will be used for nats connections\n"
                   "If not set, will default to the system trust store",
        "NATS_KEY": "If set, the tls key in the referenced file will be used for nats connections",
        "NATS_CERT": "If set, the tls cert in the referenced file will be used for nats"
                     " connections",
    }  # fmt: skip
    old = {"NKEYS_PATH", "NSC_HOME"}
    variables = [
        [
            f"${name}{' (deprecated)' if name in old else ''}",
            "Yes" if os.environ.get(name) else "No",
            os.environ.get(name) or text,
        ]
        for name, text in texts.items()
    ]
    variables.append(["Config", "", short_path(e.config_file)])
    state = [
        ["From CWD", "", "Yes" if session._from_cwd()[0] else "No"],
        ["Default Stores Dir", "", short_path(e.data_dir)],
        ["Current Store Dir", "", short_path(e.stores_dir)],
        ["Current Operator", "", e.operator],
        ["Current Account", "", e.account],
        ["Root CAs to trust", "", os.environ.get("NATS_CA") or "Default: System Trust Store"],
    ]
    session.report.table("NSC Environment", ["Setting", "Set", "Effective Value"], variables, state)
    if session.json:
        session.report.data = {row[0]: row[2] for row in (*variables, *state)}


@dataclass
class Select(Options):
    name: Annotated[Text, arg(help="name")] = ""


def select_operator(session: Session, options: Select) -> None:
    store = session.store(options.name)
    session.env.remember(operator=store.name, account="")
    session.report.ok(f'selected operator "{store.name}"')


def select_account(session: Session, options: Select) -> None:
    account = session.account_name(options.name)
    session.env.remember(operator=session.store().name, account=account)
    session.report.ok(f'selected account "{account}"')


@dataclass
class Validate(AccountOption):
    all_accounts: Annotated[bool, opt("--all-accounts", "-A", help="every account")] = False
    file: Annotated[Text, opt("--file", "-f", help="file of JWTs, one a line, or id|jwt")] = ""


def validate(session: Session, options: Validate) -> None:
    """Issues of each JWT; exits with an error if one blocks or a time check fails."""
    if options.file:
        lines = enumerate(read_text(Path(options.file).expanduser()).splitlines(), 1)
        findings = [file_finding(f"line {number}", line) for number, line in lines if line.strip()]
    else:
        store = session.store()
        audit = Audit(store, session.keys)
        findings = [audit.operator()]
        every = options.all_accounts or not (options.account or store.accounts())
        for name in store.accounts() if every else [session.account_name(options.account)]:
            findings.append(audit.account(name))
            findings += [audit.user(name, user) for user in store.users(name)]
    if any(finding.bad for finding in findings):
        session.report.error("validation found problems")
    if session.json:
        session.report.data = {
            "ok": not session.report.failed,
            "messages": [line.to_json() for line in session.report.lines],
            "results": [_finding_json(finding) for finding in findings],
        }
        return
    for finding in findings:
        rows = [
            [str(number), "" if issue.level is Level.WARNING else "!", issue.description]
            for number, issue in enumerate(finding.issues, 1)
        ]
        if rows:
            session.report.table(finding.title, ["#", " ", "Description"], rows)
        else:
            session.report.table(finding.title, [], [["No issues found"]])


def _finding_json(finding: Finding) -> dict[str, Any]:
    issues = [
        {"level": str(issue.level), "blocking": issue.blocking, "description": issue.description}
        for issue in finding.issues
    ]
    return {"kind": finding.kind, "name": finding.name, "ok": not finding.bad, "issues": issues}


@dataclass
class Expirations(Options):
    within: Annotated[Text, opt("--within", "-e", help="what expires within, such as 1M")] = "1M"
    skip: Annotated[bool, opt("--skip", help="leave out what never expires")] = False


def expirations(session: Session, options: Expirations) -> None:
    """Expiry of every JWT and creds file of the operator."""
    store, limit, now = session.store(), parse_time(options.within), int(time.time())
    rows, data = [], []
    for resource, claims in sorted(_resources(session, store), key=lambda e: e[1].exp or 2**62):
        if options.skip and not (claims.exp and claims.exp <= limit):
            continue
        expired = bool(claims.exp) and claims.exp < now
        moment = format_moment(claims.exp, now)
        rows.append(["Yes" if expired else "No", resource, moment or "Never"])
        data.append({"resource": resource, "id": claims.sub,
                     "when": moment.rpartition(" - ")[2] or "Never", "expiry": claims.exp,
                     "expiration_date": rfc3339(claims.exp),
                     "expires_soon": bool(claims.exp) and claims.exp <= limit,
                     "expired": expired})  # fmt: skip
    if session.json:
        session.report.data = {"expiration_threshold": rfc3339(limit), "report": data}
    elif rows:
        words = format_moment(limit, now).rpartition(" - ")[2]
        header = ["Expired", "Resource", "Expiration"]
        session.report.table(f"Expiration Report ({words})", header, rows)
    else:
        session.report.ok(f"nothing expires within {options.within}")


def _resources(session: Session, store: Store) -> Iterator[tuple[str, jwt.Claims]]:
    """Names and claims of all JWTs, also those in creds files, which may be older."""
    yield store.name, store.operator()
    for account in store.accounts():
        yield f"{store.name}/{account}", store.account(account)
        for user in store.users(account):
            yield f"{store.name}/{account}/{user}", store.user(account, user)
            creds = session.keys.creds_path(store.name, account, user)
            if creds.exists():
                yield str(creds), load_claims(jwt.UserClaims, creds)
