"""`pynats audit upgrade` with files and against a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pynats_common.subjects import subject_matches

from tests.cli.conftest import Cli, url_of
from tests.support import jetstream
from tests.support.process import PYNATS, ServerProcess

CONFIG = """\
accounts { A { users: [{user: u, permissions: {publish: ["$JS.ACK.S.>"]}}] } }
"""


def test_a_configuration_that_breaks(lone_cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text(CONFIG)
    flags = ("--to", "2.16", "--no-live", "--config", str(file))
    done = lone_cli.run("audit", "upgrade", *flags)
    assert done.code == 1
    assert f'{file}:1:48: accounts A users u: publish "$JS.ACK.S.>"' in done.out
    assert "→ add $JS.ACK.*.*.S.>" in done.out
    report = json.loads(lone_cli.run("audit", "upgrade", *flags, "--json").out)
    (breaks,) = [each for each in report["findings"] if each["severity"] == "breaks"]
    assert (breaks["rule"], breaks["version"]) == ("ack-subjects", "2.16")
    assert lone_cli.run("audit", "upgrade", "--from", "2.16", *flags).code == 0
    assert lone_cli.run("audit", "upgrade", *flags[2:], "--to", "2.15").code == 0


def test_consumers_of_a_running_server(stream_cli: Cli) -> None:
    async def fill() -> None:
        client = await jetstream.connect(stream_cli.environment["NATS_URL"])
        request = {"name": "MANY", "subjects": ["many"], "storage": "memory", "max_consumers": -1}
        await jetstream.api(client, "STREAM.CREATE.MANY", request)
        for number in range(805):
            config = {"durable_name": f"c{number}", "ack_policy": "none", "mem_storage": True}
            answer = await jetstream.api(
                client, f"CONSUMER.CREATE.MANY.c{number}", {"stream_name": "MANY", "config": config}
            )
            assert "error" not in answer
        await client.close()

    asyncio.run(fill())
    done = stream_cli.run("audit", "upgrade", "--from", "2.14.9", "--to", "2.15", "--json")
    (warning,) = [
        each for each in json.loads(done.out)["findings"] if each["severity"] == "warning"
    ]
    assert warning["place"].endswith("stream MANY")
    assert warning["message"].startswith("805 consumers, and 1000 are the default limit")
    assert done.code == 0


def test_the_new_subjects_are_those_of_a_server_that_has_them(tmp_path: Path) -> None:
    """What is suggested takes an acknowledgement as it then is, and what is there does not."""
    config = f'jetstream {{ store_dir: "{tmp_path}/js" }}\nfeature_flags {{ js_ack_fc_v2: true }}\n'

    async def reply(url: str) -> str:
        client = await jetstream.connect(url)
        request = {"name": "S", "subjects": ["s"], "storage": "memory"}
        await jetstream.api(client, "STREAM.CREATE.S", request)
        durable = {"durable_name": "c", "ack_policy": "explicit"}
        await jetstream.api(client, "CONSUMER.CREATE.S.c", {"stream_name": "S", "config": durable})
        await client.publish("s", b"x")
        inbox = await client.subscribe("inbox")
        await client.publish("$JS.API.CONSUMER.MSG.NEXT.S.c", b"", reply="inbox")
        message = await inbox.next_msg(timeout=60)
        await client.close()
        return str(message.reply)

    with ServerProcess(PYNATS, tmp_path / "server", config) as server:
        subject = asyncio.run(reply(url_of(server)))
    assert subject_matches("$JS.ACK.*.*.S.>", subject)
    assert not subject_matches("$JS.ACK.S.>", subject)


def test_what_is_missing_is_said(lone_cli: Cli) -> None:
    done = lone_cli.run("audit", "upgrade", "--no-live", "--to", "2.15")
    assert done.code == 1
    assert "nothing to look at" in done.err
    done = lone_cli.run("audit", "upgrade", "--no-live")
    assert "--to is missing" in done.err
