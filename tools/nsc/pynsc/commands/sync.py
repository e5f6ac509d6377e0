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
from pynsc.core.report import Line
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

    async def work(client: Any) -> None:
        if manages:
            await _manage(session, client, options)
        for name in names:
            if not _pushable(session, name, options.force):
                continue
            text = read_text(store.account_path(name)).strip()
            answers = await _gather(client, UPDATE, text.encode(), options.timeout)
            _record(session, f'push "{name}" to nats-server', answers)

    run_client([url], token, pair, work, options)


def _pushable(session: Session, name: str, force: bool) -> bool:
    """Whether servers would take this account; the reasons are reported."""
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


async def _gather(client: Any, subject: str, payload: bytes, timeout: int) -> list[dict[str, Any]]:
    """Answers of all servers that come within `timeout` seconds."""
    answers: list[dict[str, Any]] = []
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    await client.publish(subject, payload, reply=inbox)
    deadline = asyncio.get_running_loop().time() + timeout
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


def _record(session: Session, title: str, answers: list[dict[str, Any]]) -> list[str]:
    """One line per action with one child per server; the account ids of LIST answers."""
    line = session.report.ok(title)
    ids: list[str] = []
    if not answers:
        line.level, line.text = "ERR", f"{title}: no server with a NATS resolver answered"
    for answer in answers:
        server = (answer.get("server") or {}).get("name", "?")
        error, data = answer.get("error"), answer.get("data")
        if error:
            text = error.get("description") if isinstance(error, dict) else str(error)
            line.level = "ERR"
            line.children.append(Line("ERR", f"{server}: {text}"))
        elif isinstance(data, list):
            ids += [item for item in data if isinstance(item, str)]
        elif isinstance(data, dict):
            line.children.append(Line("OK", f"{server}: {data.get('message', 'done')}"))
    return ids


async def _manage(session: Session, client: Any, options: Push) -> None:
    store = session.store()
    local = {store.account(name).sub: name for name in store.accounts()}
    if options.account_removal:
        text = options.account_removal
        doomed = [text if is_valid_public(text, Prefix.ACCOUNT) else store.account(text).sub]
    else:
        answers = await _gather(client, LIST, b"", options.timeout)
        remote = set(_record(session, "list accounts on nats-server", answers))
        if not answers:
            return
        doomed = sorted(remote - set(local))
        for public in doomed:
            session.report.note(f"only on the server: {public}")
        for public in sorted(set(local) - remote):
            session.report.note(f'only here: "{local[public]}" {public}')
        if options.diff:
            return
    if store.operator().nats.system_account in doomed:
        raise NscError("refusing to delete the system account")
    if not doomed:
        session.report.ok("nothing to prune")
        return
    signer = session.operator_signer()
    request = jwt.GenericClaims(sub=store.operator().sub, nats={"accounts": doomed})
    token = jwt.encode(request, signer)
    answers = await _gather(client, DELETE, token.encode(), options.timeout)
    _record(session, f"delete {len(doomed)} account(s) on nats-server", answers)


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
    """Fetch one account from an account server, verify who signed it, and store it."""
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
