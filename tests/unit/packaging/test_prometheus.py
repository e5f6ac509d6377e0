"""Alert rules and the dashboard: they name only what /metrics of a running server has."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pynats_packaging.grafana.dashboard import COLUMNS, dashboard
from pynats_server.options import Options
from pynats_server.server.server import Server
from ruamel.yaml import YAML

from tests.support.authorities import Authority
from tests.support.deadline import PATIENCE_S, wait_until_async
from tests.support.exposition import families_of
from tests.support.jetstream import connect as connect_client
from tests.support.monitoring import get
from tests.unit.packaging import promql

FOLDER = Path(__file__).resolve().parents[3] / "packaging" / "prometheus"
PROMTOOL = shutil.which("promtool")
# What Prometheus adds: to every series, and to those of a histogram's parts.
ADDED = {"instance", "job"}


def yaml_of(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml_of(FOLDER / "alerts.yml")["groups"] for rule in group["rules"]]


class Use(NamedTuple):
    """An expression, and the labels that a text about its result names."""

    where: str
    expression: str
    shown: set[str]


def labels_in(text: str) -> set[str]:
    """{{label}} and {{ $labels.label }} of texts."""
    return set(re.findall(r"\{\{\s*(?:\$labels\.)?([a-z_]\w*)\s*\}\}", text))


def uses() -> Iterator[Use]:
    """All expressions of both."""
    for rule in rules():
        texts = " ".join(rule["annotations"].values())
        yield Use(rule["alert"], rule["expr"], set(re.findall(r"\$labels\.(\w+)", texts)))
    found = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in found["panels"]:
        for target in panel.get("targets", ()):
            yield Use(panel["title"], target["expr"], labels_in(target["legendFormat"]))
    for variable in found["templating"]["list"]:
        if variable["type"] == "query":
            inside = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert inside is not None
            yield Use(variable["name"], inside[1], {inside[2]})
    for note in found["annotations"]["list"]:
        yield Use(note["name"], note["expr"], labels_in(note["titleFormat"]))


CONFIGURATION = """
port: -1, http_port: -1, host: "127.0.0.1", log_file: "server.log"
allow_non_tls: true, max_pending: 4MB
tls {{ cert_file: "{cert}", key_file: "{key}" }}
http_auth {{ user: u, password: p }}
jetstream {{ store_dir: "store" }}
accounts {{
  A {{
    users: [ {{ user: a, password: p }} ]
    jetstream {{ max_streams: 5, max_store: 1MB, max_mem: 1MB }}
    limits {{ max_connections: 50 }}
  }}
  B {{
    users: [ {{ user: b, password: p }} ]
    limits {{ max_publish_rate: 1, publish_limit_action: refuse }}
  }}
}}
"""
LOGIN = b'CONNECT {"user":"%b","pass":"p","verbose":false,"name":"%b"}\r\n'


async def provoke(server: Server, context: ssl.SSLContext) -> None:
    """Makes series of everything that has none without a reason."""
    url = f"nats://127.0.0.1:{server.client_port}"
    client = await connect_client(url, user="a", password="p")
    stream = client.jetstream()
    await stream.add_stream(name="S", subjects=["s"], max_msgs=10, max_consumers=3)
    await stream.publish("s", b"1")
    pull = await stream.pull_subscribe("s", "C")
    (message,) = await pull.fetch(1, timeout=PATIENCE_S)
    await message.ack_sync()
    await client.close()
    for text in (
        b'CONNECT {"user":"a","pass":"x"}\r\nPING\r\n',
        LOGIN % (b"b", b"too fast") + b"PUB x 0\r\n\r\n" * 20 + b"PING\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
        await reader.readline()
        await writer.start_tls(context, server_hostname="localhost")
        writer.write(text)
        await reader.readline()
        writer.close()


async def fall_behind(server: Server, name: bytes, count: int) -> socket.socket:
    """A client that does not read what others publish."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", server.client_port))
    account = server.state.accounts["A"]
    before = account.sublist.count
    await loop.sock_sendall(deaf, LOGIN % (b"a", name) + b"SUB big 1\r\n")
    await wait_until_async(lambda: account.sublist.count > before, "the subscription")
    accepted = max(server.state.clients(), key=lambda each: each.cid)
    with socket.socket(fileno=os.dup(accepted.fd)) as its_socket:
        its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # the rest is a backlog
    _, writer = await asyncio.open_connection("127.0.0.1", server.client_port)
    received = account.in_msgs + count
    message = b"PUB big 100000\r\n%b\r\n" % (b"x" * 100_000)
    writer.write(LOGIN % (b"a", b"publisher") + message * count)
    await wait_until_async(lambda: account.in_msgs >= received, "all messages")
    writer.close()
    return deaf


