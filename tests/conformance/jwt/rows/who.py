"""Valid tokens that say from where, when, how and as whom a user may come in."""

from __future__ import annotations

import time
from typing import Any

from tests.conformance.jwt import world
from tests.conformance.jwt.login import Login, of_claims, of_user, signing
from tests.conformance.jwt.tokens import ISSUED, Claims, account_key, chunk, token, user, user_key
from tests.conformance.jwt.world import A_SIGNER, ALWAYS, NEVER, REVOKED, A, scoped_key, sentinel

ONE = ("PUB a.b | hi",)


def src(name: str, value: Any) -> Login:
    return of_user(f"src: {name}", src=value, talk=ONE)


SOURCES = [
    src("loopback", ["127.0.0.0/8"]),
    src("this address", ["127.0.0.1/32"]),
    src("another address", ["127.0.0.2/32"]),
    src("elsewhere", ["10.0.0.0/8"]),
    src("elsewhere and here", ["10.0.0.0/8", "127.0.0.0/8"]),
    src("everywhere", ["0.0.0.0/0"]),
    src("everywhere of the sixth version", ["::/0"]),
    src("loopback of the sixth version", ["::1/128"]),
    src("mapped", ["::ffff:127.0.0.0/104"]),
    src("mapped, elsewhere", ["::ffff:10.0.0.0/104"]),
    src("bits beyond the mask", ["127.0.0.1/8"]),
    src("an address without a mask", ["127.0.0.1"]),
    src("one of two without a mask", ["127.0.0.0/8", "127.0.0.1"]),
    src("a netmask", ["127.0.0.0/255.0.0.0"]),
    src("mask 33", ["127.0.0.0/33"]),
    src("mask -1", ["127.0.0.0/-1"]),
    src("mask 08", ["127.0.0.0/08"]),
    src("mask +8", ["127.0.0.0/+8"]),
    src("mask empty", ["127.0.0.0/"]),
    src("short", ["127/8"]),
    src("leading zeros", ["127.000.000.001/32"]),
    src("blanks around", [" 127.0.0.0/8 "]),
    src("empty text in a list", [""]),
    src("empty text and here", ["", "127.0.0.0/8"]),
    src("a name", ["localhost/8"]),
    src("a zone", ["fe80::1%lo/64"]),
    src("large letters", ["::FFFF:127.0.0.0/104"]),
    src("text", "127.0.0.0/8"),
    src("text of two", "10.0.0.0/8,127.0.0.0/8"),
    src("text of two with blanks", "10.0.0.0/8, 127.0.0.0/8 "),
    src("text elsewhere", "10.0.0.0/8"),
    src("text with a comma behind", "127.0.0.0/8,"),
    src("text empty", ""),
    src("text junk", "here"),
    src("twice in a text of a list", ["10.0.0.0/8,127.0.0.0/8"]),
]  # fmt: skip


def times(name: str, value: Any, zone: str | None = None) -> Login:
    more = {} if zone is None else {"times_location": zone}
    return of_user(f"times: {name}", times=value, talk=ONE, **more)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(time.time() + seconds))


def around(name: str, *ranges: tuple[int, int]) -> Login:
    """Ranges from so many hours from now to so many, by the clocks of Greenwich."""

    def later() -> str:
        made = [{"start": _clock(a * 3600), "end": _clock(b * 3600)} for a, b in ranges]
        return token(user("u", A, times=made, times_location="UTC"), A)

    return Login(f"times: {name}", later=later, talk=ONE)


TIMES = [
    times("always", ALWAYS),
    times("never", NEVER),
    times("never and always", NEVER + ALWAYS),
    around("now", (-1, 1)),
    around("before", (-2, -1)),
    around("later", (1, 2)),
    around("all but now", (1, -1)),
    around("two, now in the second", (1, 2), (-1, 1)),
    around("two, none now", (1, 2), (3, 4)),
    times("without seconds", [{"start": "00:00", "end": "23:59"}]),
    times("one figure", [{"start": "0:00:00", "end": "23:59:59"}]),
    times("no end", [{"start": "00:00:00"}]),
    times("no start", [{"end": "23:59:59"}]),
    times("empty texts", [{"start": "", "end": ""}]),
    times("an empty object", [{}]),
    times("always, and one without end", [*ALWAYS, {"start": "00:00:00"}]),
    times("one without end, and always", [{"start": "00:00:00"}, *ALWAYS]),
    times("24 hours", [{"start": "00:00:00", "end": "24:00:00"}]),
    times("60 minutes", [{"start": "00:00:00", "end": "23:60:00"}]),
    times("60 seconds", [{"start": "00:00:00", "end": "23:59:60"}]),
    times("fractions", [{"start": "00:00:00.5", "end": "23:59:59.5"}, *ALWAYS]),
    times("a negative hour", [{"start": "-1:00:00", "end": "23:59:59"}, *ALWAYS]),
    times("afternoon", [{"start": "00:00:00AM", "end": "11:59:59PM"}, *ALWAYS]),
    times("blanks around", [{"start": " 00:00:00", "end": "23:59:59 "}, *ALWAYS]),
    times("with a zone", [{"start": "00:00:00Z", "end": "23:59:59Z"}, *ALWAYS]),
    times("a text", "00:00:00-23:59:59"),
    times("texts", ["00:00:00-23:59:59"]),
    times("in Berlin", ALWAYS, "Europe/Berlin"),
    times("in UTC", ALWAYS, "UTC"),
    times("here", ALWAYS, "Local"),
    times("in a zone of no name", ALWAYS, ""),
    times("in a zone nobody knows", ALWAYS, "Europe/Atlantis"),
    times("in a zone of small letters", ALWAYS, "europe/berlin"),
    times("in a path", ALWAYS, "../Europe/Berlin"),
    times("in an absolute path", ALWAYS, "/etc/localtime"),
    times("in a zone by its letters", ALWAYS, "EST"),
    times("in an offset", ALWAYS, "+01:00"),
    of_user("times: only a zone", times_location="UTC", talk=ONE),
    of_user("times: only a zone nobody knows", times_location="Europe/Atlantis", talk=ONE),
    times("never in Berlin", NEVER, "Europe/Berlin"),
]


