"""What a service may answer: whether the client comes in, what it is told, what the log says."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pynats_common.jwt.types import TimeRange
from pynats_common.nkeys import Prefix

from tests.conformance.callout.scene import Answer, Outcome, log_in, server
from tests.support.callout import (
    SERVICE_CURVE,
    STRANGER,
    Request,
    granted,
    key,
    payload_of,
    response,
    sealed,
    user_jwt,
)
from tests.support.pool import ServerPool
from tests.support.process import PYNATS
from tests.support.records import Recorded

OTHER_CURVE = key(Prefix.CURVE, 9)
OTHER_USER = key(Prefix.USER, 5).public_key
OTHER_SERVER = key(Prefix.SERVER, 5).public_key
IN = ["+OK", "PONG", "PONG"]
OUT = ["-ERR 'Authorization Violation'"]


def change(**fields: Any) -> Callable[[Any], None]:
    """Sets fields of claims: `nats__pub__allow` is `.nats.pub.allow`."""

    def apply(claims: Any) -> None:
        for path, value in fields.items():
            *parts, last = path.split("__")
            target = claims
            for part in parts:
                target = getattr(target, part)
            setattr(target, last, value)

    return apply


def user(account: str = "APP", **fields: Any) -> Answer:
    """The answer with a user that has these fields."""
    return lambda asked: granted(asked, account, change=change(**fields))


def said(**fields: Any) -> Answer:
    """The answer with a usual user; the fields are of the answer itself."""
    return lambda asked: response(asked, user_jwt(asked), change=change(**fields))


def _damaged(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def ago(seconds: int) -> int:
    return int(time.time()) - seconds


def hours(shift_s: int) -> dict[str, Any]:
    """A window of ten minutes that opens after a time, in UTC."""
    begin, end = (time.gmtime(time.time() + shift_s + each) for each in (0, 600))
    window = TimeRange(time.strftime("%H:%M:%S", begin), time.strftime("%H:%M:%S", end))
    return {"nats__times": [window], "nats__locale": "UTC"}


@dataclass(frozen=True)
class Case:
    answer: Answer
    ours: list[str] | None = None  # what the client is told where that differs, with a reason
    why: str = ""
    words: str = ""  # of ours, in the log, where they differ
    server: str = "callout"


CASES: dict[str, Case] = {
    "a user": Case(lambda asked: granted(asked)),
    "nothing": Case(lambda asked: b""),
    "junk": Case(lambda asked: b"junk"),
    "three parts of junk": Case(lambda asked: b"a.b.c", words="Not a JWT"),
    "an error": Case(lambda asked: response(asked, error="go away")),
    "an error of two lines": Case(
        lambda asked: response(asked, error='go "away"\nnow'), words='go "away"\\nnow'
    ),
    "an error and a user": Case(lambda asked: response(asked, user_jwt(asked), "x")),
    "neither": Case(lambda asked: response(asked)),
    "for another server": Case(said(aud=OTHER_SERVER)),
    "for nobody": Case(said(aud="")),
    "for what is no server": Case(said(aud="zzz")),
    "for another client": Case(said(sub=OTHER_USER)),
    "signed by a stranger": Case(
        lambda asked: response(asked, user_jwt(asked), signer=STRANGER)
    ),
    "an error of a stranger": Case(lambda asked: response(asked, error="x", signer=STRANGER)),
    "expired": Case(lambda asked: said(exp=ago(10))(asked)),
    "not yet": Case(lambda asked: said(nbf=ago(-1000))(asked)),
    "with an issuer account": Case(said(nats__issuer_account=STRANGER.public_key)),
    "a user instead": Case(lambda asked: user_jwt(asked)),
    "the request": Case(lambda asked: asked.token),
    # The user in it
    "user: junk": Case(lambda asked: response(asked, "junk")),
    "user: three parts of junk": Case(lambda asked: response(asked, "a.b.c"), words="Not a JWT"),
    "user: an answer": Case(lambda asked: response(asked, response(asked, error="x"))),
    "user: signed by a stranger": Case(lambda asked: granted(asked, signer=STRANGER)),
    "user: another": Case(user(sub=OTHER_USER)),
    "user: unknown account": Case(user("NOPE")),
    "user: no account": Case(user("")),
    "user: global account": Case(user("$G")),
    "user: system account": Case(user("SYS")),
    "user: account of the service": Case(user("AUTH")),
    "user: issuer account": Case(user(nats__issuer_account=STRANGER.public_key)),
    "user: expired": Case(lambda asked: user(exp=ago(10))(asked)),
    "user: not yet": Case(lambda asked: user(nbf=ago(-1000))(asked)),
    "user: bearer": Case(user(nats__bearer_token=True)),
    "user: through a proxy": Case(user(nats__proxy_required=True)),
    "user: within its times": Case(lambda asked: user(**hours(-300))(asked)),
    "user: outside its times": Case(lambda asked: user(**hours(3600))(asked)),
    "user: times that are none": Case(
        user(nats__times=[TimeRange("3am", "4am")]), words="Error validating user JWT: "
    ),
    "user: a subject that is none": Case(
        user(nats__pub__allow=["a..b"]), words="Error validating user JWT: "
    ),
    "user: from its network": Case(user(nats__src=["127.0.0.0/8"])),
    "user: a network that is none": Case(
        user(nats__src=["nonsense"]), words="Error validating user JWT: invalid cidr "
    ),
    "user: from another network": Case(
        user(nats__src=["10.0.0.0/8"]),
        OUT,
        "what the service asks for is held to",
        'Authorized user on account "AUTH" from an invalid place',
    ),
    "user: this kind of connection": Case(user(nats__allowed_connection_types=["standard"])),
    "user: kinds that are none": Case(user(nats__allowed_connection_types=["FOO"])),
    "user: another kind of connection": Case(
        user(nats__allowed_connection_types=["MQTT"]),
        OUT,
        "what the service asks for is held to",
        'Authorized user on account "AUTH" using invalid connection type',
    ),
}  # fmt: skip
SEALED: dict[str, Case] = {
    "a user": Case(lambda asked: sealed(granted(asked), asked)),
    "in the clear": Case(lambda asked: granted(asked)),
    "nothing": Case(lambda asked: b""),
    "nothing in it": Case(lambda asked: sealed("", asked)),
    "junk": Case(lambda asked: b"junk"),
    "too short": Case(lambda asked: b"xkv1aa"),
    "damaged": Case(lambda asked: _damaged(sealed(granted(asked), asked))),
    "by another key": Case(lambda asked: sealed(granted(asked), asked, OTHER_CURVE)),
    "for another key": Case(
        lambda asked: SERVICE_CURVE.seal(granted(asked).encode(), OTHER_CURVE.public_key)
    ),
    "an error": Case(lambda asked: sealed(response(asked, error="no"), asked)),
    "user: signed by a stranger": Case(
        lambda asked: sealed(granted(asked, signer=STRANGER), asked)
    ),
    "signed by a stranger": Case(
        lambda asked: sealed(response(asked, user_jwt(asked), signer=STRANGER), asked),
        OUT,
        "who can seal need not be the issuer",
        "Auth callout signing key is unknown",
    ),
    "an error of a stranger": Case(
        lambda asked: sealed(response(asked, error="x", signer=STRANGER), asked),
        words="Auth callout signing key is unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_answer(
    name: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    _check(CASES[name], "callout", recorded, reference_servers, servers_under_test)


@pytest.mark.parametrize("name", SEALED)
def test_sealed_answer(
    name: str, recorded: Recorded, reference_servers: ServerPool, servers_under_test: ServerPool
) -> None:
    _check(SEALED[name], "sealed", recorded, reference_servers, servers_under_test)


def _check(
    case: Case, config: str, recorded: Recorded, theirs: ServerPool, ours: ServerPool
) -> None:
    def play(servers: ServerPool) -> dict[str, list[str]]:
        outcome = log_in(server(servers, config), case.answer)
        return {"told": outcome.told, "log": outcome.log}

    expected = Outcome(**recorded.of(lambda: play(theirs)))
    found = Outcome(**play(ours))
    if ours.kind != PYNATS:
        assert found == expected
        return
    if case.ours is not None:
        assert expected.told != case.ours, "no difference any more"
        expected.told = case.ours
    assert found.told == expected.told
    if case.words:
        assert any(case.words in line for line in found.log), found.log
    else:
        assert found.log == expected.log


def test_the_parts_of_an_answer_are_not_mixed_up(servers_under_test: ServerPool) -> None:
    """An answer to one question is none to the next."""
    kept: list[str] = []

    def keep(asked: Request) -> str:
        kept.append(granted(asked))
        return kept[-1]

    process = server(servers_under_test, "callout")
    assert log_in(process, keep).told == IN
    assert log_in(process, lambda asked: kept[0]).told == OUT
    assert payload_of(kept[0])["aud"]
