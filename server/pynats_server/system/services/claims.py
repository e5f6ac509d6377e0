"""The JWTs of accounts: operators push and delete them, servers and tools look them up.

Which of these a server answers depends on its resolver: one with all JWTs answers everything, one
with some of them no look-ups; the others learn of claims of accounts that are in use, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import msgspec
from pynats_common.go.errno import error_text
from pynats_common.go.text import clean

from pynats_server.operator import ClaimedAccounts, ClaimsError
from pynats_server.resolver.directory.full import FullResolver
from pynats_server.resolver.directory.merging import NotValid, Refused, account_of
from pynats_server.resolver.directory.packs import line_of
from pynats_server.resolver.directory.resolver import DirectoryResolver
from pynats_server.resolver.directory.store import AT_ONCE
from pynats_server.resolver.memory import MemoryResolver
from pynats_server.said.json import compact
from pynats_server.system.services.context import FAILED, Context, Deed, Say
from pynats_server.system.services.deletions import deletion_of
from pynats_server.system.services.request import Request, Silence
from pynats_server.work import Steps

T = TypeVar("T")
DONE: Final = 200
NOBODY: Final = "n/a"
SLOWER_S: Final = 0.02  # between looks at a client that does not keep up with a pack


class Updated(msgspec.Struct, kw_only=True):
    account: str
    code: int
    message: str


class Refusal(msgspec.Struct, kw_only=True):
    account: str
    code: int
    description: str


class Deleted(msgspec.Struct, kw_only=True):
    code: int
    message: str


class NotDeleted(msgspec.Struct, kw_only=True):
    code: int
    description: str


def _awaited(work: Coroutine[Any, Any, T]) -> Steps[T]:
    task = asyncio.get_running_loop().create_task(work)
    yield task
    return task.result()


# -- pushes --------------------------------------------------------------------------------------


class _Push:
    """One request to take over a claim. `what` is how texts call it."""

    def __init__(self, context: Context, request: Request, say: Say, what: str) -> None:
        self._context = context
        self._say = say
        self.what = what
        self.account = request.account  # that the subject names; empty = none
        self.token = request.payload.decode("utf-8", "replace").strip("\r\n")

    def succeed(self, account: str, message: str) -> None:
        """It was taken over, or need not be."""
        self._context.state.log.debug(f"{message} - {account}")
        told = compact(Updated(account=account, code=DONE, message=message))
        self._say(self._context.envelope([told]))

    def fail(self, account: str, text: str, how: str = "resulted in error") -> None:
        """It was not, and the claim that was there stays."""
        self._tell(account, f"{self.what} {how} - {text}")

    def fail_for(self, error: Refused, account: str) -> None:
        """The same, in the words for what is wrong with it."""
        if isinstance(error, NotValid):
            self._tell(account, str(error))
        else:
            self.fail(account, str(error))

    def _tell(self, account: str, text: str) -> None:
        account = clean(account)
        what, _, why = text.partition(" - ")
        self._context.state.log.error(f"{what} - {account} - {why}")
        error = Refusal(account=account, code=FAILED, description=text)
        self._say(b'{"server":%b,"error":%b}' % (self._context.block.next(), compact(error)))


def _update(context: Context, request: Request, say: Say) -> Steps[None]:
    resolver = context.state.resolver
    if isinstance(resolver, DirectoryResolver):
        yield from _update_file(context, request, say, resolver)
    else:
        yield from _update_account(context, request, say)


def _update_file(
    context: Context, request: Request, say: Say, resolver: DirectoryResolver
) -> Steps[None]:
    is_full = isinstance(resolver, FullResolver)
    what = "jwt update" if is_full else "jwt update cache"
    push = _Push(context, request, say, what)
    account = NOBODY
    try:
        claims = yield from _awaited(resolver.store.run(account_of, push.token))
        account = claims.sub
        if push.account and push.account != account:
            push.fail(push.account, "subject does not match jwt content")
            return
        if not is_full and _find(context, account) is None:
            push.succeed(account, f"{what} skipped")
            return
        yield from _awaited(resolver.update(account, push.token))
    except Refused as error:
        push.fail_for(error, account)
    except OSError as error:
        push.fail(account, error_text(error))
    else:
        push.succeed(account, "jwt updated" if is_full else "jwt updated cache")


def _update_account(context: Context, request: Request, say: Say) -> Steps[None]:
    """Where no folder is: of an account that is in use."""
    push = _Push(context, request, say, "jwt update")
    if not request.payload:
        push.fail(push.account, "request body is empty", "error")
        return
    loop = asyncio.get_running_loop()
    try:
        claims = yield from _awaited(_run(loop, account_of, push.token))
        if claims.sub != push.account:
            raise Refused("subject does not match jwt content")
        accounts = context.state.claimed
        if accounts is None or accounts.find(push.account) is None:
            push.succeed(push.account, "jwt update skipped")
            return
        yield from _awaited(_run(loop, _check, accounts, push))
        accounts.update(push.account, push.token)
    except Refused as error:
        push.fail(push.account, str(error))
        return
    resolver = context.state.resolver
    if isinstance(resolver, MemoryResolver):
        resolver.keep(push.account, push.token)
    push.succeed(push.account, "jwt updated")


async def _run(loop: asyncio.AbstractEventLoop, function: Callable[..., T], *args: object) -> T:
    return await loop.run_in_executor(None, function, *args)


def _check(accounts: ClaimedAccounts, push: _Push) -> None:
    """Raises Refused unless the claim may take the place of the one that is in use."""
    try:
        claims = accounts.check(push.token)
    except ClaimsError:
        raise Refused("account validation failed") from None
    found = accounts.find(push.account)
    if found is not None and claims.iat < found.claims.iat:
        raise Refused("a newer jwt is in use")


def _find(context: Context, account: str) -> Any | None:
    accounts = context.state.claimed
    return accounts.find(account) if accounts is not None else None


# -- what there is -------------------------------------------------------------------------------


def _directory(context: Context) -> DirectoryResolver:
    resolver = context.state.resolver
    if not isinstance(resolver, DirectoryResolver):
        raise Silence
    return resolver


def _look_up(context: Context, request: Request, say: Say) -> Steps[None]:
    """The JWT itself; nothing, but an answer, if there is none."""
    from pynats_server.resolver.base import is_account

    resolver = _directory(context)
    if request.source is None or not is_account(request.account):
        raise Silence  # this server asks others, or nobody could have such an account
    try:
        text = yield from _awaited(resolver.store.get(request.account))
    except OSError as error:
        context.state.log.error(f"DirResolver - {request.account}: {error_text(error)}")
        text = ""
    if not text:
        context.state.log.debug(f'DirResolver - Could not find account "{request.account}"')
    say(text.encode())


def _list(context: Context, request: Request, say: Say) -> Steps[None]:
    names = list(_directory(context).accounts())
    parts = []
    for start in range(0, len(names), 512):
        parts.append(compact(list(map(clean, names[start : start + 512])))[1:-1])
        yield None
    context.state.log.debug(f"list request responded with {len(names)} account ids")
    say(b'{"data":[%b],"server":%b}' % (b",".join(parts), context.block.next()))


def _pack(context: Context, request: Request, say: Say) -> Steps[None]:
    """All JWTs, each in a message; an empty one is the end. The digest of the same JWTs in the
    request is answered with the end alone."""
    resolver = _directory(context)
    if request.source is None:
        return  # it is this server that asks
    store, log = resolver.store, context.state.log
    digest = yield from _awaited(store.digest())
    if request.payload == digest:
        log.debug(f"DirResolver - Pack request matches hash {digest.hex()}")
        say(b"")
        return
    names = list(resolver.accounts())
    for start in range(0, len(names), AT_ONCE):
        found = yield from _awaited(store.read_all(names[start : start + AT_ONCE]))
        for account, text in found:
            if line := line_of(account, text):
                say(line)
        while request.source.pending_bytes > context.state.options.max_pending // 2:
            yield from _awaited(asyncio.sleep(SLOWER_S))
    asked = request.payload[:32].hex()
    log.debug(f"DirResolver - Pack request hash {asked} - finished responding with hash "
              f"{digest.hex()}")  # fmt: skip
    say(b"")


# -- deletions -----------------------------------------------------------------------------------


def _delete(context: Context, request: Request, say: Say) -> Steps[None]:
    resolver, accounts = _directory(context), context.state.claimed
    if accounts is None:
        raise Silence
    asked, fault = deletion_of(
        request.payload,
        accounts.trust.is_trusted,
        resolver.deletes,
        context.state.system_account.name,
    )
    if not fault:
        try:
            yield from _awaited(resolver.delete(asked.accounts))
        except OSError as error:
            fault = error_text(error)
    if fault:
        text = f"delete accounts request by {asked.by} failed - {fault}"
        context.state.log.error(text)
        told = compact(NotDeleted(code=FAILED, description=text))
        say(b'{"server":%b,"error":%b}' % (context.block.next(), told))
        return
    text = f"deleted {len(asked.accounts)} accounts"
    context.state.log.debug(text)
    say(context.envelope([compact(Deleted(code=DONE, message=text))]))


CLAIMS: Final[dict[str, Deed]] = {
    "CLAIMS UPDATE": Deed(_update),
    "CLAIMS LOOKUP": Deed(_look_up),
    "CLAIMS LIST": Deed(_list),
    "CLAIMS PACK": Deed(_pack),
    "CLAIMS DELETE": Deed(_delete),
}
