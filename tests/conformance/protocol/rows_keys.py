"""Log-ins with keys and through proxies, and what CONNECT may say besides."""

from __future__ import annotations

from tests.conformance.protocol.rows_auth import login
from tests.conformance.protocol.rows_connect import connect
from tests.support.script import Row, Send, row, talk
from tests.support.signing import SHAPES, public_key

_USE = b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n"
_UNKNOWN = "nobody"
_CHANCE = (
    "padded",
    "unpadded",
)  # good ones now and then: see tests/unit/clients/test_key_logins.py


def key_login(name: str, shape: str = "", conn: str = "", **options: object) -> bytes:
    """CONNECT with a key and a signature of the nonce."""
    sign = " ".join(part for part in ("@SIGN", name, shape) if part or part == shape)
    sign += f" {conn}@" if conn else "@"
    return connect(nkey=public_key(name), sig=sign, **options)


def _key_rows() -> list[Row]:
    good = key_login("ann")
    cases: dict[str, bytes] = {
        "good": good,
        "without-signature": connect(nkey=public_key("ann")),
        "signature-null": connect(nkey=public_key("ann"), sig=None),
        "lower-case": connect(nkey=public_key("ann").lower(), sig="@SIGN ann@"),
        "unknown": key_login(_UNKNOWN),
        "junk": connect(nkey="junk", sig="@SIGN ann@"),
        "not-a-key-of-a-user": connect(nkey="A" + public_key("ann")[1:], sig="@SIGN ann@"),
        "signed-by-another": connect(nkey=public_key("ann"), sig="@SIGN bob@"),
        "signature-alone": connect(sig="@SIGN ann@"),
        "good-in-an-account": key_login("carl"),
        "good-and-password": key_login("ann", user="pat", **{"pass": "secret"}),
        "wrong-and-good-password": connect(
            nkey=public_key("ann"), sig="x", user="pat", **{"pass": "secret"}
        ),
        "unknown-and-good-password": connect(nkey="UX", user="pat", **{"pass": "secret"}),
        "empty-and-good-password": connect(nkey="", sig="x", user="pat", **{"pass": "secret"}),
        "good-and-token": key_login("ann", auth_token="x"),
        "good-and-jwt": key_login("ann", jwt="x.y.z"),
        "password": login("pat", "secret"),
        "password-and-signature": login("pat", "secret", sig="@SIGN ann@"),
        "name-is-key": connect(user=public_key("ann"), sig="@SIGN ann@"),
        "nothing": connect(),
        "of-websockets-only": key_login("wes"),
        "through-a-proxy-only": key_login("pia"),
        "twice": good + good,
        "then-wrong": good + connect(nkey=public_key("ann"), sig="x") + b"PING\r\n",
        "then-nothing": good + b"CONNECT {}\r\nPING\r\n",
        "then-another": good + b"SUB foo 1\r\n" + key_login("carl") + b"PUB foo 1\r\nx\r\n",
        "then-password": good + login("pat", "secret"),
        "then-password-without-key": good + connect(nkey="", user="pat", **{"pass": "secret"}),
        "password-then-key": login("pat", "secret") + good,
        "account": key_login("ann", account="A"),
        "account-empty": key_login("ann", account=""),
        "new-account": key_login("ann", new_account=True),
        "protocol-2": key_login("ann", protocol=2),
        "wrong-and-protocol-2": connect(nkey=public_key("ann"), sig="x", protocol=2),
        "no-responders": key_login("ann", no_responders=True),
        "verbose": key_login("ann", verbose=True),
        "ping-first": b"PING\r\n" + good,
        "restricted": key_login("rob") + b"SUB open.x 1\r\nSUB other 2\r\n",
    }
    rows = [row(f"key-{name}", data + _USE, "keys") for name, data in cases.items()]
    rows += [
        row(f"key-signature-{shape or 'plain'}", key_login("ann", shape) + _USE, "keys")
        for shape in (*SHAPES, "decoded")
        if shape not in _CHANCE
    ]
    rows.append(
        talk(
            "key-nonce-of-another-connection",
            Send("b", b"", fence=False),
            ("a", key_login("ann", "", "b") + _USE),
            config="keys",
        )
    )
    return rows


def _guest_rows() -> list[Row]:
    guest = public_key("ann")
    cases: dict[str, bytes] = {
        "nothing": connect(),
        "ping-first": b"PING\r\n",
        "sub-first": b"SUB foo 1\r\n",
        "its-key-alone": connect(nkey=guest),
        "its-key-and-a-wrong-signature": connect(nkey=guest, sig="x"),
        "its-key-signed": key_login("ann"),
        "another-key": connect(nkey=public_key(_UNKNOWN)),
        "user": login("pat", "secret"),
        "user-wrong": login("pat", "x"),
        "token": connect(auth_token="x"),
        "password-alone": connect(**{"pass": "x"}),
        "jwt": connect(jwt="x"),
        "signature-alone": connect(sig="x"),
        "then-user": connect() + login("pat", "secret"),
    }
    return [row(f"key-guest-{name}", data + _USE, "key_guest") for name, data in cases.items()]


