"""Accounts of a running server: effects of reloads on clients, logs, embedding."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from pynats_server import Options, Server
from pynats_server.accounts.registry import AccountRegistry
from pynats_server.auth import ConnectOptions, Hello, Refusal, Verdict
from pynats_server.auth.chain import Chain
from pynats_server.options import (
    AccountLimits,
    AccountOptions,
    Authorization,
    ConnectionLimits,
    JetStreamOptions,
    Permissions,
    SubjectPermission,
    User,
)

from tests.support.client import Client
from tests.support.deadline import PATIENCE_S, wait_until, wait_until_async
from tests.support.jetstream import connect
from tests.support.process import PYNATS, ServerProcess
from tests.support.raw import RawClient

USERS = """
accounts {
  A { users: [{user: ann, password: secret-1}, {user: bob, password: secret-2 %s}] %s }
  B { users: [{user: cat, password: secret-3} %s] }
}
"""
PASSWORDS = {"ann": "secret-1", "bob": "secret-2", "cat": "secret-3", "dan": "secret-4"}


def config(bob: str = "", a: str = "", b: str = "", more: str = "") -> str:
    return USERS % (bob, a, b) + more


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(PYNATS, tmp_path, config()) as process:
        yield process
        log = process.log()
        assert not [secret for secret in PASSWORDS.values() if secret in log]
        assert "internal error" not in log


def login(server: ServerProcess, user: str) -> RawClient:
    client = RawClient(server.port)
    client.read_info()
    options = {"verbose": False, "protocol": 1, "user": user, "pass": PASSWORDS[user]}
    client.send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
    client.fence()
    return client


def reload(server: ServerProcess, text: str, outcome: str = "Reloaded server config") -> None:
    before = server.log().count(outcome)
    server.write_config(text)
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log().count(outcome) > before, outcome)


def account(client: RawClient) -> str:
    """The account that the last INFO named."""
    lines = [line for line in bytes(client.received).split(b"\r\n") if b"remote_account" in line]
    return str(json.loads(lines[-1][5:])["remote_account"])


def test_a_user_that_moves_is_sent_away_without_blame(server: ServerProcess) -> None:
    moved = config(b=", {user: bob, password: secret-2}").replace(
        ", {user: bob, password: secret-2 }]", "]"
    )
    with login(server, "ann") as ann, login(server, "bob") as bob:
        assert (account(ann), account(bob)) == ("A", "A")
        reload(server, moved)
        assert bob.read_to_end() and b"-ERR" not in bob.received
        ann.send(b"PING\r\n")
        ann.fence()
    with login(server, "bob") as bob:
        assert account(bob) == "B"


def test_who_is_no_user_any_more_has_to_go(server: ServerProcess) -> None:
    with login(server, "bob") as bob, login(server, "cat") as cat:
        reload(server, "accounts { A { users: [{user: ann, password: secret-1}] } }\n")
        # Without a word, as with the real server.
        assert bob.read_to_end() and b"-ERR" not in bob.received
        assert cat.read_to_end() and b"-ERR" not in cat.received


def test_permissions_of_a_user_of_an_account_change(server: ServerProcess) -> None:
    with login(server, "bob") as bob, login(server, "ann") as ann:
        bob.send(b"SUB open 1\r\nSUB shut 2\r\n")
        bob.fence()
        reload(server, config(bob=', permissions: {subscribe: "open", publish: "x"}'))
        bob.fence()
        assert b'-ERR \'Permissions Violation for Subscription to "shut"' in bob.received
        ann.send(b"PUB open 2\r\nhi\r\nPUB shut 2\r\nno\r\n")
        ann.fence()
        bob.fence()
        assert b"MSG open 1 2" in bob.received and b"MSG shut" not in bob.received


def test_limits_of_an_account_change(server: ServerProcess) -> None:
    with login(server, "ann") as old, login(server, "bob") as new, login(server, "cat") as cat:
        old.send(b"SUB a 1\r\nSUB b 2\r\n")
        old.fence()
        reload(server, config(a=", limits {max_connections: 1, max_payload: 5, max_subs: 2}"))
        assert new.read_to_end()
        assert b"-ERR 'maximum account active connections exceeded'" in new.received
        old.send(b"SUB c 3\r\nPUB a 5\r\n12345\r\n")
        old.fence()
        assert b"-ERR 'maximum subscriptions exceeded'" in old.received
        assert b"MSG a 1 5" in old.received and b'"max_payload":5,' in old.received
        assert b'"max_payload":5,' not in cat.received
        old.send(b"PUB a 6\r\n123456\r\n", pongs=0)
        assert old.read_to_end() and b"-ERR 'Maximum Payload Violation'" in old.received


def test_fewer_subscriptions_than_a_client_has(server: ServerProcess) -> None:
    with login(server, "ann") as ann:
        ann.send(b"SUB a 1\r\nSUB b 2\r\n")
        ann.fence()
        reload(server, config(a=", limits {max_subs: 1}"))
        assert ann.read_to_end() and b"-ERR 'maximum subscriptions exceeded'" in ann.received


def test_the_system_account_can_get_users_but_no_other_name(server: ServerProcess) -> None:
    admin = "accounts { $SYS { users: [{user: dan, password: secret-4}] } }\n"
    reload(server, admin)
    with login(server, "dan") as dan:
        assert account(dan) == "$SYS" and b'"acc_is_sys":true' in dan.received
    with RawClient(server.port) as anybody:  # this locked no clients out
        anybody.read_info()
        anybody.send(b'CONNECT {"verbose":false,"protocol":1}\r\nSUB a 1\r\n')
        anybody.fence()
        assert account(anybody) == "$G"
        reload(server, admin + "\n")
        anybody.fence()
    refused = "config reload not supported for SystemAccount: old=, new=ADMIN"
    reload(server, "accounts { ADMIN {} }\nsystem_account: ADMIN\n", refused)
    login(server, "dan").close()


def test_log_lines_name_account_and_user(tmp_path: Path) -> None:
    with ServerProcess(PYNATS, tmp_path, config(more="debug: true\n")) as server:
        with Client(server.port, "ann", "secret-1", "me"):
            pass
        text = ' - "v1.0.0:test:me" - "A/user:ann" - Client connection closed: Client Closed'
        wait_until(lambda: text in server.log(), text)


# -- in a program -------------------------------------------------------------------------------


def test_embedded_accounts(tmp_path: Path) -> None:
    limits = ConnectionLimits(max_connections=1)
    options = Options(
        host="127.0.0.1",
        port=-1,
        accounts={
            "A": AccountOptions([User("a", "p")], jetstream=AccountLimits(max_streams=1)),
            "B": AccountOptions([User("b", "p")], limits=limits),
        },
        jetstream=JetStreamOptions(enabled=True, store_dir=tmp_path),
    )
    asyncio.run(_two_accounts(options))


async def _two_accounts(options: Options) -> None:
    async with Server(options) as server:
        a = await connect(server.client_url, user="a", password="p")
        b = await connect(server.client_url, user="b", password="p")
        info = await a.jetstream().account_info()
        assert info.limits.max_streams == 1
        await a.jetstream().add_stream(name="S", subjects=["s"])
        with pytest.raises(nats.js.errors.APIError, match="maximum number of streams reached"):
            await a.jetstream().add_stream(name="T", subjects=["t"])
        with pytest.raises(nats.js.errors.ServiceUnavailableError, match="not enabled for account"):
            await b.jetstream().account_info()
        heard = await b.subscribe(">")
        await b.flush()
        await a.publish("s", b"")
        await a.flush()
        await b.publish("own", b"")
        assert (await heard.next_msg(PATIENCE_S)).subject == "own"
        for client in (a, b):
            await client.close()


def test_creations_under_way_while_jetstream_is_switched_off(tmp_path: Path) -> None:
    """Every positive answer is true: the stream is on disk when the account returns."""
    options = Options(
        host="127.0.0.1",
        port=-1,
        accounts={"A": AccountOptions([User("a", "p")], jetstream=AccountLimits()),
                  "B": AccountOptions([User("b", "p")], jetstream=AccountLimits())},
        jetstream=JetStreamOptions(enabled=True, store_dir=tmp_path),
    )  # fmt: skip
    without = Options(
        host="127.0.0.1", port=options.port, jetstream=options.jetstream,
        accounts={"A": AccountOptions([User("a", "p")]), "B": options.accounts["B"]},
    )  # fmt: skip
    asyncio.run(_create_and_switch_off(options, without))


async def _create_and_switch_off(options: Options, without: Options) -> None:
    async with Server(options) as server:
        client = await connect(server.client_url, user="a", password="p")

        async def create(index: int) -> str | None:
            body = json.dumps({"name": f"S{index}", "subjects": [f"s.{index}"]}).encode()
            reply = await client.request(f"$JS.API.STREAM.CREATE.S{index}", body)
            answer: dict[str, Any] = json.loads(reply.data)
            return answer["config"]["name"] if "config" in answer else None

        creations = [asyncio.ensure_future(create(index)) for index in range(20)]
        await creations[3]
        server.load_options = lambda: without
        assert server.reload()
        made = {name for name in await asyncio.gather(*creations) if name}
        assert "S3" in made
        assert server.state.jetstream is not None and "A" not in server.state.jetstream.accounts
        server.load_options = lambda: options
        assert server.reload()
        accounts = server.state.jetstream.accounts
        await wait_until_async(lambda: "A" in accounts, "the account's streams again")
        back = accounts["A"]
        assert made <= back.streams.keys() and not back.broken
        await client.close()


# -- whom credentials belong to -----------------------------------------------------------------


def _verdict(options: Options, **connect: str) -> Verdict | None:
    found = Chain(options, "guest-1").verify(Hello(ConnectOptions(**connect)))
    assert isinstance(found, Verdict | Refusal)
    return found if isinstance(found, Verdict) else None


def test_a_token_beside_users() -> None:
    options = Options(
        authorization=Authorization(token="tok"),
        accounts={"A": AccountOptions([User("a", "p")])},
    )
    by_token = _verdict(options, auth_token="tok")
    by_name = _verdict(options, user="a", password="p")
    assert by_token is not None and by_token.account == "$G"
    assert by_name is not None and (by_name.account, by_name.user) == ("A", "a")
    assert _verdict(options, user="a", password="tok") is None
    assert _verdict(options, user="a", auth_token="tok") is None
    assert _verdict(options) is None


def test_default_permissions_of_an_account() -> None:
    usual = Permissions(publish=SubjectPermission(allow=["a"]))
    account = AccountOptions([User("a", "p"), User("b", "p", Permissions())], usual)
    options = Options(accounts={"A": account})
    first, second = (
        _verdict(options, user="a", password="p"),
        _verdict(options, user="b", password="p"),
    )
    assert first is not None and first.permissions is not None
    assert second is not None and second.permissions is not None


@pytest.mark.parametrize(
    ("options", "guest"),
    [
        (Options(accounts={"$SYS": AccountOptions([User("s", "p")])}), "guest-1"),
        (Options(accounts={"X": AccountOptions([User("s", "p")])}, system_account="X"), "guest-1"),
        (Options(accounts={"X": AccountOptions([User("s", "p")])}), ""),
        (
            Options(
                accounts={"$SYS": AccountOptions([User("s", "p")])},
                authorization=Authorization(present=True),
            ),
            "",
        ),
        (
            Options(
                accounts={"$SYS": AccountOptions([User("s", "p")])},
                authorization=Authorization(users=[User("u", "p")]),
            ),
            "",
        ),
        (Options(accounts={"$SYS": AccountOptions([User("s", "p")]), "A": AccountOptions()}), ""),
    ],
)
def test_who_may_come_without_credentials(options: Options, guest: str) -> None:
    """CVE-2023-47090: users of the system account must not open a closed server to others."""
    authenticator = Chain(options, "guest-1")
    assert (authenticator.admits_silent, authenticator.required) == (bool(guest), True)
    found = _verdict(options)
    assert (found.user if found is not None else "") == guest


def test_a_reload_looks_at_no_account_of_operator_mode() -> None:
    """There may be ten thousand of them, and their JWTs say what holds."""
    accounts = AccountRegistry(Options())
    configured = set(accounts)
    accounts.claim("A" * 56, Options())
    assert set(accounts.configured()) == configured
    assert accounts.surplus(Options()) == []
    assert len(accounts) == len(configured) + 1
