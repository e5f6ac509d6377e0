"""What nats-py keeps to itself is touched in one room only, and this release has all of it.

When a test fails with a new release of nats-py: see how that does now what the method or property
in `connect/natspy` needs, then move the range in pyproject.toml.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import ssl
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pynats_cli.connect.natspy
import pytest
from nats.aio.client import Client, Srv
from nats.aio.transport import TcpTransport
from nats.protocol.parser import Parser
from packaging.requirements import Requirement
from pynats_cli.connect.natspy.batches import BatchParser
from pynats_cli.connect.natspy.client import PatchedClient
from pynats_cli.connect.natspy.transport import PatchedTransport
from pynats_cli.connect.socks import SocksProxy

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools/nats_cli/pynats_cli"
ROOM = Path(pynats_cli.connect.natspy.__path__[0])
RELEASE = version("nats-py")

OVERRIDDEN = {
    PatchedClient: (
        "_attempt_reconnect", "_connect_to_server", "_parse_header_lines", "_process_connect_init",
        "_process_err", "_process_info", "_process_op_err", "close",
    ),
    BatchParser: ("parse", "reset"),
    PatchedTransport: ("connect", "readline"),
}  # fmt: skip
USED = {
    Client: (
        "_auth_configured", "_current_server", "_err", "_error_cb", "_flush_pending", "_ps",
        "_public_nkey", "_send_command", "_server_info", "_server_pool", "_sid", "_transport",
        "options",
    ),
    TcpTransport: ("_bare_io_reader", "_bare_io_writer", "_io_reader", "_io_writer"),
}  # fmt: skip
OURS = {
    PatchedClient: (
        "_proxy",
        "_secured_after_info",
        "_told",
        "lost_by",
        "info",
        "stream_info",
        "read_ahead",
    ),
    BatchParser: (
        "_chunks",
        "_consume",
        "_have",
        "_need",
        "_other",
        "_sinks",
        "deliver",
        "delivers",
    ),
    PatchedTransport: ("_proxy",),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in OVERRIDDEN.items() for name in names]
)
def test_what_is_overridden_is_called_in_the_same_way(kind: type, name: str) -> None:
    theirs = getattr(kind.__mro__[1], name, None)
    assert theirs is not None, f"nats-py {RELEASE} has no {kind.__mro__[1].__name__}.{name}"
    ours = getattr(kind, name)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in USED.items() for name in names]
)
def test_what_is_used_is_there(kind: type, name: str) -> None:
    present = hasattr(kind(), name) or name in getattr(kind, "__annotations__", {})
    assert present, f"nats-py {RELEASE} has no {kind.__name__}.{name}, which connect/natspy needs"


@pytest.mark.parametrize("kind", OURS)
def test_names_of_ours_are_no_names_of_theirs(kind: Any) -> None:
    above: dict[Any, Any] = {
        PatchedClient: Client, BatchParser: lambda: Parser(None), PatchedTransport: TcpTransport
    }  # fmt: skip
    taken = [name for name in OURS[kind] if hasattr(above[kind](), name)]
    assert not taken, f"nats-py {RELEASE} uses these names, too: {taken}"


def test_the_lists_above_are_complete() -> None:
    known = {
        name for table in (OVERRIDDEN, USED, OURS) for names in table.values() for name in names
    }
    known |= {"_limit", "_replace"}  # of asyncio's reader, of a named tuple
    met = {name for path in ROOM.glob("*.py") for _, name in private_names(path)}
    assert met <= known, f"not in the lists of this test: {sorted(met - known)}"
    assert met >= {name for names in USED.values() for name in names if name.startswith("_")}


def private_names(path: Path) -> Iterator[tuple[str, str]]:
    """Each private attribute in a module, and what it is one of; `getattr` counts."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr):
            yield ast.unparse(node.value), node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            of, name = node.args[:2]
            if isinstance(name, ast.Constant) and re.match("_[a-z]", str(name.value)):
                yield ast.unparse(of), str(name.value)


def test_nothing_else_of_the_tool_touches_what_nats_py_keeps_to_itself() -> None:
    theirs = {name for table in (OVERRIDDEN, USED) for names in table.values() for name in names}
    found = [
        f"{path.relative_to(ROOT)}: {of}.{name}"
        for path in TOOL.rglob("*.py")
        if path.parent != ROOM
        for of, name in private_names(path)
        if of.rpartition(".")[2] == "client" or (name in theirs and of != "self")
    ]
    assert found == []


def test_the_range_in_pyproject_has_the_release_that_is_tested() -> None:
    line = re.search(r'^    "(nats-py.*)",$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert line is not None
    wanted = Requirement(line[1]).specifier
    assert wanted.contains(RELEASE), f"nats-py {RELEASE} is outside of {wanted}"
    assert not wanted.contains("3.0.0"), "a release that nobody has tested"


def test_info_is_what_the_server_said_last() -> None:
    client = PatchedClient(SocksProxy("127.0.0.1", 1080))
    client._server_info = {"version": "2.14.0", "cluster": "A"}
    assert client.info == {"version": "2.14.0", "cluster": "A"}
    client._told = {"version": "2.15.0"}
    assert client.info == {"version": "2.15.0", "cluster": "A"}
    assert client.stream_info("peername") is None and client.lost_by is None


def test_tls_that_was_asked_for_goes_for_websockets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    async def open_it(_: Client, server: Srv) -> None:
        opened.append(server.uri.geturl())

    monkeypatch.setattr(Client, "_connect_to_server", open_it)
    for tls in (None, ssl.create_default_context()):
        client = PatchedClient()
        client.options["tls"] = tls
        asyncio.run(client._connect_to_server(Srv(urlparse("ws://127.0.0.1:1/x"))))
    assert opened == ["ws://127.0.0.1:1/x", "wss://127.0.0.1:1/x"]