def _only_keys_rows() -> list[Row]:
    cases: dict[str, bytes] = {
        "good": key_login("ann"),
        "password": login("ann", "x"),
        "token": connect(auth_token="x"),
        "nothing": connect(),
    }
    rows = [row(f"key-only-{name}", data + _USE, "only_keys") for name, data in cases.items()]
    rows += [
        row(f"key-without-keys-{name}", data + _USE, config)
        for name, config, data in (
            ("no-auth", "plain", connect(nkey=public_key("ann"), sig="x")),
            ("user", "user", connect(nkey="x", sig="x", user="ann", **{"pass": "secret"})),
        )
    ]
    rows += [
        row(f"key-of-the-system-account-{name}", data + _USE, "system_keys")
        for name, data in (("good", key_login("ann")), ("nothing", connect()), ("ping", b""))
    ]
    return rows


def _proxy_rows() -> list[Row]:
    def by(proxy: str, shape: str = "") -> str:
        return f"@SIGN {proxy} {shape}@" if shape else f"@SIGN {proxy}@"

    password = {"user": "pat", "pass": "secret"}
    cases: dict[str, bytes] = {
        "signed": connect(proxy_sig=by("gate"), **password),
        "signed-by-the-second": connect(proxy_sig=by("door"), **password),
        "signed-by-nobody": connect(proxy_sig=by(_UNKNOWN), **password),
        "junk": connect(proxy_sig="!", **password),
        "empty": connect(proxy_sig="", **password),
        "padded": connect(proxy_sig=by("gate", "padded"), **password),
        "standard": connect(proxy_sig=by("gate", "standard"), **password),
        "in-lines": connect(proxy_sig=by("gate", "lines"), **password),
        "nothing-else": connect(proxy_sig=by("gate")),
        "wrong-password": connect(proxy_sig=by("gate"), user="pat", **{"pass": "x"}),
        "required": login("pia", "secret"),
        "required-signed": login("pia", "secret", proxy_sig=by("gate")),
        "required-signed-wrong-password": login("pia", "x", proxy_sig=by("gate")),
        "required-wrong-password": login("pia", "x"),
        "required-key": key_login("ned"),
        "required-key-signed": key_login("ned", proxy_sig=by("gate")),
        "then-not": connect(proxy_sig=by("gate"), **password) + connect(proxy_sig=""),
        "then-required": connect(proxy_sig=by("gate"), **password) + login("pia", "secret"),
        "then-junk": connect(proxy_sig=by("gate"), **password) + connect(proxy_sig="x"),
    }
    rows = [row(f"proxy-{name}", data + _USE, "proxied") for name, data in cases.items()]
    rows += [
        row(f"proxy-{config}-{name}", data + _USE, config)
        for config, says in (
            ("proxied_open", {}),
            ("proxied_user", {"user": "ann", "pass": "secret"}),
            ("proxied_token", {"auth_token": "tok"}),
            ("proxied_guest", {}),
            ("unproxied", {"user": "pia", "pass": "secret"}),
        )
        for name, data in (
            ("plain", connect(**says)),
            ("signed", connect(proxy_sig=by("gate"), **says)),
            ("junk", connect(proxy_sig="x", **says)),
            ("ping-first", b"PING\r\n" + connect(**says)),
            ("wrong", connect(**{**says, "user": "x", "pass": "y"})),
        )
    ]
    return rows


def _connect_rows() -> list[Row]:
    """What counts in every mode."""
    return [
        row(f"login-{config}-{name}", connect(**{**says, **more}) + _USE, config)
        for config, says in (
            ("plain", {}),
            ("user", {"user": "ann", "pass": "secret"}),
            ("token", {"auth_token": "tok"}),
        )
        for name, more in (
            ("account", {"account": "A"}),
            ("account-empty", {"account": ""}),
            ("account-null", {"account": None}),
            ("new-account", {"new_account": True}),
            ("new-account-false", {"new_account": False}),
            ("account-number", {"account": 5}),
            ("protocol-2", {"protocol": 2}),
            ("protocol-minus", {"protocol": -1}),
            ("no-responders", {"no_responders": True}),
            ("jwt", {"jwt": "a.b.c", "sig": "x", "nkey": "y"}),
            ("user-number", {"user": 1}),
            ("jwt-number", {"jwt": 1}),
            ("sig-list", {"sig": []}),
            ("nkey-object", {"nkey": {}}),
            ("proxy-sig-number", {"proxy_sig": 1}),
            ("proxy-sig", {"proxy_sig": "x"}),
        )
    ]


ROWS: list[Row] = [
    *_key_rows(),
    *_guest_rows(),
    *_only_keys_rows(),
    *_proxy_rows(),
    *_connect_rows(),
]
