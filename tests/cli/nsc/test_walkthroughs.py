"""The documented walkthroughs, end to end; the real server must accept the result."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pynats_common import jwt
from pynats_common.creds import decode_creds

from tests.support.deadline import PATIENCE_S
from tests.support.jetstream import connect

Nsc = Callable[..., Any]


def background(*arguments: str) -> subprocess.Popen[str]:
    """A `pynsc tool` process that has subscribed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pynsc", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "listening" in line, line + process.stdout.read()
    return process


def finished(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=PATIENCE_S)[0]
    finally:
        process.kill()


def setup_operator(nsc: Nsc, start_server: Callable[[str], Any]) -> Any:
    nsc("add", "operator", "O", "--sys")
    server = start_server(nsc("generate", "config", "--nats-resolver").out)
    nsc("edit", "operator", "--service-url", server.url)
    return server


def test_basics(nsc: Nsc, start_server: Callable[[str], Any]) -> None:
    first = nsc("add", "operator", "MyOperator").err
    assert 'generated and stored operator key "O' in first
    assert '[ OK ] added operator "MyOperator"' in first
    assert "at least version 2.2.0" in first
    nsc("add", "account", "-n", "SYS")
    nsc("edit", "operator", "--system-account", "SYS")
    assert '[ OK ] added account "MyAccount"' in nsc("add", "account", "MyAccount").err
    assert 'added user "MyUser" to account "MyAccount"' in nsc("add", "user", "MyUser").err
    assert "MyUser" in nsc("list", "keys").out
    assert "| Jetstream                 | Disabled" in nsc("describe", "account").out
    server = start_server(nsc("generate", "config", "--nats-resolver").out)
    out = nsc("edit", "operator", "--service-url", server.url).err
    assert f'[ OK ] added service url "{server.url}"' in out
    nsc("tool", "rtt", "--user", "MyUser", code=1)  # the server does not know the account yet
    assert "jwt updated" in nsc("push", "-a", "MyAccount", "-u", server.url).err
    receiver = background("sub", "--user", "MyUser", "--max-messages", "1", ">")
    nsc("pub", "--user", "MyUser", "hello", "NATS")
    assert "received on [hello]: 'NATS'" in finished(receiver)
    shown = nsc("add", "user", "s", "--allow-pub", "_INBOX.>", "--allow-sub", "q").err
    assert 'added pub "_INBOX.>"' in shown and 'added sub "q"' in shown
    assert "| Pub Allow            | _INBOX.>" in nsc("describe", "user", "s").out


def test_memory_resolver_config(nsc: Nsc, start_server: Callable[[str], Any]) -> None:
    nsc("init", "-n", "Team")
    server = start_server(nsc("generate", "config", "--mem-resolver").out)
    nsc("tool", "rtt", "--nats", server.url)


def test_streams_and_private_streams(
    nsc: Nsc, start_server: Callable[[str], Any], home: Path
) -> None:
    setup_operator(nsc, start_server)
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    assert 'added public stream export "abc"' in nsc(
        "add", "export", "--name", "abc", "--subject", "a.b.c.>").err  # fmt: skip
    nsc("add", "account", "B")
    nsc("add", "user", "b")
    a, b = (nsc("describe", "account", n, "-F", "sub").out.strip().strip('"') for n in "AB")
    assert '[ OK ] added stream import "a.b.c.>"' in nsc(
        "add", "import", "--src-account", a, "--remote-subject", "a.b.c.>").err  # fmt: skip
    nsc("add", "export", "--subject", "private.abc.*", "--private", "--account", "A")
    token = home / "activation.jwt"
    shown = nsc("generate", "activation", "--account", "A", "--target-account", b,
                "--subject", f"private.abc.{b}", "-o", str(token)).err  # fmt: skip
    assert f'generated "private.abc.*" activation for account "{b}"' in shown
    assert token.read_text().startswith("-----BEGIN NATS ACTIVATION JWT-----\n")
    assert "Hash ID" in nsc("describe", "jwt", "-f", str(token)).out
    nsc("add", "import", "--account", "B", "--token", str(token))
    assert "No     |" in nsc("describe", "account", "B").out
    nsc("push", "--all")
    for subject in ("a.b.c.hello", f"private.abc.{b}"):
        receiver = background(
            "sub", "--account", "B", "--user", "b", "--max-messages", "1", subject
        )
        nsc("pub", "--account", "A", "--user", "U", subject, "world")
        assert "'world'" in finished(receiver)


def test_services(nsc: Nsc, start_server: Callable[[str], Any], home: Path) -> None:
    setup_operator(nsc, start_server)
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    nsc("add", "export", "--name", "help", "--subject", "help", "--service")
    nsc("add", "export", "--subject", "private.help.*", "--private", "--service", "--account", "A")
    nsc("add", "account", "B")
    nsc("add", "user", "b")
    b = nsc("describe", "account", "B", "-F", "sub").out.strip().strip('"')
    nsc("add", "import", "--src-account", "A", "--remote-subject", "help", "--service")
    token = home / "activation.jwt"
    nsc("generate", "activation", "--account", "A", "--target-account", "B",
        "--subject", f"private.help.{b}", "-o", str(token))  # fmt: skip
    nsc("add", "import", "--account", "B", "-u", str(token), "--local-subject", "private.help",
        "--name", "private.help")  # fmt: skip
    nsc("push", "-A")
    for served, asked in (("help", "help"), ("private.help.*", "private.help")):
        server = background("reply", "--account", "A", "--user", "U", "--max-messages", "1",
                            served, "I will help")  # fmt: skip
        out = nsc("req", "--account", "B", "--user", "b", asked, "me").out
        assert "received reply: [_INBOX." in out and "'I will help'" in out
        finished(server)


