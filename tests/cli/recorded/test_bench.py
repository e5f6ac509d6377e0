"""Benchmarks: how they end, and what they leave in streams and buckets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

_FEW = "--msgs 12 --no-progress"
_NO_CLIENTS = "the original runs without clients, and has nothing to report"
_PANIC = "the original ends with a panic"
_ANEW = "the original is refused while the consumer has another kind of acknowledgement"
_LEFT = "the original's own names are not there any more when the first client comes"

SCENES: dict[str, tuple[str, Scene]] = {
    "core": ("plain", (
        f"bench pub foo {_FEW} --clients 5 --multisubject --multisubjectrandomize",
        f"bench pub foo {_FEW} --duration 100ms --throughput 100 -H a:b",
        f"bench pub foo {_FEW} --duration 1s",
        f"bench pub foo {_FEW} --payload nofile",
        f"bench pub foo {_FEW} -H none",
        f"bench pub 'foo bar' {_FEW}",
        f"bench pub foo {_FEW} --size 2MB",
        f"bench pub foo {_FEW} --size 0",
        f"bench pub foo {_FEW} --size x",
        f"bench pub foo {_FEW} --sleep x",
        "bench pub foo --msgs 0",
        "bench pub foo --clients x",
        Line("bench pub foo --clients 0", differs=_NO_CLIENTS, code=1),
        f"bench service request nobody {_FEW}",
        Line("bench service serve foo --no-progress", ready="[1] Starting"),
        f"bench service request foo {_FEW} --clients 3",
        "bench", "bench service", "bench js pub", "bench sub", "bench nope",
        f"bench js pub sync foo {_FEW}",
        f"bench kv put {_FEW}",
    )),
    "streams": ("jetstream", (
        f"bench js pub sync foo {_FEW}",
        f"bench js pub sync foo {_FEW} --create",
        "stream info benchstream --json",
        f"bench js pub sync foo {_FEW} --create",
        f"bench js pub sync foo {_FEW} --create --storage memory",
        f"bench js pub sync foo {_FEW} --create --maxbytes x",
        f"bench js pub sync foo {_FEW} --storage x",
        f"bench js pub sync bar {_FEW} --timeout 1s",
        f"bench js pub async foo {_FEW} --purge --clients 2 --batch 5",
        "stream info benchstream --json",
        f"bench js pub atomic foo {_FEW} --batch 4",
        f"bench js pub batch foo {_FEW} --batch 4 --clients 2 --dedup",
        f"bench js pub fast foo {_FEW} --batch 4 --clients 2",
        "stream info benchstream --json",
        Line(f"bench js pub async foo {_FEW} --batch 0", differs=_PANIC, code=1),
        f"bench js pub sync m {_FEW} --stream MANY --create --multisubject --multisubjectmax 5",
        "stream subjects MANY --json",
        f"bench js pub sync p {_FEW} --stream LATER --create --persistasync --dedupwindow 1m",
        "stream info LATER --json",
        f"bench js pub sync r {_FEW} --stream R --create --replicas 3",
        f"bench js get sync {_FEW}",
        f"bench js get sync {_FEW} --stream nope",
        f"bench js get batch {_FEW} --batch 5 --clients 2",
        f"bench js get batch {_FEW} --filter nope",
        f"bench js get batch {_FEW} --stream nope",
    )),
    "consumers": ("jetstream", (
        f"bench js ordered {_FEW}",
        f"bench js consume {_FEW}",
        f"bench js pub async foo {_FEW} --create",
        f"bench js ordered {_FEW} --clients 2 --filter foo",
        f"bench js consume {_FEW} --clients 2",
        "consumer info benchstream nats-bench --json",
        Line(f"bench js fetch {_FEW} --acks none", differs=_ANEW),
        f"bench js fetch {_FEW} --acks some",
        f"bench js fetch {_FEW} --consumer other",
        "consumer add benchstream mine --pull --defaults",
        f"bench js fetch {_FEW} --consumer mine --doubleack",
        "consumer info benchstream mine --json",
        f"bench oldjs ordered foo {_FEW}",
        Line(f"bench oldjs push foo {_FEW} --consumer o1", differs=_LEFT),
        f"bench oldjs pull foo {_FEW} --consumer o2 --no-ack",
    )),
    "buckets": ("jetstream", (
        f"bench kv get {_FEW}",
        f"bench kv put {_FEW} --clients 2",
        "stream info KV_benchbucket --json",
        f"bench kv get {_FEW} --clients 2",
        f"bench kv get {_FEW} --randomize 12",
        f"bench kv put {_FEW} --bucket other",
        f"bench kv get {_FEW} --bucket other",
        f"bench kv put {_FEW} --storage memory",
        f"bench kv put {_FEW} --history 4 --purge",
        "stream info KV_benchbucket --json",
        f"bench kv put {_FEW} --bucket a.b",
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tools(name: str, recorded: Recorded, tmp_path: Path) -> None:
    config, scene = SCENES[name]
    check(recorded, config, scene, tmp_path)
