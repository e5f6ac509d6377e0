"""`push` and `pull`: account JWTs to and from servers ($SYS) or an account server (http)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.store import load_token, parse_claims
from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import INTEGER, in_range
from pynats_common.creds import CredsError, extract_jwt
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import Text, TlsOptions
from pynsc.core.client import run_client, system_identity
from pynsc.core.managed import account_servers, are_http, fetch_first
from pynsc.core.report import ERR, OK, WARN, Line
from pynsc.core.session import Session
from pynsc.core.values import new_name

PULL_TIMEOUT_S = 5

UPDATE, LIST, DELETE, PACK = (
    f"$SYS.REQ.CLAIMS.{verb}" for verb in ("UPDATE", "LIST", "DELETE", "PACK")
)


@dataclass
class Push(TlsOptions):
    all: Annotated[bool, opt("--all", "-A", help="every account")] = False
    account: Annotated[Text, opt("--account", "-a", help="account name")] = ""
    force: Annotated[bool, opt("--force", "-F", help="push despite problems")] = False
    account_jwt_server_url: Annotated[
        Text, opt("--account-jwt-server-url", "-u", help="server url")
    ] = ""
    diff: Annotated[bool, opt("--diff", "-D", help="compare with the servers")] = False
    prune: Annotated[bool, opt("--prune", "-P", help="delete accounts that are not here")] = False
    account_removal: Annotated[Text, opt("--account-removal", "-R", help="delete this account")] = (
        ""
    )
    system_account: Annotated[Text, opt("--system-account", help="system account name")] = ""
    system_user: Annotated[Text, opt("--system-user", help="system user name")] = ""
    timeout: Annotated[
        int,
        opt("--timeout", help="seconds to wait for servers", kind=in_range(INTEGER, 1, 60)),
    ] = 1


def _urls(session: Session, given: str) -> list[str]:
    """The given servers, else the operator's account servers, else its nats-servers."""
    operator = session.store().operator().nats
    found = given or operator.account_server_url or ",".join(operator.operator_service_urls)
    urls = account_servers(found)
    if not urls:
        raise StoreError(
            "no account server url", "use -u, or edit operator --account-jwt-server-url"
        )
    return urls


def push(session: Session, options: Push) -> None:
    if [options.diff, options.prune, bool(options.account_removal)].count(True) > 1:
        raise StoreError("--diff, --prune and --account-removal exclude each other")
    store, urls = session.store(), _urls(session, options.account_jwt_server_url)
    manages = options.diff or options.prune or options.account_removal
    names = store.accounts() if options.all else []
    if (not names and not manages) or options.account:
        names = [session.account_name(options.account)]
    if are_http(urls):
        if manages:
            raise StoreError("--diff, --prune and -R need a nats:// url")
        for name in names:
            with _told(session, f'account "{name}"', options.all):
                _push_http(session, urls, name, options.force)
        return
    token, pair = system_identity(session, options.system_account, options.system_user)
    system = options.system_account or store.account_named(store.operator().nats.system_account)
    title = f'push to nats-server "{", ".join(urls)}" using system account "{system}":'
    names = [name for name in names if _pushable(session, name, options.force)]

    async def work(client: Any) -> None:
        if names:
            await _push_all(session, client, names, options.timeout, title)
        if manages:
            await _manage(session, client, options)

    run_client(urls, token, pair, work, options)


@contextmanager
def _told(session: Session, what: str, others: bool) -> Iterator[None]:
    """Reports a failure where others are still worth a try."""
    try:
        yield
    except StoreError as error:
        if not others:
            raise
        session.report.error(f"{what}: {error}")


async def _push_all(
    session: Session, client: Any, names: list[str], timeout_s: int, title: str
) -> None:
    top = session.report.ok(title)
    for name in names:
        line = top.add(OK, f"push {name} to nats-server with nats account resolver:")
        text = load_token(session.store().account_path(name))
        answers = await _gather(client, UPDATE, text.encode(), timeout_s)
        _record(line, answers, f'pushed "{name}" to nats-server')
        if answers:
            line.add(OK, f"pushed to a total of {len(answers)} nats-server")
        if line.level == ERR:
            top.level = ERR


def _pushable(session: Session, name: str, force: bool) -> bool:
    """Whether servers would accept this account; reports the reasons."""
    store = session.store()
    claims = store.account(name)
    problems = [i.description for i in jwt.validate(claims) if i.level is not jwt.Level.WARNING]
    if not store.operator().did_sign(claims):
        problems.append("not signed by the operator")
    for problem in problems:
        line = f'account "{name}": {problem}'
        _ = (
            session.report.warn(line)
            if force
            else session.report.error(line + " (-F pushes anyway)")
        )
    return force or not problems


