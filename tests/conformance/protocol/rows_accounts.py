"""Several accounts: who lands where, that nothing crosses, and the limits of an account."""

from __future__ import annotations

from tests.conformance.protocol.rows_auth import login
from tests.conformance.protocol.rows_connect import connect
from tests.conformance.protocol.rows_routing import hpub, pub
from tests.support.script import Row, row, talk

_USE = b"SUB foo 1\r\nPUB foo 2\r\nhi\r\nPING\r\n"
_USERS = ("one", "guest", "two", "own", "few", "admin", "plain")


def _login_rows() -> list[Row]:
    rows = [
        row(f"account-login-{user}", login(user, protocol=1) + _USE, "accounts")
        for user in (*_USERS, "web", "nobody")
    ]
    attempts: dict[str, dict[str, object]] = {
        "bcrypt": {"user": "uno", "pass": "secret", "protocol": 1},
        "bcrypt-wrong": {"user": "uno", "pass": "nope"},
        "wrong-password": {"user": "one", "pass": "x"},
        "nothing": {},
        "token": {"auth_token": "p"},
        "asks-for-account": {"user": "one", "pass": "p", "account": "TWO"},
        "asks-for-own-account": {"user": "one", "pass": "p", "account": "ONE"},
        "new-account": {"user": "one", "pass": "p", "account": "NEW", "new_account": True},
    }
    for config in ("accounts", "account_guest"):
        rows += [
            row(f"account-login-{config}-{name}", connect(**options) + _USE, config)
            for name, options in attempts.items()
        ]
    for config in (
        "account_guest", "system_users", "system_users_closed", "system_renamed",
        "account_names", "account_token",
    ):  # fmt: skip
        rows += [
            row(f"{config}-{name}", data, config)
            for name, data in {
                "without-credentials": connect(protocol=1) + _USE,
                "before-connect": _USE,
                "admin": login("admin", protocol=1) + _USE,
                "admin-wrong": login("admin", "x") + _USE,
                "token": connect(auth_token="tok", protocol=1) + _USE,
                "unknown": login("nobody") + _USE,
            }.items()
        ]
    return rows


def _isolation_rows() -> list[Row]:
    """Every account listens to everything while every account publishes. The system account does
    not hear of the events that the real server has there."""
    listen = b"SUB > 1\r\nSUB two.> 2\r\nSUB * q 3\r\n"
    publish = b"".join(pub(s) for s in (b"foo", b"two.x", b"open.x", b"own.x"))
    listeners = [(f"l-{user}", login(user) + listen) for user in ("one", "two", "plain")]
    listeners += [("l-admin", login("admin") + b"SUB * 1\r\nSUB *.x 2\r\n")]
    rows = [
        talk(
            f"account-isolation-{user}",
            *listeners,
            ("p", login(user, pedantic=False) + publish),
            config="accounts",
            any_order=True,
        )
        for user in ("one", "guest", "two", "own", "plain")
    ]
    ask = login("one", headers=True, no_responders=True) + b"SUB in 1\r\n"
    rows += [
        talk(
            "account-no-responders-are-those-of-the-account",
            ("a", login("plain") + b"SUB svc 1\r\n"),
            ("b", ask + pub(b"svc", b"x", b"in")),
            config="accounts",
        ),
        talk(
            "account-reply-stays-inside",
            ("a", login("one") + b"SUB svc 1\r\n"),
            ("other", login("plain") + b"SUB svc 1\r\nSUB in 2\r\n"),
            ("b", ask + pub(b"svc", b"x", b"in")),
            ("a", pub(b"in", b"y")),
            config="accounts",
        ),
        talk(
            "account-queue-members-of-one-account",
            ("a", login("one") + b"SUB work q 1\r\n"),
            ("b", login("plain") + b"SUB work q 1\r\n"),
            ("c", login("one") + pub(b"work") * 5),
            config="accounts",
        ),
        talk(
            "account-changed-by-a-second-connect",
            ("one", login("one") + b"SUB foo 1\r\n"),
            ("plain", login("plain") + b"SUB foo 1\r\n"),
            ("a", login("one") + b"SUB foo 9\r\n" + pub(b"foo", b"1")),
            ("a", login("plain") + pub(b"foo", b"2")),
            ("one", pub(b"foo", b"3")),
            config="accounts",
        ),
        talk(
            "account-of-the-guest-then-another",
            ("one", login("one") + b"SUB open.x 1\r\n"),
            ("a", b"SUB open.x 1\r\n" + pub(b"open.x", b"1")),
            ("a", login("plain") + pub(b"open.x", b"2")),
            config="account_guest",
        ),
        row(
            "account-second-connect-wrong",
            login("one") + login("two", "x") + b"PING\r\n",
            "accounts",
        ),
    ]
    return rows


def _limit_rows() -> list[Row]:
    few = login("few", pedantic=False)
    return [
        row("account-payload-fits", few + b"SUB a 1\r\n" + pub(b"a", b"12345678"), "accounts"),
        row("account-payload-too-big", few + pub(b"a", b"123456789"), "accounts"),
        row(
            "account-payload-with-headers",
            login("few", headers=True) + hpub(b"a", b"NATS/1.0\r\n\r\n", b""),
            "accounts",
        ),
        row("account-payload-in-info", login("few", protocol=1) + b"PING\r\n", "accounts"),
        row(
            "account-subscriptions",
            few + b"SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nUNSUB 1\r\nSUB d 4\r\n" + pub(b"d"),
            "accounts",
        ),
        row("account-subscriptions-verbose", login("few", verbose=True) + b"SUB a 1\r\n" * 3
            + b"SUB b 2\r\nSUB c 3\r\n", "accounts"),
        talk(
            "account-connections",
            ("a", few + b"SUB a 1\r\n"),
            ("b", few + b"SUB a 1\r\n"),
            ("c", few + b"SUB a 1\r\n"),
            ("other", login("one")),
            ("b", pub(b"a")),
            config="accounts",
        ),
        talk(
            "account-connections-verbose",
            ("a", few),
            ("b", few),
            ("c", login("few", verbose=True)),
            config="accounts",
        ),
        talk(
            "account-connections-second-connect-of-the-same",
            ("a", few),
            ("b", few + few + b"PING\r\n"),
            config="accounts",
        ),
        talk(
            "account-connections-moved-in-by-a-second-connect",
            ("a", few),
            ("b", few),
            ("c", login("one") + few + b"PING\r\n"),
            config="accounts",
        ),
    ]  # fmt: skip


ROWS: list[Row] = [*_login_rows(), *_isolation_rows(), *_limit_rows()]
