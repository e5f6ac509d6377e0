"""The accounts of a server in operator mode: they come when somebody asks for them, and change when
their JWT does.

All of it runs on the loop's thread. What follows from a change is told by `followers`: who is cut
off, who has JetStream. Of thousands of accounts only those are looked at that a change concerns:
the account itself, and those that import of it when it exports something else.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from pynats_common.go.durations import format_duration_ns
from pynats_common.go.quoting import quote
from pynats_common.jwt import AccountClaims, JwtError, decode, validate
from pynats_common.nkeys import Prefix, is_valid_public

from pynats_server.log.logger import Logger
from pynats_server.operator.claims import Claimed, claimed_of
from pynats_server.operator.errors import EXPIRED, VALIDATION_FAILED, ClaimsError
from pynats_server.operator.sharing import Sharing, Taken
from pynats_server.operator.trust import Trust
from pynats_server.work import Turns, Work, call_at_time
from pynats_server.work.garbage import replaced

ASIDE_CHARS = 8 * 1024  # JWTs that are longer are checked in a thread: they take milliseconds
LINKED_AT_ONCE = 16  # importers that follow a change at once; others do in turns
LINKS_REPLACED = 256  # importers after which Python looks at what has come
PUT_AT_ONCE = 8  # accounts that come in one go
CHECKED_KEPT = 4  # long JWTs whose claims are remembered, from their check to their use

Follower = Callable[[Claimed | None, Claimed], object]  # what it was before, and what it is now


class Source(Protocol):
    """Where the JWTs are."""

    def known(self, account: str) -> str | None:
        """Without waiting, if that is possible."""
        ...

    async def fetch(self, account: str, address: str = "") -> str:
        """For somebody at that address. Raises an exception whose text says why there is none."""
        ...

    def join(self, account: str, address: str) -> None:
        """Somebody at another address waits for an account that is being fetched."""
        ...


class Host(Protocol):
    """The server that the accounts are in."""

    @property
    def turns(self) -> Turns: ...

    def adopt(self, claimed: Claimed) -> None:
        """Its name, limits, mappings and traces hold from now on."""
        ...

    def take(self, account: str, taken: Taken, changed: str = "") -> None:
        """What it imports from now on, perhaps because another account has `changed`."""
        ...


class ClaimedAccounts:
    """See above."""

    def __init__(self, trust: Trust, source: Source, host: Host, log: Logger) -> None:
        self.trust = trust
        self._source = source
        self.followers: list[Follower] = []
        self._host = host
        self._log = log
        self._known: dict[str, Claimed] = {}
        self._sharing = Sharing(log.debug)
        self._loading: dict[str, asyncio.Task[Claimed]] = {}
        self._arriving: Counter[str] = Counter()  # accounts that are being fetched
        self._overtaken: dict[str, str] = {}  # by newer JWTs meanwhile; empty = it was deleted
        self._checked: dict[str, AccountClaims] = {}  # of long JWTs
        self._expiries: dict[str, asyncio.TimerHandle] = {}  # of accounts
        self._relinks: dict[str, asyncio.TimerHandle] = {}  # when an activation JWT runs out

    # -- looking ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._known)

    def all(self) -> list[Claimed]:
        """What is loaded."""
        return list(self._known.values())

    def get(self, account: str) -> Claimed | None:
        """What is loaded, also if its time is over."""
        return self._known.get(account)

    def find(self, account: str) -> Claimed | None:
        """What is loaded and valid."""
        found = self._known.get(account)
        return found if found is not None and not found.expired else None

    def trusts(self, issuer: str) -> bool:
        """Whether this is the key of an operator that may sign accounts."""
        return self.trust.is_trusted(issuer)

    def check(self, token: str, *, times: bool = False) -> AccountClaims:
        """The claims of a JWT by somebody who is trusted; with `times`, valid today. Any thread may
        call it. Raises ClaimsError."""
        claims = self._checked.get(token)
        if claims is None:
            claims = self._read(token)
        # An activation JWT that has run out leaves its import out, and no more.
        if times and (claims.is_expired() or claims.is_not_yet_valid()):
            raise ClaimsError(VALIDATION_FAILED)
        return claims

    def _read(self, token: str) -> AccountClaims:
        try:
            claims = decode(token)
        except JwtError as error:
            raise ClaimsError(str(error)) from None
        if not isinstance(claims, AccountClaims):
            raise ClaimsError("not account claim")
        if not self.trust.is_trusted(claims.iss):
            raise ClaimsError(VALIDATION_FAILED)
        found = validate(claims)
        faults = [each.description for each in found if each.blocking]
        if faults:
            shown = " ".join(faults)
            raise ClaimsError(f"jwt validation failed - validation errors: [{shown}]")
        if len(token) > ASIDE_CHARS:
            kept = [*self._checked.items()][1 - CHECKED_KEPT :]
            self._checked = dict([*kept, (token, claims)])
        return claims

    # -- loading ------------------------------------------------------------------------------

    def load_now(self, account: str) -> Claimed | None:
        """A valid account, if nothing has to be waited for and it takes no time; else None, and
        `load` says more."""
        found = self.find(account)
        if found is not None:
            return found
        if account in self._known or not self.trust.admits(account):
            return None
        begins_ns = time.monotonic_ns()
        token = self._source.known(account)
        if token is None or len(token) > ASIDE_CHARS:
            return None
        self._tell_fetched(account, begins_ns)
        try:
            made = self._made(account, token, self.check(token, times=True))
        except ClaimsError:
            return None
        if self._unknown_exporters(made):
            return None
        self._put(made)
        return made

    async def load(self, account: str, address: str = "") -> Claimed:
        """A valid account, and with it those that it imports of, for somebody at that address
        (empty = for the server itself). Raises ClaimsError, or the error of the source."""
        found = self.find(account)
        if found is not None:
            return found
        task = self._loading.get(account)
        if task is None:
            task = asyncio.ensure_future(self._load(account, address))
            self._loading[account] = task
            task.add_done_callback(lambda done: self._loaded(account, done))
        else:
            self._source.join(account, address)
        try:
            return await asyncio.shield(task)
        finally:
            del task  # an error knows this frame: in a circle it would wait for the collector

    def _loaded(self, account: str, task: asyncio.Task[Claimed]) -> None:
        self._loading.pop(account, None)
        if not task.cancelled():
            task.exception()  # who has asked tells why

    async def _load(self, account: str, address: str) -> Claimed:
        asked = {account}
        self._arriving[account] += 1
        try:
            return await self._load_all(account, address, asked)
        finally:
            for name in asked:
                self._arriving[name] -= 1
                if not self._arriving[name]:
                    del self._arriving[name]
                    self._overtaken.pop(name, None)

    async def _load_all(self, account: str, address: str, asked: set[str]) -> Claimed:
        """Adds to `asked` what is fetched."""
        found = {account: await self._fetched(account, address)}
        fresh = list(found.values())
        while fresh:  # those that it imports of, and those that these import of
            wanted = dict.fromkeys(
                name for each in fresh for name in self._unknown_exporters(each)
                if name not in asked
            )  # fmt: skip
            asked.update(wanted)
            self._arriving.update(wanted.keys())
            fetching = [self._fetched(name, address) for name in wanted]
            answers = await asyncio.gather(*fetching, return_exceptions=True)
            for name, answer in zip(wanted, answers, strict=True):
                if isinstance(answer, BaseException):
                    self._log.debug(f"Account [{name}] fetch failed: {answer}")
            fresh = [each for each in answers if isinstance(each, Claimed)]
            found.update((each.account, each) for each in fresh)
        for number, each in enumerate(reversed(found.values()), 1):  # exporters first
            if number % PUT_AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                if self.find(each.account) is None:  # nobody else was faster
                    self._put(self._newest(each))
            except ClaimsError:
                if each.account == account:
                    raise
        return self._known[account]

    def _newest(self, claimed: Claimed) -> Claimed:
        """The same, or what has been pushed since it was fetched. Raises ClaimsError."""
        token = self._overtaken.get(claimed.account, claimed.token)
        if token == claimed.token:
            return claimed
        if not token:
            raise ClaimsError(EXPIRED)
        return self._made(claimed.account, token, self.check(token, times=True))

    async def _fetched(self, account: str, address: str) -> Claimed:
        """By the resolver, not in force yet. Raises as `load`."""
        if not is_valid_public(account, Prefix.ACCOUNT):
            raise ClaimsError("will only fetch valid account keys")
        if not self.trust.admits(account):
            raise ClaimsError(f"Account {account} not listed as operator pinned account")
        begins_ns = time.monotonic_ns()
        try:
            token = self._source.known(account)
            if token is None:
                token = await self._source.fetch(account, address)
        finally:
            self._tell_fetched(account, begins_ns)
        before = self._known.get(account)
        if before is not None and before.token == token:
            raise ClaimsError(EXPIRED)
        if len(token) <= ASIDE_CHARS:
            return self._made(account, token, self.check(token, times=True))
        loop = asyncio.get_running_loop()
        claims = await loop.run_in_executor(None, partial(self.check, token, times=True))
        return self._made(account, token, claims)

    def _tell_fetched(self, account: str, begins_ns: int) -> None:
        if self._log.debug_enabled:
            took = format_duration_ns(time.monotonic_ns() - begins_ns)
            self._log.debug(f"Account [{account}] fetch took {took}")

    def _made(self, account: str, token: str, claims: AccountClaims) -> Claimed:
        if claims.sub != account:
            raise ClaimsError(VALIDATION_FAILED)
        return claimed_of(token, claims, self.trust.is_strict(claims.iss), time.time())

    def _unknown_exporters(self, claimed: Claimed) -> list[str]:
        return [name for name in claimed.exporters if name not in self._known]

    # -- changing -----------------------------------------------------------------------------

    def update(self, account: str, token: str) -> None:
        """A changed claim takes effect at once, if anybody uses the account. Raises ClaimsError."""
        before = self._known.get(account)
        if account in self._arriving:
            self._overtaken[account] = token
        if before is None and not self._sharing.importers_of(account):
            return  # it is loaded when it is wanted
        if before is not None and before.token == token:
            text = f"Requested account update for [{account}], same claims detected"
            self._log.debug(text)
            return
        if not self.trust.admits(account):
            return
        self._put(self._made(account, token, self.check(token, times=True)))

    def delete(self, account: str) -> None:
        """It is no more: its clients leave, and nobody comes in until there is another JWT."""
        found = self._known.get(account)
        if account in self._arriving:
            self._overtaken[account] = ""
        if found is not None and not found.expired:
            self._log.debug(f"Disable account {account} due to remove")
            self._end(found)

    def _put(self, claimed: Claimed) -> None:
        name = claimed.account
        before = self._known.get(name)
        if self._log.debug_enabled:
            self._tell_updated(claimed)
        self._known[name] = claimed
        self._host.adopt(claimed)
        reopened = self._sharing.put(claimed)
        if reopened:  # of imports that lead in a circle, those of others come first
            self._link_all(self._sharing.importers_of(name), name)
        self._link(name)
        self._watch_expiry(claimed)
        for follower in self.followers:
            follower(before, claimed)

    def _tell_updated(self, claimed: Claimed) -> None:
        self._log.debug(f"Updating account claims: {claimed.label}")
        options = claimed.options
        for kind, exports in (
            ("stream", options.stream_exports), ("service", options.service_exports),
        ):  # fmt: skip
            for export in exports:
                text = f"Adding {kind} export {quote(export.subject)} for {claimed.label}"
                self._log.debug(text)

    def _end(self, claimed: Claimed) -> None:
        claimed.expired = True
        for follower in self.followers:
            follower(claimed, claimed)

    def _link_all(self, importers: list[str], changed: str) -> None:
        for name in importers[:LINKED_AT_ONCE]:
            self._link(name, changed)
        rest = importers[LINKED_AT_ONCE:]
        if rest:
            self._host.turns.start(self, self, self._link_slowly(rest, changed), stays=True)

    def _link_slowly(self, importers: Iterable[str], changed: str) -> Work[None]:
        for number, name in enumerate(importers, 1):
            if name in self._known:
                self._link(name, changed)
            if number % LINKS_REPLACED == 0:
                replaced()
            yield

    def _link(self, name: str, changed: str = "") -> None:
        taken = self._sharing.link(name, time.time())
        self._known[name].incomplete = taken.incomplete
        self._host.take(name, taken, changed)
        timer = self._relinks.pop(name, None)
        if timer is not None:
            timer.cancel()
        if taken.until:
            self._relinks[name] = call_at_time(taken.until + 1, self._link, name)

    # -- time ---------------------------------------------------------------------------------

    def _watch_expiry(self, claimed: Claimed) -> None:
        timer = self._expiries.pop(claimed.account, None)
        if timer is not None:
            timer.cancel()
        if claimed.expires and not claimed.expired:
            self._expiries[claimed.account] = call_at_time(claimed.expires, self._look, claimed)

    def _look(self, claimed: Claimed) -> None:
        """Whether its time is over."""
        del self._expiries[claimed.account]
        if self._known.get(claimed.account) is not claimed or claimed.expired:
            return
        if claimed.expires > time.time():
            self._watch_expiry(claimed)
        else:
            self._end(claimed)

    def stop(self) -> None:
        """Nothing happens any more."""
        for timer in (*self._expiries.values(), *self._relinks.values()):
            timer.cancel()
        for task in self._loading.values():
            task.cancel()
