"""The dashboard as somebody sees it in Chromium: figures, hostile names, a phone, a lost server.
Skipped where there is no Chromium."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Browser, Page, browsing
from tests.support.client import Client
from tests.support.process import PYNATS, ServerProcess, lasting_port

EVIL = '<img src=x onerror="document.title=1"><script>alert(1)</script>'
BIDI = "a\u202eb\u2066c\u200bd"
CONFIG = """
server_name: "<b>server</b>"
max_control_line: 64K
http_ui: true
http_base_path: /mon
jetstream { store_dir: "@FOLDER@/js", max_file: 10M }
accounts {
  "<i>ACC": { jetstream: enabled, users: [{ user: "<u>user</u>", password: p }] }
  SYS: { users: [{ user: sys, password: p }] }
}
system_account: SYS
"""
VIEWS = ("overview", "connections", "connection?cid=1", "slow", "accounts", "streams", "consumers")
LIVE = "document.querySelector('#link')?.textContent === 'Live'"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.page()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(PYNATS, folder, CONFIG, monitor=True) as started:
        names = (EVIL, BIDI, "x" * 10 * 1024)
        clients = [Client(started.port, "<u>user</u>", "p", name) for name in names]
        first = clients[0]
        first.subscribe("<s>subject</s>.>")
        api(first, "STREAM.CREATE.S", name="S", subjects=["<em>s</em>.*"], max_msgs=20)
        for _ in range(5):
            first.request("<em>s</em>.x", b"0123456789")
        consumer = {"durable_name": "<hr", "ack_policy": "explicit"}
        api(first, "CONSUMER.CREATE.S.<hr", stream_name="S", config=consumer)
        yield started
        for client in clients:
            client.close()


def api(client: Client, request: str, **body: Any) -> None:
    reply = client.request(f"$JS.API.{request}", json.dumps(body).encode())
    assert reply is not None and b'"error"' not in reply.payload, reply


def url(server: ServerProcess) -> str:
    return f"{server.monitor_url.removesuffix('/mon')}/mon"


def told(server: ServerProcess, path: str) -> Any:
    with urllib.request.urlopen(f"{url(server)}/{path}") as answer:
        return json.load(answer)


def open_view(page: Page, server: ServerProcess, view: str) -> None:
    page.goto(f"{url(server)}/ui#/{view}")
    page.wait(LIVE)


def rows(page: Page) -> list[list[str]]:
    """The cells of each row, with what a tooltip says exactly."""
    found: list[list[str]] = page.evaluate(
        "[...document.querySelectorAll('tbody tr')].map(row => [...row.querySelectorAll('td')]"
        ".map(cell => cell.querySelector('bdi').title || cell.querySelector('bdi').textContent))"
    )
    return found


def test_the_overview_shows_what_varz_and_jsz_say(page: Page, server: ServerProcess) -> None:
    open_view(page, server, "overview")
    varz, jsz = told(server, "varz"), told(server, "jsz")
    facts: dict[str, str] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('dl div')].map(fact =>"
        " [fact.querySelector('dt').textContent, fact.querySelector('bdi').title"
        " || fact.querySelector('bdi').textContent]))"
    )
    assert facts["Id"] == varz["server_id"]
    assert facts["Connections so far"] == str(varz["total_connections"])
    assert facts["Messages in"] == str(varz["in_msgs"])
    assert facts["Bytes out"] == f"{varz['out_bytes']:,} bytes"
    assert (facts["Streams"], facts["Messages"]) == (str(jsz["streams"]), str(jsz["messages"]))
    assert facts["Consumers"] == str(jsz["consumers"])
    assert "<b>server</b>" in page.text("#server-name")
    assert page.text("#health") == "Healthy"
    charts = page.evaluate(
        "[...document.querySelectorAll('.chart')].map(chart =>"
        " `${chart.querySelector('h3').textContent}: ${chart.querySelector('strong').title}`)"
    )
    assert f"Connections: {varz['connections']}" in charts
    # A second look at the counters makes rates of them.
    page.wait("document.querySelector('.chart strong').textContent.endsWith('/s')")


def test_lists_show_what_the_endpoints_say(page: Page, server: ServerProcess) -> None:
    open_view(page, server, "connections?sort=msgs_from")
    page.wait("document.querySelectorAll('tbody tr').length === 3")
    for shown, wanted in zip(
        rows(page), told(server, "connz?sort=msgs_from&auth=1")["connections"], strict=True
    ):
        assert shown[1] == wanted["account"]
        assert shown[2] == f"{wanted['ip']}:{wanted['port']}"
        assert shown[3] == f"{wanted['in_msgs']:,}"
        assert shown[4] == f"{wanted['in_bytes']:,} bytes"
        assert shown[8] == f"{wanted['subscriptions']:,}"
    open_view(page, server, "streams")
    page.wait("document.querySelectorAll('tbody tr').length === 1")
    (stream,) = told(server, "ui/streams")["rows"]
    (shown,) = rows(page)
    assert shown[0] == f"{stream['name']}\n{stream['subjects'][0]}"
    assert shown[1:3] == [f"{stream['messages']}", f"{stream['bytes']:,} bytes"]
    assert shown[3] == stream["first_ts"] and shown[5] == "1"
    assert shown[6].startswith("of messages: 5 of 20")
    page.evaluate("document.querySelector('tbody a').click()")
    page.wait("document.querySelector('tbody bdi')?.textContent === '<hr'")
    (consumer,) = told(server, "ui/consumers?stream=S")["rows"]
    assert rows(page)[0][1] == f"{consumer['lag']}" == "5"
    open_view(page, server, "accounts?sort=in_msgs")
    page.wait("document.querySelectorAll('tbody tr').length >= 2")
    assert [row[0] for row in rows(page)] == [
        row["name"] for row in told(server, "ui/accounts?sort=in_msgs")["rows"]
    ]


def test_whatever_names_are_it_is_text_and_fits_a_phone(page: Page, server: ServerProcess) -> None:
    page.resize(390, 844)
    for view in VIEWS:  # in one page: each new one is half a second of a processor
        page.goto("about:blank")
        open_view(page, server, view)
        is_text_and_fits(page, view)
    complaints = [
        each for each in page.complaints() if "NavigationEntryMarkedSkippable" not in each
    ]
    assert complaints == []
    own = (url(server), "about:blank")
    assert all(each.startswith(own) for each in page.requests())


def is_text_and_fits(page: Page, view: str) -> None:
    counts = "document.querySelectorAll('main img, main script, main i, main u, main em')"
    assert page.evaluate(f"{counts}.length") == 0
    assert page.evaluate("document.title").endswith("· <b>server</b>")
    text = page.text("main")
    assert not re.search("[\u202e\u2066\u200b]", text)
    shown = "getComputedStyle(document.querySelector('.order')).display !== 'none'"
    if view == "connections":
        assert page.evaluate(shown)  # for the heads of columns there is no room
        assert EVIL in text and r"a\u202eb\u2066c\u200bd" in text
        assert "x" * 200 + "…" in text and "x" * 201 not in text
    if view.startswith("connection?"):
        page.wait("document.querySelector('main').innerText.includes('<s>subject</s>.>')")
    if view in ("accounts", "streams"):
        assert "<i>ACC" in text
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, view


def test_a_search_is_in_the_address_and_keeps_the_focus(page: Page, server: ServerProcess) -> None:
    open_view(page, server, "connections")
    page.wait("document.querySelectorAll('tbody tr').length === 3")
    page.evaluate("document.querySelector('input').focus()")
    page.do("Input.insertText", text="SCRIPT")
    page.wait("document.querySelectorAll('tbody tr').length === 1")
    assert page.evaluate("location.hash") == "#/connections?search=SCRIPT"
    assert page.evaluate("document.activeElement.type") == "search"
    page.goto(f"{url(server)}/ui#/connections?search=nothing")
    page.wait("document.querySelector('.empty').innerText === 'No connection is like that.'")


def test_addresses_that_name_no_view_and_clocks_that_are_put_back(
    page: Page, server: ServerProcess
) -> None:
    for name in ("constructor", "__proto__", "toString?a=1", "%", "<b>"):
        page.goto("about:blank")
        open_view(page, server, name)
        assert page.evaluate("document.querySelectorAll('.chart').length") > 0
    assert page.complaints() == []
    found = page.evaluate("""
        Promise.all(["history", "rates"].map(name => import(`./ui/${name}.js`))).then(found => {
          const [history, rates] = [new found[0].History(), new found[1].Rates()];
          const add = (s, n) => history.add({now: new Date(s * 1000).toISOString(), in_msgs: n,
            out_msgs: 0, in_bytes: 0, out_bytes: 0});
          add(90000, 0); add(90002, 10);
          add(80000, 20);  // an hour of summer time, say
          add(80002, 40);
          history.add({});
          rates.of("x", 9000, {n: 0}); rates.of("x", 9001, {n: 5});
          const after = [8000, 8001].map((time, at) => rates.of("x", time, {n: 5 + at}).n);
          for (let s = 0; s < 20000; s += 2) add(80004 + s, 50 + s);
          const points = history.points("in_msgs");
          return [after, points.length < 400, points.at(-1)[1]];
        })""")
    assert found == [[None, 1], True, 1]


def test_a_hidden_page_asks_nothing(page: Page, server: ServerProcess) -> None:
    open_view(page, server, "overview")
    hide = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}});"
    tell = "document.dispatchEvent(new Event('visibilitychange'));"
    page.evaluate(hide.format("true") + tell)
    before = len(page.requests())
    # Longer than the time between two looks.
    page.evaluate("new Promise(done => setTimeout(done, 2500))")
    assert len(page.requests()) == before
    page.evaluate(hide.format("false") + tell)
    page.wait(f"performance.getEntriesByType('resource').length > 0 && {LIVE}")
    assert len(page.requests()) > before


def test_a_lost_server_is_said_and_its_return_seen(page: Page, tmp_path: Path) -> None:
    port = lasting_port()
    config = f'http: "127.0.0.1:{port}"\nhttp_ui: true\n'
    with ServerProcess(PYNATS, tmp_path / "a", config):
        page.goto(f"http://127.0.0.1:{port}/ui")
        page.wait(LIVE)
    page.wait("document.querySelector('#link').textContent === 'Lost'")
    assert "does not answer" in page.text("#notice")
    with ServerProcess(PYNATS, tmp_path / "b", config):
        page.wait(LIVE)
        page.wait("document.querySelector('#notice').innerText.includes('was started again')")
        assert not any("-" in value for value in page.evaluate(
            "[...document.querySelectorAll('.chart strong')].map(each => each.textContent)"
        ))  # fmt: skip


def test_other_credentials_are_asked_for(page: Page, tmp_path: Path) -> None:
    # A token, as for a password the browser itself asks.
    def config(token: str) -> str:
        return f'http_ui: true\nhttp_auth {{ token: "{token}" }}\n'

    with ServerProcess(PYNATS, tmp_path, config("one"), monitor=True) as server:
        page.headers(Authorization="Bearer one")
        page.goto(f"{server.monitor_url}/ui")
        page.wait(LIVE)
        assert server.reload(config("two"))
        page.wait("document.querySelector('#link').textContent === 'Logged out'")
        assert "log in" in page.text("#notice")
        page.headers(Authorization="Bearer two")
        page.wait(LIVE)
