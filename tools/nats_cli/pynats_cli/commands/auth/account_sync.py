"""`auth account push` and `query`: the account's JWT to and from the servers' resolver."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from pynats_common import jwt
from pynats_common.accounts_store.files import write_output
from pynats_common.accounts_store.store import Store, load_token, parse_claims
from pynats_common.commandline.declare import arg, opt
from pynats_common.nkeys import Prefix, is_valid_public
from pynats_common.records import dataclass

from pynats_cli.commands.auth.options import OperatorOption
from pynats_cli.connect.session import Session
from pynats_cli.documents import maybe_object, object_of
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.identities.account_screens import account_screen
from pynats_cli.identities.book import Book, store_errors
from pynats_cli.identities.pickers import named_account, pick_account, pick_operator
from pynats_cli.screen.output import line, show

_NO_ANSWER = (
    "server request failed, ensure the account used has system privileges and "
    "appropriate permissions"
)


@dataclass(kw_only=True)
class PushOptions(OperatorOption):
    account: Annotated[str, arg("Account to push")] = ""
    show: Annotated[bool, opt("--show", help="Show the JWT before it is pushed")] = False


async def push(session: Session, options: PushOptions) -> None:
    with store_errors():
        _book, store, name = named_account(options)
        claims, token = store.account(name), load_token(store.account_path(name))
    if options.show:
        line(f"Account JWT for {name}\n\n{token}\n")
    expected = await _count_servers(session)
    line(f"Updating account {name} ({claims.sub}) on {expected} server(s)\n")
    answers = await _gather(
        session, f"$SYS.REQ.ACCOUNT.{claims.sub}.CLAIMS.UPDATE", token.encode(), expected
    )
    failed = 0
    for answer in answers:
        who = answer.get("server") or {}
        server = who.get("name") or who.get("id") or "an unnamed server"
        error = answer.get("error")
        failed += bool(error)
        line(f"X Update failed on {server}: {_reason(error)}" if error else
             f"✓ Update completed on {server}")  # fmt: skip
    good = len(answers) - failed
    line(f"\nSuccess {good} Failed {failed} Expected {expected}")
    if failed:
        raise CliError(f"update failed on {failed}/{expected} servers")
    if good < expected:
        raise CliError(f"only {good}/{expected} servers answered")


def _reason(error: Any) -> str:
    if isinstance(error, dict):
        return str(error.get("description") or f"error {error.get('code', 0)}")
    return str(error)


async def _count_servers(session: Session) -> int:
    """How many servers there are, as one of them says."""
    message = await _request(session, "$SYS.REQ.SERVER.PING")
    answer = object_of(message.data, "the server's answer is not JSON")
    return int((answer.get("statsz") or {}).get("active_servers") or 1)


async def _request(session: Session, subject: str) -> Any:
    from nats.errors import NoRespondersError

    try:
        return await session.request(subject)
    except (TimeoutError, NoRespondersError):
        raise CliError(_NO_ANSWER) from None


async def _gather(
    session: Session, subject: str, payload: bytes, expected: int
) -> list[dict[str, Any]]:
    """Answers of the servers until all have answered, or the time is over."""
    answers: list[dict[str, Any]] = []
    inbox = session.client.new_inbox()
    subscription = await session.client.subscribe(inbox)
    await session.client.publish(subject, payload, reply=inbox)
    try:
        async with asyncio.timeout(session.options.timeout_s):
            while len(answers) < expected:
                message = await session.unless_refused(
                    subscription.next_msg(timeout=session.options.timeout_s)
                )
                if (answer := maybe_object(message.data)) is None:
                    break
                answers.append(answer)
    except TimeoutError:
        pass
    finally:
        await subscription.unsubscribe()
    return answers


@dataclass(kw_only=True)
class QueryOptions(Shown, OperatorOption):
    account: Annotated[str, arg("Account to fetch, by name or public key")]
    file: Annotated[str, arg("File to write its JWT to", placeholder="output")] = ""


async def query(session: Session, options: QueryOptions) -> None:
    with store_errors():
        store, public = _which(options)
    token = await _look_up(session, public)
    with store_errors():
        claims = parse_claims(jwt.AccountClaims, token, "the server's answer")
        if claims.sub != public:
            raise CliError(f"the server answered with another account, {claims.sub}")
        if options.file:
            write_output(Path(options.file), token)
        show(options, claims.to_json(), lambda: account_screen(store, claims, remote=True))


def _which(options: QueryOptions) -> tuple[Store | None, str]:
    """The store, unless a public key is given that it does not have, and the account's key."""
    book = Book()
    if is_valid_public(options.account, Prefix.ACCOUNT) and not options.operator:
        return None, options.account
    store = pick_operator(book, options.operator)
    return store, store.account(pick_account(store, options.account)).sub


async def _look_up(session: Session, public: str) -> str:
    message = await _request(session, f"$SYS.REQ.ACCOUNT.{public}.CLAIMS.LOOKUP")
    token = str(message.data.decode(errors="replace")).strip()
    if not token:
        raise CliError("did not receive a valid token from the server")
    return token
