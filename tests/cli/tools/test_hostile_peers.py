"""Peers that never end, and files that are not what they seem."""

import asyncio
import json
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pynats_cli.errors import CliError
from pynats_cli.jetstream import api
from pynats_cli.jetstream.api import JetStream
from pynats_cli.jetstream.backup.folder import new_file
from pynats_cli.servers.exporter import web
from pynats_cli.template import expressions
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.language import render

from tests.support.deadline import wait_until


class Endless:
    """A server whose listings always have one more page."""

    class options:
        trace = False

    asked = 0

    def jetstream_prefix(self) -> str:
        return "$JS.API"

    async def request(self, subject: str, data: bytes = b"", headers: Any = None) -> Any:
        self.asked += 1
        offset = json.loads(data)["offset"]

        class Reply:
            data = json.dumps({"total": offset + 200, "streams": ["x"] * 100}).encode()

        return Reply


def test_a_listing_that_grows_for_ever_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "GROWTH", 1_000)
    peer: Any = Endless()
    with pytest.raises(CliError, match="the listing of streams does not end"):
        asyncio.run(JetStream(peer).stream_names())
    assert peer.asked < 20


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b"", b"[]"])
def test_an_answer_that_is_no_document_is_told(data: bytes) -> None:
    with pytest.raises(CliError, match="invalid JSON"):
        api.parse_answer(data)


@pytest.mark.parametrize("name", ["/etc/x", "..", "a/b", "a\\b", "a\0b", "a.b", "*", ""])
def test_no_name_of_a_stream_is_a_path(name: str) -> None:
    with pytest.raises(CliError, match="not a valid stream name"):
        asyncio.run(JetStream(Endless()).stream_info(name))  # type: ignore[arg-type]


def test_a_link_that_lies_in_wait_leads_nowhere(tmp_path: Path) -> None:
    victim, part = tmp_path / "victim", tmp_path / ".archive.part"
    victim.write_text("precious")
    part.symlink_to(victim)
    with new_file(part) as out:
        out.write(b"data")
    assert (victim.read_text(), part.read_bytes()) == ("precious", b"data")
    assert part.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "template",
    [
        "{{range 1000000000}}{{end}}",
        "{{range 1000}}{{range 1000}}{{range 1000}}x{{end}}{{end}}{{end}}",
        "{{$x := `abcdefgh`}}{{range 100}}{{$x = print $x $x}}{{end}}",
        "{{range 1000}}{{printf `%900d` 1}}{{end}}",
    ],
)
def test_a_template_ends(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "TURNS_MAX", 10_000)
    monkeypatch.setattr(expressions, "TEXT_MAX", 100_000)
    with pytest.raises(TemplateError, match="more than"):
        render(template, {}, None)


def test_slow_clients_of_the_exporter_lose_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "CLIENTS_MAX", 2)
    monkeypatch.setattr(web, "_REQUEST_S", 0.2)
    with web.served(0, lambda: b"page") as url, ExitStack() as opened:
        port = int(url.rsplit(":", 1)[1].removesuffix(web.PATH))

        def asked() -> bytes:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                try:
                    return b"".join(iter(lambda: client.recv(4_096), b""))
                except ConnectionResetError:
                    return b""

        for _ in range(2):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(b"GET /metr")
        wait_until(lambda: not slow.recv(1), "the end of a slow connection")
        wait_until(lambda: asked().endswith(b"page"), "a place for others")
