"""Servers, and the account of a connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

_MISSING = "fewer servers than expected are an error"
_NO_MATCH = "a mapping that does not match is an error"
_JSON = "every report has --json"
_NOBODY = "filters that no server matches are an error"
_NOT_KNOWN = "nothing is known of such an account"
_ACCOUNT = "the original's expressions have no account"
_DOMAINS = "another reason: the original fails at the domain, which does not exist"
_PANIC = "the original panics without a meta leader"
SYS = "--user sys --password sys"


def system(*commands: str | Line) -> Scene:
    """Lines in the system account."""
    return [
        Line(f"{SYS} {each}") if isinstance(each, str)
        else Line(f"{SYS} {each.command}", each.stdin, each.text, each.differs, each.code)
        for each in commands
    ]  # fmt: skip


SCENES: dict[str, tuple[str, Scene]] = {
    "looking": ("system", system(
        "server ls",
        "server ls 1 --sort name -R",
        "server ls --sort nope",
        "server ls x",
        "server ls --no-compact",
        Line("server ls 2 --timeout 200ms", differs=_MISSING, code=1),
        Line("server ping 2 --timeout 200ms", differs=_MISSING, code=1),
        "server ping 1",
        "server ping 1 --id --graph",
        "server info",
        "server info nope --timeout 200ms",
        "server info a b",
        "server account info APP",
        "server account info nope",
        "server account info",
        "server account info APP --host nope --timeout 200ms",
        "server nope",
        "server",
    )),
    "reports": ("system", system(
        "server report connections",
        "server report connections 1",
        "server report connections --sort nope",
        "server report connections --account nope",
        "server report connections --state all --top 1",
        "server report connections --filter 'conns.account == \"SYS\"'",
        "server report connections --filter 'conns.account =='",
        Line("server report connections --filter 'account == \"SYS\"'", differs=_ACCOUNT),
        "server report accounts",
        "server report accounts nope",
        "server report accounts SYS --top 1",
        "server report cpu",
        "server report mem -R",
        Line("server report mem --host nope --timeout 200ms", differs=_NOBODY, code=1),
        "server report health",
        Line("server report health --json", differs=_JSON),
        "server report jetstream",
        "server report jetstream --leaders --sort api",
        Line("server report jetstream --json", differs=_JSON),
        Line("server report jetstream --account nope", differs=_NOT_KNOWN, code=1),
        "server report leafnodes",
        Line("server report leafnodes -j", differs=_JSON),
        "server report routes",
        Line("server report routes --json", differs=_JSON),
        "server report gateways",
        Line("server report gateways --json", differs=_JSON),
        "server report downgrade 0",
        "server report downgrade 0 --json",
        "server report downgrade",
        "server report cpu --watch 1 --archive nope",
        "server report cpu --archive nope",
    )),
    "requests": ("system", system(
        *(f"server request {name}" for name in (
            "variables", "connections", "subscriptions", "accounts", "jetstream",
            "jetstream-health", "raft", "routes", "gateways", "leafnodes", "ipqueue",
        )),
        "server request varz 1",
        "server request varz --name nope --timeout 200ms",
        "server request connz --sort subs --filter-account APP --filter-empty",
        "server request connz --sort nope",
        "server request connz --filter-state nope",
        "server request jsz --all --leader --timeout 200ms",
        "server request healthz -J -S --no-details",
        "server request profile nope",
        "server request profile heap {home}/nope",
        Line("server request kick 999 nope --timeout 200ms"),
        "server request kick x y",
        "server request varz --archive nope",
    )),
    "changing": ("system", system(
        "server account purge APP",
        "server account purge APP -f",
        "server cluster step-down",
        "server cluster peer-remove x -f",
        "server cluster peer-remove",
        Line("server cluster evacuate x -f --timeout 200ms", differs=_PANIC, code=1),
        "server cluster rescue",
        "server cluster balance",
        "server cluster balance 1s -f",
        "server cluster balance x -f",
        "server cluster balance 1s -f --kind nope",
        "server config reload nope -f --timeout 200ms",
        "server config reload",
        Line("server cluster step-down --js-domain x", differs=_DOMAINS, code=1),
    )),
    "not permitted": ("system", (
        "server ls", "server ping", "server info", "server request varz", "server report cpu",
        "server report jetstream", "server report health", "server account info APP",
        "server config reload x -f", "server request kick 1 x", "server cluster step-down",
        "server report downgrade 1",
    )),
    "local": ("plain", (
        Line("server mappings 'a.*' 'b.{{wildcard(1)}}' a.x", text=True),
        Line("server mappings 'a.*' 'b.{{wildcard(1)}}' c.x", differs=_NO_MATCH, code=1),
        Line("server mappings 'a.*.*' 'b.$2.{{partition(5,1)}}' a.x.y", text=True),
        Line("server mappings 'a.*' 'b.{{split(1,-)}}' a.x-y-z", text=True),
        Line("server mappings 'a.>' 'b.>' a.x.y", text=True),
        "server mappings 'a.*' 'b.{{wildcard(2)}}' a.x",
        "server mappings 'a.*' 'b.{{nope(1)}}' a.x",
        "server mappings 'a..b' c d",
        "server mappings 'a.*' b",
        "server mappings",
        "server passwd",
        "server passwd -p short",
        "server passwd -p 'long enough'",
        "server passwd -p 'long enough' -c 3",
        "server passwd -p 'long enough' -c x",
        "server passwd -g -c 4",
        Line("server passwd -c 4", environment=(("PASSWORD", "long enough"),)),
        Line("server passwd", stdin="long enough\nlong enough\n"),
        "server ls",
        "account report connections",
    )),
    "account": ("system", (
        "account info",
        f"{SYS} account info",
        "account report connections",
        "account report connections --sort nope",
        "account report connections --subject foo",
        "account report connections --username nope",
        "account report statistics",
        f"{SYS} account report statistics",
        "account tls",
        "account",
        "account nope",
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tool(name: str, recorded: Recorded, tmp_path: Path) -> None:
    config, scene = SCENES[name]
    check(recorded, config, scene, tmp_path)