def _push_http(session: Session, urls: list[str], name: str, force: bool) -> None:
    if not session.store().managed and not _pushable(session, name, force):
        return
    store = session.store()
    claims = store.account(name)
    text = load_token(store.account_path(name))
    fetch_first(urls, f"accounts/{claims.sub}", text.encode())
    session.report.ok(f'pushed account "{name}" to the account server')
    if store.managed:
        pull_http(session, urls, name)


async def _gather(
    client: Any, subject: str, payload: bytes, timeout_s: int
) -> list[dict[str, Any]]:
    """Answers of all servers that come within `timeout_s` seconds."""
    answers: list[dict[str, Any]] = []
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    await client.publish(subject, payload, reply=inbox)
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        try:
            message = await subscription.next_msg(timeout=left)
        except Exception as error:
            if "timeout" in str(error).lower() or not str(error):
                break
            raise
        if message.headers and message.headers.get("Status") == "503":
            break
        try:
            value = json.loads(message.data)
        except ValueError:
            continue
        if isinstance(value, dict):
            answers.append(value)
    return answers


def _record(line: Line, answers: list[dict[str, Any]], words: str) -> None:
    """Shows each server's answer below `line`."""
    if not answers:
        line.add(ERR, "no server with a nats account resolver answered")
    for answer in answers:
        server, data = _server(answer), answer.get("data")
        failure = _failure(answer)
        if failure:
            line.add(ERR, f"{words} {server}: {failure}")
        elif isinstance(data, dict):
            line.add(OK, f"{words} {server}: {data.get('message', 'done')}")


def _server(answer: dict[str, Any]) -> str:
    return str((answer.get("server") or {}).get("name", "?"))


def _failure(answer: dict[str, Any]) -> str:
    error = answer.get("error")
    if not error:
        return ""
    return str(error.get("description") if isinstance(error, dict) else error)


async def _manage(session: Session, client: Any, options: Push) -> None:
    """Deletes on the servers the accounts that are not in the store, or those that were named."""
    store = session.store()
    local = {store.account(name).sub: name for name in store.accounts()}
    verb = "diff" if options.diff else "prune"
    top = session.report.ok(f"{verb} nats-server with nats account resolver:")
    if options.account_removal:
        text = options.account_removal
        doomed = [text if is_valid_public(text, Prefix.ACCOUNT) else store.account(text).sub]
    else:
        answers = await _gather(client, LIST, b"", options.timeout)
        remote = _list(top, answers, local)
        if options.diff or not answers:
            return
        doomed = sorted(remote - set(local))
    if store.operator().nats.system_account in doomed:
        raise StoreError("refusing to delete the system account")
    if not doomed:
        top.add(OK, "nothing to prune")
        return
    signer = session.operator_signer()
    request = jwt.GenericClaims(sub=store.operator().sub, nats={"accounts": doomed})
    token = jwt.encode(request, signer)
    _record(top, await _gather(client, DELETE, token.encode(), options.timeout),
            "pruned nats-server")  # fmt: skip


def _list(top: Line, answers: list[dict[str, Any]], local: dict[str, str]) -> set[str]:
    """Shows for each server which of all known accounts it has and which are missing."""
    remote: set[str] = set()
    if not answers:
        top.add(ERR, "no server with a nats account resolver answered")
    for answer in answers:
        server, data = _server(answer), answer.get("data")
        if _failure(answer) or not isinstance(data, list):
            top.add(ERR, f"list accounts from nats-server {server}: {_failure(answer) or 'none'}")
            continue
        ids = {item for item in data if isinstance(item, str)}
        remote |= ids
        line = top.add(OK, f"list {len(ids)} accounts from nats-server {server}:")
        for public in sorted(ids):
            if public in local:
                line.add(OK, f"account {public} named {local[public]} exists")
            else:
                line.add(WARN, f"account {public} only exists in server")
        for public in sorted(set(local) - ids):
            line.add(WARN, f"account {public} named {local[public]} does not exist in server")
    if answers:
        top.add(OK, f"listed accounts from a total of {len(answers)} nats-server")
    return remote


@dataclass
class Pull(TlsOptions):
    all: Annotated[bool, opt("--all", "-A", help="every account")] = False
    account: Annotated[Text, opt("--account", "-a", help="account name")] = ""
    account_jwt_server_url: Annotated[
        Text, opt("--account-jwt-server-url", "-u", help="server url")
    ] = ""
    overwrite_newer: Annotated[
        bool, opt("--overwrite-newer", "-F", help="replace newer local JWTs")
    ] = False
    system_account: Annotated[Text, opt("--system-account", help="system account name")] = ""
    system_user: Annotated[Text, opt("--system-user", help="system user name")] = ""


