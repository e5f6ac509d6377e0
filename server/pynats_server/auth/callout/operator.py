"""Log-ins that services of accounts decide about, in operator mode.

The JWT of an account names its `auth_users`: everybody else who comes with a JWT of that account
(often one and the same, which is no secret) is decided about by the service. It places the client
in its own account or in one of `allowed_accounts`, with a user JWT that this account has signed.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Protocol

from pynats_common.jwt.types import ExternalAuthorization

from pynats_server.auth.base import Answer, Hello, Outcome, Refusal, Verdict
from pynats_server.auth.callout.answer import CalloutError
from pynats_server.auth.callout.consulting import Found, Service, consult
from pynats_server.auth.callout.server import AskingServer
from pynats_server.auth.callout.user import METHOD, check_user
from pynats_server.auth.jwt.authenticator import Account, JwtAuthenticator
from pynats_server.auth.users import CALLOUT_SUBJECT, barred_verdict

ALL = "*"  # in `allowed_accounts`


class Delegating(Account, Protocol):
    """An account that may have a service."""

    @property
    def external(self) -> ExternalAuthorization: ...


class DelegatingAccounts(Protocol):
    """Where accounts are found (`operator.ClaimedAccounts`)."""

    def get(self, account: str) -> Delegating | None: ...
    def find(self, account: str) -> Delegating | None: ...
    def load_now(self, account: str) -> Delegating | None: ...
    async def load(self, account: str, address: str = "") -> Delegating: ...


class ClaimedCallout:
    """Stands around the log-ins with JWTs. See Authenticator."""

    required = True
    admits_silent = False
    wants_nonce = True

    def __init__(
        self, own: JwtAuthenticator, accounts: DelegatingAccounts, server: AskingServer
    ) -> None:
        self._own = own
        self._accounts = accounts
        self._server = server

    def verify(self, hello: Hello) -> Outcome:
        """See Authenticator: whoever is to be decided about has a good JWT, all the same."""
        outcome = self._own.verify(hello)
        if isinstance(outcome, Verdict):
            return self._continue(hello, outcome)
        if isinstance(outcome, Refusal) or not isinstance(outcome, Awaitable):
            return outcome
        return self._wait(hello, outcome)

    def recheck(self, hello: Hello, verdict: Verdict) -> Outcome:
        """See Authenticator: what a service has decided holds as long as the account that the user
        is in says nothing else."""
        outcome = self._own.recheck(hello, verdict)
        if not isinstance(outcome, Verdict):
            return outcome
        if outcome is not verdict and verdict.method == METHOD:
            outcome = replace(outcome, method=METHOD, user=verdict.user)
        return self._guard(outcome)

    async def _wait(self, hello: Hello, outcome: Awaitable[Answer]) -> Answer:
        answer = await outcome
        if isinstance(answer, Refusal):
            return answer
        found = self._continue(hello, answer)
        return found if isinstance(found, Verdict | Refusal) else await found

    def _continue(self, hello: Hello, verdict: Verdict) -> Answer | Awaitable[Answer]:
        """Asks the service, if the account of the client has one that decides about it."""
        account = self._accounts.get(verdict.account)
        if account is None:
            return Refusal(why="its account is gone")
        users = account.external.auth_users
        system = verdict.account == self._server.options.system_account_name
        if not users or system or verdict.user in users:
            return self._guard(verdict)
        return self._ask(hello, account, verdict)

    async def _ask(self, hello: Hello, account: Delegating, presented: Verdict) -> Answer:
        external, key = account.external, account.account
        service = Service(key, key, frozenset((key, *account.signers)), external.xkey)
        timeout_s = self._server.options.auth_timeout
        try:
            found = await consult(self._server, service, hello, timeout_s, presented=presented)
            if account.expired or self._accounts.get(key) is not account:
                return await self._decide(hello)  # by the new rules, as after a reload
            answer = (
                found if isinstance(found, Refusal) else await self._placed(hello, account, found)
            )
        except CalloutError as error:
            answer = Refusal(warning=str(error))
        return answer if isinstance(answer, Verdict) else replace(answer, account=key)

    async def _decide(self, hello: Hello) -> Answer:
        outcome = self.verify(hello)
        if isinstance(outcome, Awaitable):
            return await outcome
        assert isinstance(outcome, Verdict | Refusal)  # nothing here is computed in a thread
        return outcome

    async def _placed(self, hello: Hello, asked: Delegating, found: Found) -> Answer:
        """Raises CalloutError."""
        user, key = found.user, asked.account
        check_user(user)
        allowed = asked.external.allowed_accounts
        if user.account != key and ALL not in allowed and user.account not in allowed:
            raise CalloutError(
                f'Account "{user.account}" is not an allowed account of auth callout on account '
                f'"{key}"'
            )
        target = self._accounts.load_now(user.account)
        if target is None:
            try:
                target = await self._accounts.load(user.account, hello.host)
            except Exception as error:  # of the source, whatever it may be
                raise CalloutError(
                    f'No valid account "{user.account}" for auth callout response on account '
                    f'"{key}": {error}'
                ) from None
        answer = self._own.admit(hello, found.token, user, target, vouched=True)
        if isinstance(answer, Verdict):
            return self._guard(replace(answer, method=METHOD, user=user.name or user.sub))
        why = f'Authorized user on account "{key}": {answer.why}' if answer.why else ""
        return replace(answer, why="", warning=why)

    def _guard(self, verdict: Verdict) -> Verdict:
        """Nobody in a service's account may ask the service in the server's place."""
        account = self._accounts.get(verdict.account)
        if account is None or not account.external.auth_users:
            return verdict
        publish = verdict.rights.publish if verdict.rights is not None else None
        if publish is not None and CALLOUT_SUBJECT in publish.deny:
            return verdict
        return barred_verdict(verdict)