def kinds(*names: str) -> Login:
    shown = ", ".join(name or "nothing" for name in names)
    return of_user(f"kinds: {shown}", allowed_connection_types=list(names), talk=ONE)


KINDS = [
    kinds("STANDARD"),
    kinds("standard"),
    kinds("Standard"),
    kinds("WEBSOCKET"),
    kinds("websocket"),
    kinds("MQTT"),
    kinds("LEAFNODE"),
    kinds("LEAFNODE_WS"),
    kinds("MQTT_WS"),
    kinds("IN_PROCESS"),
    kinds("STANDARD", "WEBSOCKET"),
    kinds("WEBSOCKET", "MQTT"),
    kinds("UNKNOWN"),
    kinds("UNKNOWN", "OTHER"),
    kinds("UNKNOWN", "STANDARD"),
    kinds("UNKNOWN", "WEBSOCKET"),
    kinds(""),
    kinds("", "STANDARD"),
    kinds(" STANDARD"),
    kinds("STANDARD", "STANDARD"),
    kinds("CLIENT"),
    of_user("proxy required", proxy_required=True),
]

_NO_BEARERS = account_key("no bearers")
_WRONG = chunk(bytes(64))
BEARERS = [
    Login("bearer without a signature", sentinel(), sign=lambda nonce: None),
    Login("bearer with a wrong signature", sentinel(), sign=lambda nonce: _WRONG),
    Login("bearer with junk for a signature", sentinel(), sign=lambda nonce: "!"),
    Login("bearer with its signature", sentinel(), sign=signing(user_key("sentinel"))),
    of_user("bearer from elsewhere", bearer_token=True, src=["10.0.0.0/8"]),
    of_user("bearer from here", bearer_token=True, src=["127.0.0.0/8"]),
    of_user("bearer at no time", bearer_token=True, times=NEVER),
    of_user("bearer of another kind", bearer_token=True, allowed_connection_types=["MQTT"]),
    of_claims("bearer that has expired", user("u", A, bearer_token=True) | {"exp": ISSUED + 1}),
    of_claims("bearer by a signing key",
              user("u", A_SIGNER, bearer_token=True, issuer_account=A.public_key), A_SIGNER,
              sign=lambda nonce: None),
    of_user("bearer where none may be", by=_NO_BEARERS, bearer_token=True),
    of_user("bearer where none may be, but signed", by=_NO_BEARERS, bearer_token=True),
    of_user("no bearer where none may be", by=_NO_BEARERS),
    of_claims("bearer by its role where none may be", user(
        "u", scoped_key("bearer of no bearers"), subs=0, data=0, payload=0,
        issuer_account=_NO_BEARERS.public_key), scoped_key("bearer of no bearers")),
]  # fmt: skip

_REVOKING, _ALL = account_key("revoking"), account_key("revoking all")


def issued(name: str, at: Any, by: Any = _REVOKING, shown: str = "") -> Login:
    claims: Claims = user(name, by) | {"iat": at}
    return of_claims(
        shown or f"{name}, issued {at}" + (", of all" if by is _ALL else ""), claims, by, talk=ONE
    )


REVOCATIONS = [
    issued("revoked", REVOKED - 1),
    issued("revoked", REVOKED),
    issued("revoked", REVOKED + 1),
    issued("revoked", 0),
    issued("revoked", -5),
    issued("revoked later", ISSUED),
    issued("revoked later", ISSUED + 10),
    issued("revoked later", ISSUED + 11),
    issued("in the future", ISSUED),
    issued("in the future", 4_000_000_001),
    issued("at zero", 0),
    issued("at zero", 1),
    issued("negative", 0),
    issued("negative", -1),
    issued("not revoked", REVOKED - 5),
    issued("anybody", REVOKED - 1, _ALL),
    issued("anybody", REVOKED, _ALL),
    issued("anybody", REVOKED + 1, _ALL),
    issued("revoked later", REVOKED + 1, _ALL, "everybody revoked, and it later"),
    issued("revoked later", ISSUED + 11, _ALL, "everybody revoked, and it before"),
    issued("earlier", REVOKED - 10, _ALL),
    issued("earlier", REVOKED + 1, _ALL),
]

_ACCOUNTS = (
    "few subs", "no subs", "small payload", "no payload", "no conns", "one conn", "negative conns",
    "no data", "expired", "lasting", "early", "nameless", "self-signed", "foreign",
    "of an account", "mapping", "exporter", "SYS",
)  # fmt: skip
ACCOUNTS = [
    of_user(f"account: {name}", by=account_key(name), ends=name == "no subs", talk=(
        "SUB a.> 1", "SUB a.q q 2", "SUB a.b 3", "PUB a.b | hi", "PUB a.map | mapped",
        "PUB a.x.turn | turned", "PUB a.b | hello", "PUB a.b | too long",
    ))
    for name in _ACCOUNTS
]  # fmt: skip
FILES = [of_user(f"file: {name}", by=account_key(name), talk=ONE) for name in world.FILES]
ROWS = [*FILES, *SOURCES, *TIMES, *KINDS, *BEARERS, *REVOCATIONS, *ACCOUNTS]
