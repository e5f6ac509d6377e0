"""Folders of the real server: every configuration that it was recorded to take is served by ours
after a start, also one that ours would not take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pynats_server.jetstream.store import FileConfig
from pynats_server.jetstream.store.file.meta import write_new_stream

from tests.conformance.jetstream.shorten import lengthen
from tests.support.client import Client
from tests.support.deadline import wait_until
from tests.support.oracle import Oracle
from tests.support.process import PYNATS, ServerProcess
from tests.support.record_text import parse_answer
from tests.support.records import RecordFile

Json = dict[str, Any]
CREATED = "2026-01-01T00:00:00Z"
ODD: dict[str, tuple[str, str]] = {
    "SOURCE": ("a b", "c"),
    "TARGET": ("TARGET", "b c"),
    "NOWHERE": ("a..b", ""),
    "ITSELF": (">", ""),
}


def stored_configurations() -> Iterator[Json]:
    """All that the real server made of the requests of `test_config_reference`, as its files have
    it. Streams in memory are not in files, and those with long texts not whole in records."""
    file = RecordFile.of_module(Path(__file__).with_name("test_config_reference.py"))
    for case, text in file.read().records.items():
        if not case.startswith(("test_json[", "test_create[", "test_update[")):
            continue
        for answer in parse_answer(text):
            if "config" in answer:
                config = lengthen(answer["config"])
                if config["storage"] == "file" and '"sum": ' not in json.dumps(config):
                    yield config


def write_streams(folder: Path, configs: Iterator[Json] | list[Json]) -> None:
    streams = folder / "store" / "jetstream" / "$G" / "streams"
    streams.mkdir(parents=True)
    for config in configs:
        meta = {"Created": CREATED, **config}
        write_new_stream(FileConfig(config["name"], streams / config["name"]), meta)


def names(client: Oracle) -> list[str]:
    found: list[str] = []
    while page := client.api("STREAM.NAMES", offset=len(found))["streams"]:
        found += page
    return found


def test_every_configuration_is_served(tmp_path: Path) -> None:
    different = {json.dumps({**config, "name": ""}): config for config in stored_configurations()}
    assert len(different) > 400
    configs = [{**config, "name": f"S{n:04}"} for n, config in enumerate(different.values())]
    write_streams(tmp_path, configs)
    with ServerProcess(PYNATS, tmp_path, flags=("-js", "-sd", f"{tmp_path}/store")) as server:
        with Oracle(server.port) as client:
            served = set(names(client))
        log = server.log()
    missing = [config for config in configs if config["name"] not in served]
    assert missing == [], re.findall(r".*\[ERR\].*", log)
    odd = {
        config["name"]
        for config in configs
        if (republish := config.get("republish"))
        and (" " in republish["src"] + republish["dest"] or not republish["dest"])
    }
    assert len(odd) >= 3
    assert warned(log) == odd


def warned(log: str) -> set[str]:
    """The streams that the log says republish nothing."""
    return set(re.findall(r"\[WRN\] .*'\$G > (\w+)' republishes nothing from ", log))


def test_streams_that_republish_nowhere_live_on(tmp_path: Path) -> None:
    """They take messages, republish nothing, and are there with both after another start."""
    write_streams(
        tmp_path,
        [
            lengthen({"name": name, "subjects": [name], "republish": {"src": src, "dest": dest}})
            for name, (src, dest) in {**ODD, "SOUND": ("SOUND", "again")}.items()
        ],
    )
    server = ServerProcess(PYNATS, tmp_path, flags=("-js", "-sd", f"{tmp_path}/store"))
    for turn in (1, 2):
        with server, Client(server.port) as client:
            everything = client.subscribe(">")
            client.flush()
            assert warned(server.log()) == set(ODD)
            for name, (src, dest) in ODD.items():
                shown = api(client, f"STREAM.INFO.{name}")["config"]["republish"]
                assert shown == {"src": src, "dest": dest}
                reply = client.request(name, b"x")
                assert reply is not None
                assert json.loads(reply.payload) == {"stream": name, "seq": turn}
            client.request("SOUND", b"x")
            published: list[str] = []
            while not published or published[-1] != "again":
                message = client.next(everything)
                assert message is not None
                published.append(message.subject)
            own = [subject for subject in published if not subject.startswith(("$JS", "_INBOX"))]
            assert own == [*ODD, "SOUND", "again"]
            for name in ODD:
                assert api(client, f"STREAM.INFO.{name}")["state"]["messages"] == turn
        server.log_path.unlink()


def test_a_stream_without_destination_is_warned_of_when_it_is_made(tmp_path: Path) -> None:
    config = {"name": "S", "subjects": ["S"], "republish": {"src": "S", "dest": ""}}
    with (
        ServerProcess(PYNATS, tmp_path, flags=("-js", "-sd", f"{tmp_path}/store")) as server,
        Client(server.port) as client,
    ):
        assert "error" not in api(client, "STREAM.CREATE.S", config)
        wait_until(lambda: warned(server.log()) == {"S"}, "the warning")
        reply = client.request("S", b"x")
        assert reply is not None and json.loads(reply.payload)["seq"] == 1
        assert api(client, "STREAM.INFO.S")["state"]["messages"] == 1


def api(client: Client, subject: str, body: Json | None = None) -> Json:
    reply = client.request(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"")
    assert reply is not None
    answer: Json = json.loads(reply.payload)
    return answer
