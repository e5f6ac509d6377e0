"""Who is asked about in operator mode follows what the account's JWT says at the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from pynats_common.jwt.types import ExternalAuthorization
from pynats_server.auth import Hello, Refusal, Verdict
from pynats_server.auth.callout.operator import ClaimedCallout
from pynats_server.auth.users import CALLOUT_SUBJECT
from pynats_server.options import Options


@dataclass
class Account:
    account: str = "A"
    signers: dict[str, None] = field(default_factory=lambda: {"A": None})
    external: ExternalAuthorization = field(default_factory=ExternalAuthorization)


class Accounts(dict[str, Account]):
    pass


class Own:
    """Lets in whoever asks, as this user."""

    user = "U"

    def verify(self, hello: Hello) -> Verdict | Refusal:
        return Verdict("A", user=self.user, method="jwt")

    def recheck(self, hello: Hello, verdict: Verdict) -> Verdict | Refusal:
        return verdict


class Server:
    options = Options()

    def find_account(self, name: str) -> None:
        return None  # a question would fail


def callout(account: Account) -> ClaimedCallout:
    own, accounts, server = Own(), Accounts(A=account), Server()
    return ClaimedCallout(cast("Any", own), cast("Any", accounts), cast("Any", server))


def decides(found: object) -> str:
    if isinstance(found, Verdict | Refusal):
        return "server"
    cast("Any", found).close()
    return "service"


def test_settings_count_from_when_they_come_until_they_go() -> None:
    account = Account()
    asking = callout(account)
    assert decides(asking.verify(Hello())) == "server"
    account.external = ExternalAuthorization(auth_users=["S"])
    assert decides(asking.verify(Hello())) == "service"
    account.external = ExternalAuthorization(auth_users=["S", "U"])
    assert decides(asking.verify(Hello())) == "server"
    account.external = ExternalAuthorization()
    assert decides(asking.verify(Hello())) == "server"


def test_nobody_there_may_ask_the_service() -> None:
    account = Account(external=ExternalAuthorization(auth_users=["U"]))
    asking = callout(account)
    verdict = asking.verify(Hello())
    assert isinstance(verdict, Verdict)
    assert verdict.rights is not None
    assert verdict.rights.publish is not None
    assert verdict.rights.publish.deny == [CALLOUT_SUBJECT]
    assert verdict.permissions is not None
    assert asking.recheck(Hello(), verdict) is verdict


def test_who_was_in_before_may_not_ask_it_either() -> None:
    account = Account()
    asking = callout(account)
    before = asking.verify(Hello())
    assert isinstance(before, Verdict)
    assert before.rights is None
    account.external = ExternalAuthorization(auth_users=["S"])
    after = asking.recheck(Hello(), before)
    assert isinstance(after, Verdict)
    assert after.rights is not None