def test_signing_keys_scopes_and_templates(
    nsc: Nsc, start_server: Callable[[str], Any], home: Path
) -> None:
    nsc("add", "operator", "O")
    out = nsc("generate", "nkey", "--operator", "--store").out.split()
    nsc("edit", "operator", "--sk", out[1])
    nsc("edit", "operator", "--require-signing-keys")
    nsc("add", "account", "SYS")
    assert "requires signing keys" in nsc("add", "user", "early", "-a", "SYS", code=1).err
    nsc("edit", "account", "SYS", "--sk", "generate")
    nsc("edit", "operator", "--system-account", "SYS")
    server = start_server(nsc("generate", "config", "--nats-resolver").out)
    nsc("edit", "operator", "--service-url", server.url)
    nsc("add", "account", "sales", "-K", out[1])
    assert out[1] in nsc("describe", "account", "sales").out
    nsc("edit", "account", "-n", "sales", "--sk", "generate")
    shown = nsc("edit", "signing-key", "--account", "sales", "--role", "team-service",
                "--sk", "generate", "--allow-sub", "{{account-name()}}.{{tag(team)}}.{{name()}}.>",
                "--deny-pub", "x", "--allow-pub-response").err  # fmt: skip
    assert "set max responses to 1" in shown
    nsc("add", "user", "pam", "-K", "team-service", "--tag", "team:support")
    described = nsc("describe", "user", "pam").out
    assert "Issuer Scoped" in described and "| team-service" in described
    assert (
        "scoped" in nsc("add", "user", "bad", "-K", "team-service", "--allow-pub", "a", code=1).err
    )
    nsc("push", "-a", "sales")
    receiver = background("sub", "--user", "pam", "--max-messages", "1", "sales.support.pam.>")
    nsc("edit", "account", "sales", "--tag", "x")
    nsc("add", "user", "plain", "-a", "sales")
    nsc("pub", "--user", "plain", "sales.support.pam.1", "hi")
    assert "'hi'" in finished(receiver)


def test_revocation_takes_effect_with_push(nsc: Nsc, start_server: Callable[[str], Any]) -> None:
    setup_operator(nsc, start_server)
    nsc("add", "account", "A")
    nsc("add", "user", "U")
    nsc("push", "-a", "A")
    nsc("tool", "rtt")
    nsc("revocations", "add-user", "-n", "U")
    assert "Revoke Credentials Before" in nsc("revocations", "list-users").out
    nsc("push", "-a", "A")
    assert "Error:" in nsc("tool", "rtt", code=1).err
    nsc("revocations", "delete-user", "-n", "U")
    nsc("push", "-a", "A")
    nsc("tool", "rtt")


def test_push_diff_prune_and_pull(nsc: Nsc, start_server: Callable[[str], Any], home: Path) -> None:
    setup_operator(nsc, start_server)
    nsc("add", "account", "A")
    nsc("add", "account", "B")
    nsc("push", "-A")
    store = home / ".local/share/nats/nsc/stores/O"
    gone = jwt.decode((store / "accounts/B/B.jwt").read_text()).sub
    nsc("delete", "account", "B")
    assert f"{gone} only exists in server" in nsc("push", "--diff").err
    nsc("pull", "-A")
    assert "B" in nsc("list", "accounts").out
    nsc("delete", "account", "B")
    assert "deleted 1 accounts" in nsc("push", "--prune").err
    assert "only exists in server" not in nsc("push", "--diff").err


def test_managed_operator_signs_what_is_pushed(
    nsc: Nsc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    from pynats_common.nkeys import Prefix, create_pair

    key = create_pair(Prefix.OPERATOR)
    accounts: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def answer(self, text: str, code: int = 200) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self) -> None:
            if self.path.endswith("/operator"):
                claims = jwt.OperatorClaims(sub=key.public_key, name="Zoom")
                claims.nats.account_server_url = f"http://127.0.0.1:{port}/jwt/v1"
                self.answer(jwt.encode(claims, key))
            else:
                self.answer(accounts[self.path.rpartition("/")[2]])

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            claims = jwt.decode_as(jwt.AccountClaims, text)
            claims.nats.limits.conn = 5
            accounts[claims.sub] = jwt.encode(claims, key)
            self.answer("created a new account for your JWT")

        def log_message(self, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = httpd.server_address[1]
    Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        monkeypatch.setenv("nsc_zoom_operator", f"http://127.0.0.1:{port}/jwt/v1/operator")
        shown = nsc("init", "-o", "zoom", "-n", "First").err
        assert "pushed account jwt to the account server" in shown
        assert "> created a new account" in shown
        out = nsc("describe", "account", "First").out
        assert key.public_key in out and "| Max Connections           | 5" in out
        nsc("edit", "account", "First", "--description", "mine")
        nsc("pull", "-a", "First")
    finally:
        httpd.shutdown()
        httpd.server_close()
    warned = nsc("edit", "account", "First", "--description", "later").err
    assert "[WARN] account server:" in warned


def test_the_created_creds_connect_with_the_plain_client_library(
    nsc: Nsc, start_server: Callable[[str], Any], home: Path
) -> None:
    import asyncio

    server = setup_operator(nsc, start_server)
    nsc("add", "account", "A")
    nsc("edit", "account", "A", "--js-enable", "0")
    nsc("add", "user", "U", "--expiry", "1y")
    nsc("push", "-a", "A")
    path = home / ".local/share/nats/nsc/keys/creds/O/A/U.creds"
    assert decode_creds(path.read_text()).jwt

    async def use() -> None:
        client = await connect(server.url, user_credentials=str(path))
        await client.flush()
        await client.close()

    asyncio.run(use())
