"""How clients log in: CONNECT, what the authenticator answers, and when they must leave again."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from pynats_common.go.durations import SECOND_NS
from pynats_common.go.text import text_of

from pynats_server.auth import (
    REFUSED,
    VIOLATION,
    Answer,
    Authenticator,
    ConnectOptions,
    Outcome,
    Refusal,
    Verdict,
)
from pynats_server.clients.complaints import complaint
from pynats_server.clients.limits import (
    TOO_MANY_IN_ACCOUNT,
    account_limits,
    apply_limits,
    close_above_limit,
    lowered,
)
from pynats_server.clients.logins import audit
from pynats_server.clients.logins.checks import Checks
from pynats_server.clients.logins.refusals import Refusals
from pynats_server.clients.rates import limit_client
from pynats_server.clients.session import Session, session_of
from pynats_server.clients.who import Who, identity, presented, whose
from pynats_server.core.client import ClientConnection
from pynats_server.core.interest.subscription import Subscription
from pynats_server.core.reasons import CloseReason
from pynats_server.log.logger import Logger
from pynats_server.server.state import ServerState
from pynats_server.system.events import Events
from pynats_server.work import call_at_time

EXPIRED = "User Authentication Expired"
AUTH_ERROR = "authentication error"


class LogIn:
    """The log-ins of one server, on the loop's thread."""

    def __init__(self, state: ServerState, events: Events, checks: Checks) -> None:
        self._state = state
        self._events = events
        self._checks = checks
        self._log = state.log.part("auth")
        self._refusals = Refusals(self._log)

    # -- asking -----------------------------------------------------------------------------

    def _verify(self, client: ClientConnection, authenticator: Authenticator) -> Outcome:
        hello = session_of(client).hello
        hello.notes = _Notes(self._log, client)
        return authenticator.verify(hello)

    def _recheck(self, client: ClientConnection, authenticator: Authenticator) -> Outcome:
        verdict = session_of(client).verdict
        if verdict is None:
            return self._verify(client, authenticator)
        return authenticator.recheck(session_of(client).hello, verdict)

    # -- in ---------------------------------------------------------------------------------

    def expect(self, client: ClientConnection) -> None:
        """A new client may come in, now or with its CONNECT."""
        state = self._state
        if not state.authenticator.required:
            client.admit(state.global_account, None)
            return
        client.implicit_connect = state.authenticator.admits_silent
        client.auth_deadline = time.monotonic_ns() + int(state.options.auth_timeout * SECOND_NS)

    def connect(self, client: ClientConnection, raw: bytes) -> None:
        """Handles a CONNECT, the first one or a later one."""
        session = session_of(client)
        try:
            session.said.update(raw)
        except ValueError as error:
            self._log.error(complaint(raw, "ClientOpts", str(error)), Who(client))
            client.close(CloseReason.PROTOCOL_VIOLATION)
            return
        self._checks.ask(client, partial(self._verify, client), self._conclude)

    def enter_silently(self, client: ClientConnection) -> None:
        """A verb before CONNECT, where that is possible."""
        self._checks.ask(client, partial(self._verify, client), self._conclude_silently)

    def _conclude_silently(self, client: ClientConnection, answer: Answer) -> None:
        session_of(client).hello.notes = None
        if isinstance(answer, Refusal):
            self.refuse(client, answer)
        else:
            self._admit(client, answer)

    def _conclude(self, client: ClientConnection, answer: Answer) -> None:
        said = session_of(client).said
        session_of(client).hello.notes = None
        again = client.connect_received
        if again:
            self._events.left(client)
        if isinstance(answer, Refusal):
            self._events.refused(client, answer)
            self.refuse(client, answer)
            if again:  # a stranger now, as those who never logged in
                session_of(client).end()
                client.admit(self._state.global_account, None)
            return
        self._take_wishes(client, said)
        if again:
            client.drop_subscriptions()
        client.connect_received = True
        if self._admit(client, answer) and self._is_possible(client, said):
            client.protocol = said.protocol
            if said.verbose and not client.closing:
                client.send_ok()

    def _take_wishes(self, client: ClientConnection, said: ConnectOptions) -> None:
        client.verbose = said.verbose
        client.pedantic = said.pedantic
        client.headers = said.headers and not self._state.options.no_header_support
        client.no_responders = said.no_responders
        client.name, client.lang, client.version = said.name, said.lang, said.version
        client.set_echo(said.echo)

    def _is_possible(self, client: ClientConnection, said: ConnectOptions) -> bool:
        """Whether a client that is in may be as it wants; it is sent away otherwise."""
        if said.account or said.new_account:
            self.refuse(client)  # the account follows from the credentials alone
        elif said.protocol not in (0, 1):
            client.fail_with("invalid client protocol", CloseReason.BAD_CLIENT_PROTOCOL_VERSION)
        elif said.no_responders and not client.headers:
            client.fail_with(
                "no responders requires headers support",
                CloseReason.NO_RESPONDERS_REQUIRES_HEADERS,
            )
        else:
            return True
        return False

    def _admit(self, client: ClientConnection, verdict: Verdict) -> bool:
        """Lets a client into its account. False if it is full."""
        state = self._state
        account = state.accounts[verdict.account]
        state.use(account)
        if self._log.debug_enabled:
            for text in lowered(state, verdict):
                self._log.debug(text, Who(client))
        client.admit(account, verdict.permissions, verdict.user)
        session = session_of(client)
        session.verdict = verdict
        apply_limits(client, state, verdict)
        limit_client(state, client, verdict.limits)
        most = account_limits(client, state).max_connections
        if 0 <= most < len(client.account.clients):
            client.account.clients.discard(client)  # it never was one of them
            client.fail_with(TOO_MANY_IN_ACCOUNT, CloseReason.MAX_ACCOUNT_CONNECTIONS_EXCEEDED)
            self.audit(client, TOO_MANY_IN_ACCOUNT, verdict)
            return False
        if client.max_subscriptions == 0:  # none at all: it may leave
            asyncio.get_running_loop().call_soon(close_above_limit, client)
        self._watch_expiry(client, session)
        state.log_ins[verdict.method] += 1
        self.audit(client, verdict=verdict)
        self._events.connected(client)
        return True

    # -- again ------------------------------------------------------------------------------

    def ask_again(self, client: ClientConnection, authenticator: Authenticator) -> Answer | None:
        """What the authenticator says of a client that is in. None where that takes time: then the
        client waits, and is refused if it must be."""
        outcome = self._recheck(client, authenticator)
        if isinstance(outcome, Verdict | Refusal):
            return outcome
        if client not in self._checks:
            ask = partial(self._recheck, client)
            self._checks.wait(client, outcome, ask, self._conclude_again, again=True)
        return None

    def _conclude_again(self, client: ClientConnection, answer: Answer) -> None:
        if isinstance(answer, Refusal):
            self.refuse(client, answer)
        else:
            self.follow(client, answer)

    def follow(self, client: ClientConnection, verdict: Verdict) -> None:
        """Holds a client to what its user may do from now on. In another account it must connect
        again."""
        if verdict.account != client.account.name:
            client.close(CloseReason.CLIENT_CLOSED)
            return
        session = session_of(client)
        session.verdict = verdict
        limit_client(self._state, client, verdict.limits)
        self._watch_expiry(client, session)
        client.prune(verdict.permissions, partial(_tell, self._log, client))

    # -- out --------------------------------------------------------------------------------

    def refuse(self, client: ClientConnection, refusal: Refusal = REFUSED) -> None:
        """Refuses a client with invalid credentials; the log says whose. That the time of one who
        is in is over, is no error."""
        if refusal.error == VIOLATION:
            self._state.refusals[presented(client)] += 1
            who = whose(client)
            text = f"{AUTH_ERROR} - {who}" if who else AUTH_ERROR
            self._refusals.tell(client, text, refusal)
        elif self._log.debug_enabled:
            self._log.debug(f"{refusal.error or refusal.why}{identity(client)}", Who(client))
        self.audit(client, AUTH_ERROR)
        if refusal.error:
            client.send_error(refusal.error)
        client.close(refusal.reason)

    def stop(self) -> None:
        """The server ends."""
        self._refusals.stop()

    def audit(
        self, client: ClientConnection, reason: str = "", verdict: Verdict | None = None
    ) -> None:
        """The line of the log about a log-in, where it is wanted."""
        if self._state.options.log.log_logins:
            audit.tell(self._log, client, reason, verdict)

    def _watch_expiry(self, client: ClientConnection, session: Session) -> None:
        session.stop_watching()
        if session.verdict is not None and session.verdict.expires:
            session.expiry = call_at_time(session.verdict.expires, self._expire, client, session)

    def _expire(self, client: ClientConnection, session: Session) -> None:
        if session.verdict is None or client.closing:
            return
        if time.time() < session.verdict.expires:
            self._watch_expiry(client, session)
            return
        self._log.debug(f"{EXPIRED}{identity(client)}", Who(client))
        client.send_error(EXPIRED)
        client.close(CloseReason.AUTHENTICATION_EXPIRED)


class _Notes:
    """See auth.Notes."""

    __slots__ = ("_log", "_who")

    def __init__(self, log: Logger, client: ClientConnection) -> None:
        self._log = log
        self._who = Who(client)

    @property
    def debug_enabled(self) -> bool:
        return self._log.debug_enabled

    def debug(self, text: str) -> None:
        self._log.debug(text, self._who)

    def warn(self, text: str) -> None:
        self._log.warn(text, self._who)


def _tell(log: Logger, client: ClientConnection, sub: Subscription) -> None:
    queue = f' using queue "{text_of(sub.queue)}"' if sub.queue else ""
    which = f'"{text_of(sub.subject)}"{queue} (sid "{text_of(sub.sid)}")'
    log.notice(f"Removed sub {which} for {whose(client)} - not authorized")
    client.send_error(f"Permissions Violation for Subscription to {which}")
