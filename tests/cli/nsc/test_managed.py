"""Operators that somebody else manages: joining, pushing to and pulling from account servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.nkeys import KeyPair, Prefix, create_pair, from_seed

from tests.cli.nsc.test_concurrency import all_succeed

Nsc = Callable[..., Any]


class AccountServer:
    """Signs what is posted, with the operator's key; counts who asked for what."""

    def __init__(self) -> None:
        self.key = create_pair(Prefix.OPERATOR)
        self.claims = jwt.OperatorClaims(sub=self.key.public_key, name="Zoom")
        self.accounts: dict[str, str] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                kind, _, name = self.path.removeprefix("/jwt/v1/").partition("/")
                if kind == "operator":
                    self.answer(200, jwt.encode(server.claims, server.key))
                elif kind == "accounts" and name in server.accounts:
                    self.answer(200, server.accounts[name])
                else:
                    self.answer(404, "no such thing")

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.sign(text, server.key)
                self.answer(200, "stored")

            def answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/jwt/v1"
        self.claims.nats.account_server_url = self.url
        self.thread = Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def sign(self, text: str, key: KeyPair, **changes: Any) -> None:
        claims = jwt.decode_as(jwt.AccountClaims, text)
        for name, value in changes.items():
            setattr(claims, name, value)
        self.accounts[claims.sub] = jwt.encode(claims, key)

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def zoom() -> Iterator[AccountServer]:
    server = AccountServer()
    yield server
    server.close()


def stores(home: Path) -> Path:
    return home / ".local/share/nats/nsc/stores"


@pytest.mark.parametrize("place", ["", "/operator"])
def test_init_with_a_url_joins_the_managed_operator(
    place: str, nsc: Nsc, zoom: AccountServer, home: Path
) -> None:
    shown = nsc("init", "-u", zoom.url + place, "-n", "Mine").err
    assert 'imported operator "Zoom"' in shown and "generate config" not in shown
    root = stores(home) / "Zoom"
    assert json.loads((root / ".nsc").read_text())["managed"] is True
    account = jwt.decode((root / "accounts/Mine/Mine.jwt").read_text())
    assert account.iss == zoom.key.public_key and account.sub in zoom.accounts
    assert [path.name for path in stores(home).iterdir()] == ["Zoom"]
    # A second one joins the same store; nothing that is there is replaced.
    nsc("init", "-u", zoom.url, "-n", "Other")
    assert nsc("init", "-u", zoom.url, "-n", "Mine", code=1).err.startswith("Error: account")
    assert sorted(zoom.accounts) == sorted(
        jwt.decode((root / f"accounts/{name}/{name}.jwt").read_text()).sub
        for name in ("Mine", "Other")
    )


def test_init_replaces_no_operator_by_another_of_the_same_name(
    nsc: Nsc, zoom: AccountServer, home: Path
) -> None:
    nsc("add", "operator", "Zoom")
    before = (stores(home) / "Zoom/Zoom.jwt").read_text()
    assert "your own" in nsc("init", "-u", zoom.url, "-n", "A", code=1).err
    assert (stores(home) / "Zoom/Zoom.jwt").read_text() == before
    nsc("init", "-u", zoom.url, "-n", "A", "-d", str(home / "elsewhere"))
    zoom.key = create_pair(Prefix.OPERATOR)
    zoom.claims.sub = zoom.key.public_key
    error = nsc("init", "-u", zoom.url, "-n", "B", "-d", str(home / "elsewhere"), code=1).err
    assert "another operator" in error
    assert "not the http url" in nsc("init", "-u", "nats://127.0.0.1:1", "-n", "C", code=1).err
    assert "exclude" in nsc("init", "-u", zoom.url, "-o", "synadia", code=1).err

    error = nsc("init", "-u", "http://127.0.0.1:1", "-d", str(home / "new"), code=1).err
    assert "cannot reach" in error and not (home / "new").exists()