def pull(session: Session, options: Pull) -> None:
    store, urls = session.store(), _urls(session, options.account_jwt_server_url)
    if are_http(urls):
        if options.all:
            _pull_operator(session, urls, options.overwrite_newer)
        names = store.accounts() if options.all else [session.account_name(options.account)]
        for name in names:
            with _told(session, f'account "{name}"', options.all):
                pull_http(session, urls, name, options.overwrite_newer)
        return
    wanted = "" if options.all or not options.account else session.account_name(options.account)
    token, pair = system_identity(session, options.system_account, options.system_user)
    found: list[str] = []

    async def work(client: Any) -> None:
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox)
        await client.publish(PACK, b"", reply=inbox)
        while True:
            try:
                message = await subscription.next_msg(timeout=PULL_TIMEOUT_S)
            except TimeoutError:
                session.report.error("the servers stopped answering: some accounts may be missing")
                break
            if (message.headers or {}).get("Status") == "503":
                raise StoreError("no server with a nats account resolver answered")
            if not message.data:
                break
            found.append(message.data.decode("utf-8", "replace").partition("|")[2].strip())

    run_client(urls, token, pair, work, options)
    for text in found:
        with _told(session, "a pulled JWT", True):
            _store_pulled(session, text, wanted, options.overwrite_newer)
    if wanted and not session.report.lines:
        raise StoreError(f'the servers have no account "{wanted}"', "push it first")


def _pull_operator(session: Session, urls: list[str], overwrite_newer: bool) -> None:
    """Fetches the operator, which says what keys may have signed the accounts."""
    store = session.store()
    try:
        text = extract_jwt(_fetch_operator(urls))
        claims = parse_claims(jwt.OperatorClaims, text, "pulled operator JWT")
    except (StoreError, CredsError) as error:
        # Not every account server has it, and who signs with its own keys does not need it.
        report = session.report.error if store.managed else session.report.warn
        report(f'operator "{store.name}": {error}')
        return
    with session.changing():
        store = session.store()
        mine = store.operator()
        if claims.sub != mine.sub:
            session.report.error(f'operator "{store.name}": the account server has another one, '
                                 f"{claims.sub}; not replaced")  # fmt: skip
        elif mine.iat > claims.iat and not overwrite_newer:
            session.report.warn(f'local operator "{store.name}" is newer; kept (-F replaces it)')
        else:
            store.save_operator(text)
            session.report.ok(f'pulled operator "{store.name}" from the account server')


def _fetch_operator(urls: list[str]) -> str:
    """The operator, in version 2 of its format where the server has both."""
    newer = [url.replace("/jwt/v1", "/jwt/v2") for url in urls]
    return fetch_first(list(dict.fromkeys([*newer, *urls])), "operator")


def _store_pulled(session: Session, text: str, wanted: str, overwrite_newer: bool) -> None:
    claims = parse_claims(jwt.AccountClaims, text, "pulled JWT")
    with session.changing():
        store = session.store()
        if not store.operator().did_sign(claims):
            session.report.warn(f"ignored account {claims.sub}: not signed by this operator")
            return
        name = store.account_named(claims.sub) or new_name(claims.name)
        if wanted and name != wanted:
            return
        if name in store.accounts():
            mine = store.account(name)
            if mine.sub != claims.sub:
                raise StoreError(f'account "{name}" exists here with another key; not replaced')
            if mine.iat > claims.iat and not overwrite_newer:
                session.report.warn(f'local account "{name}" is newer; kept (-F replaces it)')
                return
        store.save_account(name, extract_jwt(text))
        session.report.ok(f'pulled account "{name}"')


def pull_http(
    session: Session, urls: list[str], name: str, overwrite_newer: bool = True
) -> None:  # fmt: skip
    """Fetches one account from an account server, verifies its issuer, and stores it."""
    public = session.store().account(name).sub
    text = fetch_first(urls, f"accounts/{public}")
    claims = parse_claims(jwt.AccountClaims, text, "pulled JWT")
    with session.changing():
        store = session.store()
        mine = store.account(name)
        if claims.sub != mine.sub or not store.operator().did_sign(claims):
            raise StoreError("the account server returned a JWT that the operator did not sign "
                             "for it")  # fmt: skip
        if mine.iat > claims.iat and not overwrite_newer:
            session.report.warn(f'local account "{name}" is newer; kept (-F replaces it)')
            return
        store.save_account(name, extract_jwt(text))
        session.report.ok(f'pulled account "{name}" from the account server')
