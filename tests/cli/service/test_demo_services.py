"""Services: the demo service, who finds it, and requests to it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import Cli, Running
from tests.support.process import ServerProcess


@pytest.fixture
def calc(cli: Cli) -> Iterator[Running]:
    serving = cli.start("service", "serve", "calc", "-H", "Kind:demo")
    serving.wait_for("Requests Log")
    yield serving
    serving.signal(signal.SIGKILL)


def test_the_demo_service_says_what_it_is_and_ends_well(cli: Cli, calc: Running) -> None:
    assert "calc.echo: Echo Service" in calc.out()
    assert "Kind: demo" in calc.out()
    cli.run("service", "req", "calc", "echo", "x")
    calc.wait_for("Handling request on subject calc.echo")
    calc.signal(signal.SIGINT)
    assert calc.finish().code == 130
    assert json.loads(cli.run("service", "ls", "--json").out) == []


def test_replies_are_on_stdout_and_headers_on_stderr(cli: Cli, calc: Running) -> None:
    done = cli.run("service", "req", "calc", "echo", "hello", "-H", "Mine: yes")
    assert (done.code, done.out) == (0, "hello\n\n\n")
    for header in ("Mine: yes", "Kind: demo", "Subject: calc.echo", "ConnectedUrl: nats://"):
        assert header in done.err
    raw = cli.run("service", "req", "calc", "echo", "a\x00b", "--raw")
    assert raw.err == "" and raw.out.startswith("a")


def test_what_it_has_done_is_counted(cli: Cli, calc: Running) -> None:
    cli.run("service", "req", "calc", "echo", "12345", "--count", "2")
    found = json.loads(cli.run("service", "info", "calc", "--json").out)
    assert found["info"]["endpoints"][0]["metadata"] is None
    (endpoint,) = found["stats"]["endpoints"]
    assert endpoint["num_requests"] == 2 and endpoint["data"] == {"total_payload": 10}
    assert endpoint["average_processing_time"] * 2 <= endpoint["processing_time"]
    screen = cli.run("service", "info", "calc").out
    assert 'Requests: 2 in group "q"' in screen and '"total_payload": 10' in screen
    assert "echo" in cli.run("service", "stats", "calc").out
    assert json.loads(cli.run("service", "stats", "calc", found["info"]["id"], "-j").out)


def test_several_instances_have_a_sum(cli: Cli, calc: Running) -> None:
    another = cli.start("service", "serve", "calc")
    another.wait_for("Requests Log")
    cli.run("service", "req", "calc", "echo", "x", "--count", "3")
    assert len(json.loads(cli.run("service", "ls", "calc", "--json").out)) == 2
    assert cli.run("service", "ls", "--names").out == "calc\n"
    last = cli.run("service", "stats", "calc").out.rstrip().splitlines()[-2]
    assert " 3 " in last


def test_ping_shows_each_instance(cli: Cli, calc: Running) -> None:
    done = cli.run("service", "ping", "calc", "--timeout", "1s")
    assert done.code == 0 and done.out.startswith("calc ") and "rtt=" in done.out
    (found,) = json.loads(cli.run("service", "ping", "--json", "--timeout", "500ms").out)
    assert found["name"] == "calc" and found["rtt"] > 0


def test_lists_of_nothing_are_no_errors_and_named_things_are(cli: Cli) -> None:
    for words in (("ls",), ("ping",)):
        assert cli.run("service", *words).code == 0
    assert cli.run("service", "ls", "--json").out == "[]\n"
    for command in ("ls", "info", "stats"):
        done = cli.run("service", command, "nope")
        assert (done.code, done.err) == (1, "pynats: error: no service instances found\n")


def test_a_refused_question_is_told(
    make_cli: Callable[[str], Cli], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("refused")
    config = 'authorization { users [{user: u, password: p, permissions: {publish: ["x"]}}] }'
    with ServerProcess("pynats", folder, config) as server:
        cli = make_cli(f"nats://u:p@127.0.0.1:{server.port}")
        done = cli.run("service", "ls", "--timeout", "500ms")
    assert done.code == 1 and "permissions violation for publish" in done.err.lower()
