"""`pynats stream query` against a server, by each way to read a stream."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import KINDS, Cli, url_of
from tests.support import jetstream
from tests.support.process import PYNATS, ServerProcess

COUNT = 300  # more than one step of a scan
WAYS = {
    "DIRECT": {"allow_direct": True},
    "CONSUMER": {"allow_direct": False},
    "SINGLE": {"allow_direct": False, "retention": "workqueue"},
}


async def fill(url: str) -> None:
    """Each stream with COUNT messages: orders of three regions, and after them one that is no
    JSON. Sequence 5 is gone."""
    client = await jetstream.connect(url)
    for name, config in WAYS.items():
        request = {"name": name, "subjects": [f"{name}.>"], "storage": "memory", **config}
        await jetstream.api(client, f"STREAM.CREATE.{name}", request)
        for number in range(1, COUNT):
            body = {"order": {"id": f"o{number}", "total": number}}
            headers = {"Kind": "even"} if number % 2 == 0 else None
            region = ("eu", "us", "asia")[number % 3]
            await client.publish(f"{name}.{region}", json.dumps(body).encode(), headers=headers)
        last = await client.request(f"{name}.eu", b"plain\xfftext")  # stored, and all before it
        assert json.loads(last.data)["seq"] == COUNT
        await jetstream.api(client, f"STREAM.MSG.DELETE.{name}", {"seq": 5})
    await client.close()


@pytest.fixture(scope="module", params=KINDS)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("query")
    config = f'jetstream {{ store_dir: "{folder / "store"}" }}'
    with ServerProcess(request.param, folder, config) as server:
        asyncio.run(fill(url_of(server)))
        yield server


@pytest.fixture(params=WAYS)
def asked(request: pytest.FixtureRequest, filled: ServerProcess, tmp_path: Path) -> Iterator[Asked]:
    home = tmp_path / "home"
    home.mkdir()
    cli = Cli(home, url_of(filled))
    yield Asked(cli, request.param)
    cli.close()


class Asked:
    """Queries of one stream."""

    def __init__(self, cli: Cli, stream: str) -> None:
        self.cli = cli
        self.stream = stream

    def out(self, *flags: str) -> str:
        done = self.cli.run("stream", "query", self.stream, *flags)
        assert done.code == 0, done.err
        return done.out

    def sequences(self, *flags: str) -> list[int]:
        return [int(line) for line in self.out("--select", "sequence", *flags).splitlines()]


def test_everything_is_found_in_order(asked: Asked) -> None:
    assert asked.sequences() == [number for number in range(1, COUNT + 1) if number != 5]
    assert asked.out("--count") == f"{COUNT - 1}\n"


def test_subjects_and_conditions(asked: Asked) -> None:
    name = asked.stream
    assert asked.sequences("--subject", f"{name}.us", "--where", "data.order.total < 10") == [
        1,
        4,
        7,
    ]
    two = f"{name}.us,{name}.asia"
    assert asked.sequences("--subject", two, "--end-sequence", "8") == [1, 2, 4, 7, 8]
    assert asked.sequences("-H", "Kind=even", "--limit", "3") == [2, 4, 6]
    assert asked.sequences("-H", "Kind~^e", "--match", '"o29[0-9]"') == [290, 292, 294, 296, 298]
    assert asked.sequences("--where", 'data.order.id == "o3" or sequence == 7') == [3, 7]


def test_windows(asked: Asked) -> None:
    assert asked.sequences("--start-sequence", "4", "--end-sequence", "7") == [4, 6, 7]
    assert asked.sequences("--since", "1h", "--limit", "2") == [1, 2]
    assert asked.sequences("--since", "2100-01-01") == []
    assert asked.sequences("--until", "2001-01-01") == []
    assert asked.sequences("--until", "2100-01-01T00:00:00Z", "--limit", "1") == [1]


def test_the_newest_first(asked: Asked) -> None:
    assert asked.sequences("--reverse", "--limit", "3") == [300, 299, 298]
    assert asked.sequences("--reverse", "--end-sequence", "6") == [6, 4, 3, 2, 1]
    assert asked.sequences("--reverse", "--where", "data.order.total < 4") == [3, 2, 1]


def test_forms(asked: Asked) -> None:
    flags = ("--start-sequence", "2", "--end-sequence", "3")
    first, second = json.loads(asked.out("--json", *flags))
    assert (first["sequence"], first["headers"], first["data"]["order"]["total"]) == (
        2, {"Kind": ["even"]}, 2,
    )  # fmt: skip
    assert second["subject"] == f"{asked.stream}.eu"
    lines = asked.out("--output", "jsonl", *flags).splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [2, 3]
    rows = list(csv.reader(io.StringIO(asked.out("--output", "csv", *flags))))
    assert rows[0] == ["sequence", "time", "subject", "data"]
    assert [row[0] for row in rows[1:]] == ["2", "3"]
    assert json.loads(rows[1][3])["order"]["id"] == "o2"
    selected = asked.out("--output", "csv", "--select", "data.order.id,headers.Kind", *flags)
    assert selected == "data.order.id,headers.Kind\no2,even\no3,\n"
    assert asked.out("--json", "--start-sequence", "9999") == "[]\n"
    text = asked.out(*flags)
    assert text.startswith(f"[2] Subject: {asked.stream}.asia Received: 20")
    assert "\n  Kind: even\n\n{" in text


def test_a_body_that_is_no_text_comes_as_base64(asked: Asked) -> None:
    (last,) = json.loads(asked.out("--json", "--start-sequence", str(COUNT)))
    assert last["data_base64"] == "cGxhaW7/dGV4dA=="


def test_messages_without_the_value_are_told_once(asked: Asked) -> None:
    done = asked.cli.run(
        "stream", "query", asked.stream, "--count", "--where", "data.order.total > 1"
    )
    assert (done.code, done.out) == (0, f"{COUNT - 3}\n")
    assert done.err.startswith("pynats: 1 messages have no such value, the first: ")


def test_a_scan_leaves_nothing_behind(asked: Asked) -> None:
    asked.out("--count", "--limit", "1")

    async def look() -> dict[str, int]:
        client = await jetstream.connect(asked.cli.environment["NATS_URL"])
        info = await jetstream.api(client, f"STREAM.INFO.{asked.stream}")
        await client.close()
        state: dict[str, int] = info["state"]
        return state

    state = asyncio.run(look())
    assert (state["messages"], state["consumer_count"]) == (COUNT - 1, 0)


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--where", "data."], "invalid expression"),
        (["--where", "total > 1"], "unknown name total"),
        (["--match", "("], "invalid regular expression"),
        (["--since", "soon"], "--since: "),
        (["--count", "--select", "subject"], "do not go together"),
    ],
)
def test_wrong_flags(stream_cli: Cli, flags: list[str], complaint: str) -> None:
    done = stream_cli.run("stream", "query", "NOPE", *flags)
    assert (done.code, done.out) == (1, "")
    assert complaint in done.err
    assert done.err.count("\n") == 1


def test_a_stream_that_is_not_there(stream_cli: Cli) -> None:
    done = stream_cli.run("stream", "query", "NOPE")
    assert (done.code, done.err) == (1, "pynats: error: stream not found (10059)\n")


def test_what_the_server_refuses_is_said_at_once(
    tmp_path: Path, make_cli: Callable[[str], Cli]
) -> None:
    config = f"""
    jetstream {{ store_dir: "{tmp_path / "js"}" }}
    authorization {{ users: [
      {{user: a, password: a}}
      {{user: b, password: b, permissions: {{publish: {{deny: "$JS.API.DIRECT.>"}}}}}}
    ] }}
    """
    with ServerProcess(PYNATS, tmp_path / "server", config) as server:
        address = url_of(server).removeprefix("nats://")
        asyncio.run(fill(f"nats://a:a@{address}"))
        cli = make_cli(f"nats://b:b@{address}")
        done = cli.run("stream", "query", "DIRECT", "--timeout", "60s")
        assert (done.code, done.out) == (1, "")
        assert "permissions violation for publish to" in done.err.lower()


@pytest.mark.parametrize(
    "arguments",
    [["-n"], ["--subject", "DIRECT.eu", "--names"], ["--expression", "state.messages > 1", "-n"],
     ["--replicas", "3", "--invert", "-n", "--json"], ["--empty"]],
    ids=" ".join,
)  # fmt: skip
def test_without_a_stream_it_finds_streams(
    filled: ServerProcess, tmp_path: Path, arguments: list[str]
) -> None:
    cli = Cli(tmp_path, url_of(filled))
    found = cli.run("stream", "find", *arguments)
    assert (found.code, found.err) == (0, "")
    assert cli.run("stream", "query", *arguments) == found


def test_what_is_neither_is_an_error_of_the_one_that_is_meant(lone_cli: Cli) -> None:
    for arguments, words in (
        (["--where", "true"], "required argument 'stream' not provided"),
        (["ORDERS", "--empty"], "No such option: --empty"),
        (["--created", "soon"], "--created: invalid duration"),
    ):
        done = lone_cli.run("stream", "query", *arguments)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
