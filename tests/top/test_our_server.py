"""A server of ours in this process: monitoring with credentials and TLS, and a server that ends and
starts again."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from pynats_cli.global_options import GlobalOptions
from pynats_common.network.tls import ClientTls
from pynats_server.options import HttpAuth, Options
from pynats_server.server.server import Server
from pynats_server.tls.options import TlsOptions
from pynats_top.collect.http import HttpSource
from pynats_top.collect.poller import Poller
from pynats_top.collect.source import PARTS, SourceError, Want
from pynats_top.collect.system import SystemAccount
from pynats_top.options import TopOptions

from tests.support.authorities import Authority
from tests.support.deadline import wait_until_async
from tests.support.monitoring import serve
from tests.support.on_loop import on_loop
from tests.support.process import lasting_port
from tests.top.conftest import CONFIG

AUTH = HttpAuth(user="ops", password="p:ä", token="t0ken")


async def polled(url: str, **more: object) -> str:
    """The server's name, or why there is none."""
    source = HttpSource(url, **more)  # type: ignore[arg-type]
    try:
        poll = await source.poll(Want())
        assert poll.connz is not None
        return str(poll.varz["server_name"])
    except SourceError as error:
        return str(error)
    finally:
        await source.close()


def test_credentials_for_monitoring(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        here = f"127.0.0.1:{server.http_port}"
        for good in ("ops:p%3A%C3%A4@", "t0ken@"):
            assert await polled(f"http://{good}{here}") == "n1"
        assert await polled(f"http://{here}", login=("ops", "p:ä")) == "n1"
        for bad in ("", "ops:wrong@", "other@"):
            told = await polled(f"http://{bad}{here}")
            assert told.startswith(f"http://{here} wants other credentials (401): a user")
            assert "wrong" not in told

    serve(tmp_path, scenario, http_auth=AUTH, server_name="n1")


def test_tls(tmp_path: Path) -> None:
    ours, others = Authority(), Authority()
    certificate, key = ours.issue().write(tmp_path, "server")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(ours.pem)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(others.pem)

    @on_loop
    async def scenario() -> None:
        options = Options(
            host="127.0.0.1", port=-1, https_port=-1, server_name="n1",
            tls=TlsOptions(cert_file=certificate, key_file=key),
        )  # fmt: skip
        async with Server(options) as server:
            url = f"https://127.0.0.1:{server.https_port}"
            assert await polled(url, tls=ClientTls(ca=str(ca)).context()) == "n1"
            told = await polled(url, tls=ClientTls(ca=str(stranger)).context())
            assert told.startswith(f"{url}: tls: ")
            assert "certificate" in told
            anyone = ssl.create_default_context()
            anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
            assert await polled(url, tls=anyone) == "n1"
            plain = await polled(url.replace("https", "http"))
            assert plain.startswith(url.replace("https", "http"))

    scenario()


def test_a_server_that_ends_and_starts_again() -> None:
    @on_loop
    async def scenario() -> None:
        options = Options(host="127.0.0.1", port=-1, http_port=lasting_port(), server_name="n1")
        source = HttpSource(f"http://127.0.0.1:{options.http_port}")
        poller = Poller(source, TopOptions(), lambda: None)
        async with Server(options):
            assert await poller.poll()
            assert await poller.poll()
        assert not await poller.poll()
        assert "connection refused" in poller.error
        assert poller.label == "n1"
        async with Server(options):
            assert await poller.poll()
            assert poller.snapshot is not None
            assert poller.snapshot.restarted
            assert len(poller.history) == 1
        await source.close()

    scenario()


def test_the_system_account_over_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config = tmp_path / "s.conf"
    config.write_text(CONFIG.replace("@FOLDER@", str(tmp_path)))

    @on_loop
    async def scenario() -> None:
        options = replace(Options.load(config), host="127.0.0.1", port=lasting_port())
        url = f"nats://127.0.0.1:{options.port}"
        account = SystemAccount(GlobalOptions(server=url, user="sys", password="sys"))
        async with Server(options):
            (source,) = await account.servers(["n1"])
            poller = Poller(source, TopOptions(), lambda: None)
            poller.look_at(PARTS)
            assert await poller.poll(), poller.error
            assert poller.snapshot is not None
            assert {row.name for row in poller.snapshot.accounts} == {"$G", "SYS", "APP"}
            (ours,) = poller.snapshot.connections
            details = await source.connection(ours.cid)
            assert details is not None
            assert details["account"] == "SYS"
            assert details["subscriptions_list_detail"]
        await wait_until_async(lambda: not account.connected, "the loss of the connection")
        assert not await poller.poll()
        assert poller.error in ("nats: connection lost", "cannot connect: Connection refused")
        async with Server(options):
            await wait_until_async(lambda: account.connected, "a connection")
            assert await poller.poll(), poller.error
            assert poller.snapshot.restarted
        await account.close()

    scenario()


@pytest.mark.parametrize("path", ["", "/"])
def test_a_base_path(tmp_path: Path, path: str) -> None:
    async def scenario(server: Server) -> None:
        here = f"http://127.0.0.1:{server.http_port}"
        assert await polled(f"{here}/nats{path}") == "n1"
        assert "no monitoring port, or not there" in await polled(here)

    serve(tmp_path, scenario, http_base_path="/nats", server_name="n1")