def exposed(folder: Path) -> dict[str, set[str]]:
    """{metric: its labels} of a server on which everything has happened."""
    authority = Authority()
    cert_file, key_file = authority.issue().write(folder, "server")
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.check_hostname = False
    path = folder / "server.conf"
    path.write_text(CONFIGURATION.format(cert=cert_file, key=key_file))
    options = Options.load(path)
    options.log.log_file = folder / "server.log"
    options.jetstream.store_dir = folder / "store"

    async def run() -> str:
        async with Server(options) as server:
            await provoke(server, context)
            cut = await fall_behind(server, b"cut", 140)
            await wait_until_async(lambda: server.state.engine.slow_consumers > 0, "the cut")
            slow = await fall_behind(server, b"slow", 30)
            headers = b"Authorization: Basic dTpw\r\n"
            await get(server, "/metrics")  # refused
            status, body = await get(server, "/metrics", headers)
            cut.close()
            slow.close()
            assert status == 200
            return body.decode()

    found: dict[str, set[str]] = {}
    for family in families_of(asyncio.run(asyncio.wait_for(run(), 3 * PATIENCE_S))):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_rules_and_panels_name_what_a_running_server_has(tmp_path: Path) -> None:
    there = exposed(tmp_path)
    assert len(there) > 100
    there["up"] = set()
    found = list(uses())
    assert len(found) > 80
    faults = []
    for use in found:
        named = list(promql.metrics(use.expression))
        assert named, use
        every = ADDED.union(*(there.get(each.metric, set()) for each in named))
        faults += [
            f"{use.where}: no metric {each.metric}" for each in named if each.metric not in there
        ]
        faults += [
            f"{use.where}: {each.metric} has no label {label}"
            for each in named
            for label in each.labels - there.get(each.metric, set()) - ADDED
        ]
        grouped = promql.groupings(use.expression)
        faults += [f"{use.where}: groups by {label}" for label in grouped - every]
        kept = grouped if re.match(r"(sum|count) by|histogram_quantile", use.expression) else every
        faults += [f"{use.where}: a text names {label}" for label in use.shown - kept]
    assert "\n".join(faults) == ""


def test_a_wrong_name_would_be_found() -> None:
    named = list(promql.metrics('sum by (a, b) (rate(nats_server_x_total{c="1",d!~"{"}[5m])) > up'))
    assert named == [
        promql.Named("nats_server_x_total", frozenset("cd")),
        promql.Named("up", frozenset()),
    ]
    assert promql.groupings("sum by (a, b) (x) / on(c) y") == {"a", "b", "c"}
    assert labels_in("{{a}} x {{ $labels.b }} {{ $value | humanize }}") == {"a", "b"}


# -- rules --------------------------------------------------------------------------------------


def test_every_rule_has_a_name_a_severity_and_a_case() -> None:
    found = rules()
    names = [rule["alert"] for rule in found]
    assert len(set(names)) == len(names) > 25
    assert {rule["labels"]["severity"] for rule in found} == {"info", "warning", "critical"}
    assert all(rule["annotations"]["summary"] for rule in found)
    text = (FOLDER / "alerts_test.yml").read_text()
    assert set(re.findall(r'alertname="(\w+)"', text)) == set(names)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "scrape.yml"), ("test", "rules", "alerts_test.yml")],
    ids=lambda arguments: arguments[0],
)
def test_promtool_agrees(arguments: tuple[str, ...]) -> None:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# -- dashboard ----------------------------------------------------------------------------------


def test_the_dashboard_is_that_of_the_panels() -> None:
    found = json.loads((FOLDER / "dashboard.json").read_text())
    command = "PYTHONPATH=packaging python -m pynats_packaging.grafana"
    assert found == dashboard(), f"renew it: {command} > packaging/prometheus/dashboard.json"


def test_panels_do_not_lie_upon_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    panels = dashboard()["panels"]
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(letters)) == len(letters)
        assert letters or panel["type"] == "row"
