"""`push` and `pull`: account JWTs to and from servers ($SYS) or an account server (http)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.nkeys import Prefix, is_valid_public

from pynsc.cli import Text, TlsOptions, opt
from pynsc.core.client import run_client, system_identity
from pynsc.core.errors import NscError
from pynsc.core.files import read_text
from pynsc.core.managed import fetch
from pynsc.core.report import ERR, OK, WARN, Line
from pynsc.core.session import Session
from pynsc.core.store import parse_claims

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
        int, opt("--timeout", help="seconds to wait for servers, 1-60", min=1, max=60)
    ] = 1


def _url(session: Session, given: str) -> str:
    operator = session.store().operator().nats
    url = given or operator.account_server_url or next(iter(operator.operator_service_urls), "")
    if not url:
        raise NscError("no account server url", "use -u, or edit operator --account-jwt-server-url")
    return url


def push(session: Session, options: Push) -> None:
    if [options.diff, options.prune, bool(options.account_removal)].count(True) > 1:
        raise NscError("--diff, --prune and --account-removal exclude each other")
    store, url = session.store(), _url(session, options.account_jwt_server_url)
    manages = options.diff or options.prune or options.account_removal
    names = store.accounts() if options.all else []
    if (not names and not manages) or options.account:
        names = [session.account_name(options.account)]
    if url.startswith(("http://", "https://")):
        if manages:
            raise NscError("--diff, --prune and -R need a nats:// url")
        for name in names:
            _push_http(session, url, name, options.force)
        return
    token, pair = system_identity(session, options.system_account, options.system_user)
    system = options.system_account or store.account_named(store.operator().nats.system_account)
    title = f'push to nats-server "{url}" using system account "{system}":'
    names = [name for name in names if _pushable(session, name, options.force)]

    async def work(client: Any) -> None:
        if names:
            await _push_all(session, client, names, options.timeout, title)
        if manages:
            await _manage(session, client, options)

    run_client([url], token, pair, work, options)


async def _push_all(
    session: Session, client: Any, names: list[str], timeout_s: int, title: str
) -> None:
    top = session.report.ok(title)
    for name in names:
        line = top.add(OK, f"push {name} to nats-server with nats account resolver:")
        text = read_text(session.store().account_path(name)).strip()
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


def _push_http(session: Session, url: str, name: str, force: bool) -> None:
    if not session.store().managed and not _pushable(session, name, force):
        return
    store = session.store()
    claims = store.account(name)
    text = read_text(store.account_path(name)).strip()
    fetch(f"{url.rstrip('/')}/accounts/{claims.sub}", text.encode())
    session.report.ok(f'pushed account "{name}" to the account server')
    if store.managed:
        pull_http(session, url, name)


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
        raise NscError("refusing to delete the system account")
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
    store, url = session.store(), _url(session, options.account_jwt_server_url)
    if url.startswith(("http://", "https://")):
        names = store.accounts() if options.all else [session.account_name(options.account)]
        for name in names:
            pull_http(session, url, name, options.overwrite_newer)
        return
    token, pair = system_identity(session, options.system_account, options.system_user)

    async def work(client: Any) -> None:
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox)
        await client.publish(PACK, b"", reply=inbox)
        while True:
            message = await subscription.next_msg(timeout=5)
            if not message.data:
                break
            _, _, text = message.data.decode("utf-8", "replace").partition("|")
            _store_pulled(session, text.strip(), options)

    run_client([url], token, pair, work, options)


def _store_pulled(session: Session, text: str, options: Pull) -> None:
    from pynsc.core.values import check_name

    claims = parse_claims(jwt.AccountClaims, text, "pulled JWT")
    store = session.store()
    if not store.operator().did_sign(claims):
        session.report.warn(f"ignored account {claims.sub}: not signed by this operator")
        return
    name = store.account_named(claims.sub) or check_name(claims.name)
    if options.account and name != options.account:
        return
    if name in store.accounts():
        mine = store.account(name)
        if mine.sub != claims.sub:
            session.report.error(f'account "{name}" exists here with another key; not replaced')
            return
        if mine.iat > claims.iat and not options.overwrite_newer:
            session.report.warn(f'local account "{name}" is newer; kept (-F replaces it)')
            return
    store.save_account(name, text)
    session.report.ok(f'pulled account "{name}"')


def pull_http(session: Session, url: str, name: str, overwrite_newer: bool = True) -> None:
    """Fetches one account from an account server, verifies its issuer, and stores it."""
    store = session.store()
    mine = store.account(name)
    text = fetch(f"{url.rstrip('/')}/accounts/{mine.sub}").strip()
    claims = parse_claims(jwt.AccountClaims, text, "pulled JWT")
    if claims.sub != mine.sub or not store.operator().did_sign(claims):
        raise NscError("the account server returned a JWT that the operator did not sign for it")
    if mine.iat > claims.iat and not overwrite_newer:
        session.report.warn(f'local account "{name}" is newer; kept (-F replaces it)')
        return
    store.save_account(name, text)
    session.report.ok(f'pulled account "{name}" from the account server')