def test_pull_of_all_fetches_the_operator_first_and_goes_on_after_a_bad_account(
    nsc: Nsc, zoom: AccountServer, home: Path
) -> None:
    nsc("init", "-u", zoom.url, "-n", "A")
    for name in ("B", "C"):
        nsc("add", "account", name)
    paths = {name: stores(home) / f"Zoom/accounts/{name}/{name}.jwt" for name in "ABC"}
    publics = {name: jwt.decode(path.read_text()).sub for name, path in paths.items()}
    signing = create_pair(Prefix.OPERATOR)
    zoom.claims.nats.signing_keys = [signing.public_key]
    for name in "BC":  # a new signing key of the operator: this store does not know it yet
        zoom.sign(paths[name].read_text(), signing, aud="new")
    zoom.accounts[publics["A"]] = "nonsense"
    zoom.asked.clear()
    shown = nsc("pull", "-A", code=1).err
    assert zoom.asked[0].endswith("/operator")
    assert 'pulled operator "Zoom"' in shown and 'account "A": ' in shown
    for name in "BC":
        assert f'pulled account "{name}"' in shown
        assert jwt.decode(paths[name].read_text()).aud == "new"
    operator = jwt.decode_as(jwt.OperatorClaims, (stores(home) / "Zoom/Zoom.jwt").read_text())
    assert operator.nats.signing_keys == [signing.public_key]
    # Another operator than the one that is here is told and not taken.
    zoom.key = create_pair(Prefix.OPERATOR)
    zoom.claims.sub = zoom.key.public_key
    assert "has another one" in nsc("pull", "-A", code=1).err
    assert jwt.decode((stores(home) / "Zoom/Zoom.jwt").read_text()).sub == operator.sub


def test_one_of_several_account_servers_is_enough_to_push_and_to_pull(
    nsc: Nsc, zoom: AccountServer, home: Path
) -> None:
    nsc("init", "-u", zoom.url, "-n", "A")
    both = f"http://127.0.0.1:1/jwt/v1, {zoom.url}/"
    path = stores(home) / "Zoom/accounts/A/A.jwt"
    public = jwt.decode(path.read_text()).sub
    zoom.accounts.clear()
    nsc("push", "-A", "-u", both)
    zoom.sign(path.read_text(), zoom.key, aud="theirs")
    nsc("pull", "-A", "-u", both)
    assert public in zoom.accounts and jwt.decode(path.read_text()).aud == "theirs"
    zoom.claims.nats.account_server_url = both  # and so where the operator names them
    nsc("pull", "-A")
    nsc("pull", "-a", "A")
    assert "pushed account jwt" in nsc("edit", "account", "A", "--tag", "x").err
    assert jwt.decode(zoom.accounts[public]).tags == ["x"]
    mixed = f"{zoom.url},nats://127.0.0.1:1"
    for command in ("push", "pull"):
        assert "cannot be mixed" in nsc(command, "-A", "-u", mixed, code=1).err


def test_pulls_and_edits_at_the_same_time_are_all_kept(
    nsc: Nsc, zoom: AccountServer, home: Path
) -> None:
    nsc("add", "operator", "O")
    each = range(7)
    for number in each:
        nsc("add", "account", f"A{number}")
    paths = [stores(home) / f"O/accounts/A{number}/A{number}.jwt" for number in each]
    operator = jwt.decode((stores(home) / "O/O.jwt").read_text()).sub
    key = home / f".local/share/nats/nsc/keys/keys/O/{operator[1:3]}/{operator}.nk"
    zoom.key = from_seed(key.read_text())
    for path in paths:  # as the server has them
        zoom.sign(path.read_text(), zoom.key, aud="theirs")
    all_succeed([
        *(["pull", "-a", f"A{number}", "-u", zoom.url, "-F"] for number in each),
        *(["add", "user", f"U{number}", "-a", f"A{number}"] for number in each),
        *(["edit", "operator", "--tag", f"t{number}"] for number in each),
    ])  # fmt: skip
    assert [jwt.decode(path.read_text()).aud for path in paths] == ["theirs"] * len(paths)
    assert all((path.parent / "users" / f"U{path.stem[1:]}.jwt").exists() for path in paths)
    tags = jwt.decode((stores(home) / "O/O.jwt").read_text()).tags
    assert set(tags) == {f"t{number}" for number in each}


def test_push_of_all_goes_on_after_an_account_that_is_refused(
    nsc: Nsc, zoom: AccountServer, home: Path
) -> None:
    nsc("add", "operator", "O")
    for name in "AB":
        nsc("add", "account", name)
    (stores(home) / "O/accounts/A/A.jwt").write_text("nonsense")
    shown = nsc("push", "-A", "-u", zoom.url, code=1).err
    assert 'account "A": ' in shown and 'pushed account "B"' in shown


def test_several_nats_servers_are_tried_in_push_and_pull(
    nsc: Nsc, start_server: Callable[[str], Any], home: Path
) -> None:
    nsc("add", "operator", "O", "--sys")
    nsc("add", "account", "A")
    server = start_server(nsc("generate", "config", "--nats-resolver").out)
    urls = f"nats://127.0.0.1:1,{server.url}"
    nsc("edit", "operator", "--account-jwt-server-url", urls)
    assert "pushed" in nsc("push", "-A").err
    assert 'pulled account "A"' in nsc("pull", "-A").err
    (stores(home) / "O/accounts/A/A.jwt").unlink()
    assert 'pulled account "A"' in nsc("pull", "-A").err
