"""`pynats apply` against a server. Sets have names of their own: the server is shared."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.support import jetstream

FILE = """\
name: @
streams:
  @_ORDERS:
    subjects: [@.orders.>]
    max_age: 7d
    consumers:
      worker: {ack_wait: 1m, filter_subject: @.orders.new}
kv:
  @_CFG: {history: 5, ttl: 1h}
objects:
  - bucket: @_FILES
"""


class Applied:
    """Files of one set, and what the server has of it."""

    def __init__(self, cli: Cli, folder: Path, name: str) -> None:
        self.cli = cli
        self.file = folder / "a.yaml"
        self.name = name

    def write(self, text: str) -> None:
        self.file.write_text(text.replace("@", self.name))

    def run(self, *flags: str) -> tuple[int, str, str]:
        # A busy disk may take longer than the 5 seconds that are usual.
        done = self.cli.run("apply", str(self.file), "--timeout", "30s", *flags)
        return done.code, done.out, done.err

    def api(self, subject: str) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            client = await jetstream.connect(self.cli.environment["NATS_URL"])
            try:
                return await jetstream.api(client, subject)
            finally:
                await client.close()

        return asyncio.run(ask())

    def stream(self, name: str) -> dict[str, Any] | None:
        answer = self.api(f"STREAM.INFO.{name.replace('@', self.name)}")
        return answer.get("config")


@pytest.fixture
def applied(stream_cli: Cli, tmp_path: Path, request: pytest.FixtureRequest) -> Applied:
    return Applied(stream_cli, tmp_path, request.node.originalname.removeprefix("test_")[:20])


def test_made(applied: Applied) -> None:
    """What is declared is there after it, and then nothing is left to do."""
    applied.write(FILE)
    code, out, _ = applied.run("--dry-run")
    assert code == 1
    assert out.endswith("4 to create, 0 to change, 0 to remove, 0 unchanged\n")
    assert applied.stream("@_ORDERS") is None
    code, _, err = applied.run("--yes")
    assert (code, err) == (0, "4 of 4 changes made\n")
    orders, config = applied.stream("@_ORDERS"), applied.stream("KV_@_CFG")
    assert orders is not None
    assert config is not None
    assert (orders["max_age"], orders["metadata"]["pynats.apply"]) == (
        604800_000_000_000, applied.name,
    )  # fmt: skip
    assert (config["max_msgs_per_subject"], config["max_age"]) == (5, 3600_000_000_000)
    worker = applied.api(f"CONSUMER.INFO.{applied.name}_ORDERS.worker")["config"]
    assert (worker["ack_wait"], worker["ack_policy"], worker["durable_name"]) == (
        60_000_000_000, "explicit", "worker",
    )  # fmt: skip
    for flags in (("--dry-run", "--prune"), ("--yes",), ()):
        code, out, _ = applied.run(*flags)
        assert (code, out) == (0, "0 to create, 0 to change, 0 to remove, 4 unchanged\n")


def test_changed(applied: Applied) -> None:
    applied.write(FILE)
    applied.run("--yes")
    applied.write(FILE.replace("7d", "8d").replace("1m", "2m"))
    code, out, _ = applied.run("--dry-run")
    assert code == 1
    assert out == (
        "~ stream changed_ORDERS\n    max_age: 7d → 8d\n"
        "~ consumer changed_ORDERS > worker\n    ack_wait: 1m → 2m\n\n"
        "0 to create, 2 to change, 0 to remove, 2 unchanged\n"
    )
    assert applied.run("--yes")[0] == 0
    orders = applied.stream("@_ORDERS")
    assert orders is not None
    assert (orders["max_age"], orders["subjects"]) == (691200_000_000_000, ["changed.orders.>"])


def test_pruned(applied: Applied) -> None:
    applied.write(FILE + "# @\n")
    applied.run("--yes")
    applied.write("name: @\nstreams:\n  @_ORDERS: {subjects: [@.orders.>]}\n")
    code, _, _ = applied.run("--yes")
    assert code == 0
    assert applied.stream("KV_@_CFG") is not None  # nothing is removed unasked
    code, out, _ = applied.run("--prune", "--dry-run", "--json")
    assert code == 1
    assert [change["resource"] for change in json.loads(out)["changes"]] == [
        "consumer pruned_ORDERS > worker", "kv pruned_CFG", "object pruned_FILES",
    ]  # fmt: skip
    assert applied.run("--prune", "--yes")[0] == 0
    assert applied.stream("KV_@_CFG") is None
    assert applied.stream("@_ORDERS") is not None


def test_asked(applied: Applied) -> None:
    """Without a terminal nobody can be asked, so nothing happens."""
    applied.write(FILE)
    code, out, err = applied.run()
    assert code == 1
    assert "+ stream asked_ORDERS\n" in out
    assert err == (
        "pynats: error: cannot ask for confirmation without a terminal: --yes is missing\n"
    )
    assert applied.stream("@_ORDERS") is None


def test_refused(applied: Applied) -> None:
    """What the server refuses is told with its place; what is possible is done."""
    applied.write(
        "name: @\nstreams:\n  @_A: {subjects: [@.a]}\n  @_B:\n    subjects: [@.a]\n"
        "    consumers: {c: {}}\n"
    )
    code, _, err = applied.run("--yes")
    assert code == 1
    first, second, *_ = err.splitlines()
    assert first == (
        f"pynats: error: {applied.file}:4:3: stream refused_B: subjects overlap with an existing "
        "stream (10065)"
    )
    assert second == (
        f"pynats: error: {applied.file}:6:17: consumer refused_B > c: its stream is not there"
    )
    assert applied.stream("@_A") is not None


def test_exported(applied: Applied) -> None:
    applied.write(FILE)
    applied.run("--yes")
    done = applied.cli.run("apply", "--export=json")
    assert done.code == 0
    present = json.loads(done.out)
    assert present["kv"]["exported_CFG"] == {"history": 5, "ttl": "1h"}
    assert present["streams"]["exported_ORDERS"] == {
        "subjects": ["exported.orders.>"],
        "max_age": "7d",
        "consumers": {"worker": {"ack_wait": "1m", "filter_subject": "exported.orders.new"}},
    }
    assert "exported_FILES" in present["objects"]


def test_the_place_of_a_mistake(lone_cli: Cli, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("streams:\n  X: {subjets: [a]}\n")
    done = cli.run("apply", str(file))
    assert (done.code, done.err) == (
        1, f'pynats: error: {file}:2:7: unknown field "subjets" (did you mean "subjects"?)\n',
    )  # fmt: skip
