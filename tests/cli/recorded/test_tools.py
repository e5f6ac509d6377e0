"""Services, traces, schemas, error codes, cheats and plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

_EMPTY = "a list of nothing is an empty list"
_DASH = "the original's help says that - is standard input, but it is not"
_PANIC = "the original ends with a traceback"
_STREAM = (
    '{"name":"T","subjects":["t.>"],"retention":"limits","max_consumers":-1,"max_msgs":-1,'
    '"max_bytes":-1,"max_age":0,"storage":"memory","num_replicas":1}'
)

SCENES: dict[str, tuple[str, Scene]] = {
    "no services": ("plain", (
        Line("service ls", differs=_EMPTY),
        Line("service ls --json", differs=_EMPTY),
        "service ls nope",
        "service ping",
        "service info nope",
        "service info nope id",
        "service stats nope",
        "service req nope x y",
        "service req nope",
        "service info",
        "service serve",
        "service serve a.b",
        "service ls 'a b'",
        "service",
    )),
    "services": ("plain", (
        Line("service serve calc -H a=b", ready="Requests Log"),
        "service ls --json",
        "service ls calc -j",
        "micro l --json",
        "service ls nope",
        "service info calc --json",
        "service info calc",
        "service i calc -e '^e' --json",
        "service info calc -e zzz --json",
        "service info calc -e '('",
        "service info calc nope",
        "service stats calc --json",
        "service stats calc nope",
        "service ping calc --timeout 500ms",
        Line("service req calc echo hello", text=True),
        Line("service req calc echo hello --raw", text=True),
        Line("service req calc echo 'n {{Count}}' --count 3 --raw", text=True),
        Line("service req calc echo 'n {{Count}}' --no-templates --raw", text=True),
        Line("service req calc echo --raw", stdin="a\nb\n", text=True),
        Line("service req calc echo --raw --send-on newline", stdin="a\nb\n", text=True),
        "service req calc echo x -H X:y",
        "service req calc echo x -H bad",
        "service req calc nope x",
        "service req calc echo x --translate 'tr a-z A-Z'",
        "service stats calc --json",
    )),
    "traces": ("jetstream", (
        f"schema req '$JS.API.STREAM.CREATE.T' '{_STREAM}'",
        Line("sub 'x.>' --queue q1", ready="Subscribing"),
        "trace nope",
        "trace t.1",
        "trace t.1 hi --deliver",
        "trace x.1 -T",
        "trace x.1 -H A:b",
        "trace x.1 -H bad",
        "trace x.1 a b",
        "trace 'a b'",
        "trace",
        "schema req '$JS.API.INFO'",
        "schema req '$JS.API.STREAM.INFO.T'",
        "schema req '$JS.API.STREAM.INFO.NOPE' --show",
        "schema req '$JS.API.STREAM.NAMES'",
        "schema req '$JS.API.STREAM.NAMES' '{\"subject\":\"none\"}'",
        "schema req '$JS.API.STREAM.LIST'",
        "schema req '$JS.API.CONSUMER.LIST.T'",
        "schema req '$JS.API.CONSUMER.NAMES.T'",
        "schema req '$JS.API.STREAM.PURGE.T'",
        "schema req '$JS.API.STREAM.DELETE.T'",
        "schema req '$JS.API.INFO' --schema nope",
        "schema req nobody",
        "schema req",
    )),
    "schemas": ("plain", (
        Line("schema ls", text=True),
        "schema ls --json",
        "schema ls ping --json",
        Line("schema ls 'stream.*request'", text=True),
        Line("schema find zzz", text=True),
        "schema ls '('",
        "schema info io.nats.micro.v1.ping_response",
        "schema show io.nats.jetstream.api.v1.stream_configuration --yaml",
        "schema info nope",
        "schema info",
        Line("schema validate io.nats.micro.v1.ping_response -", stdin='{"name":"x"}'),
        Line("schema validate nope -", stdin="{}"),
        Line("schema validate io.nats.micro.v1.ping_response -", stdin="nothing"),
        Line("schema check io.nats.micro.v1.ping_response -",
             stdin='{"type":"io.nats.micro.v1.ping_response","name":"a","id":"b",'
                   '"version":"1.0.0"}', differs=_DASH),
        "schema validate io.nats.micro.v1.ping_response nofile",
    )),
    "error codes": ("plain", (
        "errors ls",
        "errors ls 100",
        "errors ls mirror http",
        "errors ls mirror d -R",
        "errors ls MIRROR code --reverse",
        "errors ls zzzz",
        "errors ls mirror foo",
        Line("errors ls '('", differs=_PANIC, code=1),
        Line("errors lookup 10003", text=True),
        "err get 10059",
        "errors lookup 1",
        "errors lookup abc",
        "errors lookup 70000",
        "errors validate nofile",
        "errors --errors nofile ls",
        "errors",
    )),
    "cheats": ("plain", (
        "cheat",
        "cheat --list",
        "cheat nope",
        "cheat kv",
        "cheat --save {home}/cheats",
        "cheat kv x",
    )),
    "latency": ("plain", (
        "latency",
        "latency --server-b 127.0.0.1:1 --duration 100ms",
        "latency --server-b {url} --size 1",
        "latency --server-b {url} --duration x",
        "latency --server-b {url} --rate x",
        "plugins",
        "plugins register",
        "plugins register foo nofile",
        "plugins register Foo1 /bin/true",
        "plugins register foo /bin/true",
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tools(name: str, recorded: Recorded, tmp_path: Path) -> None:
    config, scene = SCENES[name]
    check(recorded, config, scene, tmp_path)
