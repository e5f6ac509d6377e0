"""The object that says which server speaks."""

from __future__ import annotations

import dataclasses
import json

from pynats_server import Options, Server
from pynats_server.options import JetStreamOptions
from pynats_server.system.server_block import ServerBlock


def test_every_block_has_the_next_number_also_after_one_that_nobody_wants() -> None:
    block = ServerBlock(Server(Options(server_name="n"), log=None).state)
    block.next()
    block.skip()
    assert json.loads(block.next())["seq"] == 3


def test_fields_in_the_real_servers_order_without_empty_ones() -> None:
    server = Server(Options(server_name="n<1>", host="127.0.0.1"), log=None)
    told = ServerBlock(server.state).next()
    assert b'"name":"n\\u003c1\\u003e"' in told
    assert list(json.loads(told)) == [
        "name", "host", "id", "ver", "feature_flags", "jetstream", "flags", "seq", "time",
    ]  # fmt: skip
    assert list(json.loads(told)["feature_flags"]) == [
        "js_ack_fc_v2", "js_api_reply_v2", "js_raft_delete_range", "js_snapshot_sources",
    ]  # fmt: skip


def test_it_follows_the_options() -> None:
    server = Server(Options(server_name="n", server_tags=["a"]), log=None)
    block = ServerBlock(server.state)
    assert json.loads(block.next())["tags"] == ["a"]
    server.state.options = dataclasses.replace(
        server.state.options,
        server_tags=["b", "c"],
        server_metadata={"k": "v"},
        jetstream=JetStreamOptions(domain="hub"),
        feature_flags={"js_ack_fc_v2": True},
        client_advertise="out:1",
    )
    told = json.loads(block.next())
    assert (told["tags"], told["metadata"], told["domain"]) == (["b", "c"], {"k": "v"}, "hub")
    assert (told["host"], told["feature_flags"]["js_ack_fc_v2"]) == ("out", True)
    assert list(told)[:7] == ["name", "host", "id", "domain", "ver", "tags", "metadata"]
