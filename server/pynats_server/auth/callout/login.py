"""Log-ins that a service decides about, in an account of the configuration.

The users that are listed as `auth_users` are checked by the server itself: the service must be able
to come in. So are the users of other accounts, if `allowed_accounts` names those that are handed to
the service. Everybody else is decided about by the service, also who has the right password.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pynats_server import options as config
from pynats_server.auth.base import REFUSED, Answer, Hello, Outcome, Refusal, Slow, Verdict
from pynats_server.auth.callout.answer import CalloutError
from pynats_server.auth.callout.consulting import Found, Service, consult
from pynats_server.auth.callout.server import AskingServer
from pynats_server.auth.callout.user import METHOD, check_user, verdict_of
from pynats_server.auth.users import Users, barred_verdict, is_silent

Verify = Callable[[Hello], Outcome]  # how the server decides itself
Recheck = Callable[[Hello, Verdict], Outcome]


class CalloutLogin:
    """Stands around the log-ins of the configuration, `own`."""

    def __init__(self, options: config.Options, users: Users, server: AskingServer) -> None:
        settings = options.authorization.auth_callout
        assert settings is not None
        self.settings = settings
        self._timeout_s = options.auth_timeout
        self._users = users
        self._server = server
        self._known = options.account_names
        self._auth_users = frozenset(settings.auth_users)
        self._accounts = frozenset(settings.allowed_accounts)

    # -- who decides --------------------------------------------------------------------------

    def verify(self, hello: Hello, own: Verify) -> Outcome:
        """Whether it may come in, and as whom."""
        name = self._name(hello)
        if name in self._auth_users:
            return self._decided(own(hello), lambda answer: self._only(answer, name))
        if self._is_kept(name):
            return self._decided(own(hello), lambda answer: self._or_ask(hello, answer, name))
        return self._ask(hello)

    def recheck(self, hello: Hello, verdict: Verdict, own: Recheck) -> Outcome:
        """The same for one that is in. What the service has decided holds as long as the account is
        there: the service is not asked again because something else was configured."""
        if verdict.method == METHOD:
            return verdict if verdict.account in self._known else self._told(REFUSED)
        return self.verify(hello, lambda hello: own(hello, verdict))

    def _name(self, hello: Hello) -> str:
        """Whom the server would look for itself."""
        said = hello.said
        if said.nkey and self._users.keyed:
            return said.nkey
        return hello.mapped or said.user or (self._users.guest if is_silent(hello) else "")

    def _is_kept(self, name: str) -> bool:
        """Whether it is a user of an account that is not handed to the service."""
        known = self._users.find(name) if self._accounts else None
        return known is not None and known.account not in self._accounts

    def _decided(self, outcome: Outcome, then: Callable[[Answer], Outcome]) -> Outcome:
        if isinstance(outcome, Slow):
            return replace(outcome, then=then)
        if isinstance(outcome, Verdict | Refusal):
            return then(outcome)
        return outcome  # own log-ins wait for nobody

    def _only(self, answer: Answer, name: str) -> Outcome:
        if isinstance(answer, Verdict):
            # Whoever was found must be who was looked for.
            return answer if answer.user == name else self._told(REFUSED)
        return self._told(answer)

    def _or_ask(self, hello: Hello, answer: Answer, name: str) -> Outcome:
        if isinstance(answer, Verdict) and answer.user == name:
            return answer
        return self._ask(hello)

    # -- the service decides ------------------------------------------------------------------

    async def _ask(self, hello: Hello) -> Answer:
        settings = self.settings
        service = Service(
            settings.account, settings.issuer, frozenset((settings.issuer,)), settings.xkey
        )
        guest = self._users.guest if is_silent(hello) and not hello.said.nkey else ""
        try:
            found = await consult(self._server, service, hello, self._timeout_s, guest=guest)
            answer = found if isinstance(found, Refusal) else self._admitted(hello, found, guest)
        except CalloutError as error:
            answer = Refusal(warning=str(error))
        return self._guard(answer) if isinstance(answer, Verdict) else self._told(answer)

    def _admitted(self, hello: Hello, found: Found, guest: str) -> Answer:
        """Raises CalloutError."""
        name, user = self.settings.account, found.user
        if user.iss != self.settings.issuer:
            raise CalloutError(
                f'Wrong issuer for auth callout response on account "{name}", '
                f'expected "{self.settings.issuer}" got "{user.iss}"'
            )
        if user.nats.issuer_account:
            raise CalloutError(
                f'Error non operator mode account "{name}": attempted to use issuer_account'
            )
        check_user(user)
        if not user.aud or self._server.find_account(user.aud) is None:
            raise CalloutError(
                f'No valid account "{user.aud}" for auth callout response on account "{name}": '
                "account missing"
            )
        return verdict_of(user, hello, user.aud, guest, name)

    # -- what else holds ----------------------------------------------------------------------

    def _guard(self, verdict: Verdict) -> Verdict:
        """Nobody in the service's account may ask the service in the server's place."""
        return barred_verdict(verdict) if verdict.account == self.settings.account else verdict

    def _told(self, refusal: Refusal) -> Refusal:
        """Who listens in the service's account is told of it."""
        return replace(refusal, account=self.settings.account)
