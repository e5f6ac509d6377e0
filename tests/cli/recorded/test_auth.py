"""Operators, accounts, users and keys: `auth` without a terminal."""

from __future__ import annotations

from pathlib import Path

import nacl.bindings  # noqa: F401 - imported before forking, see tests.cli.conftest.Running
import pytest
import rich.console
import rich.table  # noqa: F401
from pynats_cli.commands.auth import GROUP
from pynats_common.commandline.tree import Command, every

from tests.cli.recorded.scenes import Line, Scene, check
from tests.support.records import Recorded

for _, node in every(GROUP):
    if isinstance(node, Command):
        node.options()  # imports it

_EMPTY = "the original prints an empty object: its types know no JSON"
_DEFAULTS = "--defaults takes the default of the question, 1GB"
_KEPT = "an edit changes what is given; the original resets the other limits"
_ABSENT = "the original says that it did it"
_NAMED = "a name that is given is not replaced: the original takes the only operator there is"
_FILES = "../x is no name of a file: the original writes outside of the store, or breaks it"


def _shown(command: str) -> Line:
    return Line(command, text=True)


SCENES: dict[str, Scene] = {
    "operators": (
        _shown("auth operator list"),
        "auth operator info",
        "auth operator add",
        "auth account ls",
        _shown("auth operator add OP --service nats://h:4222 --account-server nats://x:1 "
               "--tags A,b"),
        "auth operator add OP",
        _shown("auth operator info"),
        "auth operator info OP --json",
        _shown("auth operator ls --names"),
        _shown("auth operator edit OP --tags c --no-tags a,b --service nats://h:2"),
        _shown("auth operator edit OP --account-server ''"),
        _shown("auth operator edit OP --service ''"),
        _shown("auth operator edit OP"),
        Line("auth operator edit nope --tags x", differs=_NAMED, code=1),
        "auth operator add U --service :::",
        _shown("auth operator add OP2 --no-signing-key"),
        "auth operator info",
        "auth operator info nope",
        "auth operator select",
        "auth operator select nope",
        _shown("auth operator select OP2"),
        _shown("auth operator info"),
        _shown("auth op keys ls OP2"),
        _shown("auth op keys ls OP"),
        _shown("auth op sk add OP"),
        _shown("auth op keys ls OP"),
        "auth op keys rm OP",
        "auth op keys rm OP nope -f",
        Line("auth operator add BAD/NAME", differs=_FILES, code=1),
    ),
    "accounts": (
        "auth account add A1 --defaults",
        "auth operator add OP",
        "auth account add",
        "auth account add A1",
        _shown("auth account add A1 --defaults"),
        "auth account add A1 --defaults",
        "auth account add SYSTEM --defaults",
        "auth account add A4 --key nope --defaults",
        _shown("auth account add A2 --defaults --jetstream --js-disk 1GB --js-memory 1GB --tags x "
               "--bearer --connections 10 --payload 1MB --js-disk-stream 10MB --js-max-pending 5 "
               "--js-stream-size-required --js-streams 3 --js-consumers 4 --leafnodes 2 "
               "--js-cluster-traffic owner --exports 3 --imports 4 --subscriptions 100 "
               "--js-memory-stream 5MB"),
        Line("auth account add A3 --defaults --jetstream", differs=_DEFAULTS),
        "auth account add A5 --defaults --expiry x",
        "auth account add A5 --defaults --connections x",
        "auth account add A5 --defaults --js-cluster-traffic x",
        _shown("auth account add A6 --defaults --expiry 1d"),
        _shown("auth account info A1"),
        "auth account info A1 --json",
        _shown("auth act show A2"),
        "auth act i A2",
        "auth account info",
        "auth account info nope",
        "auth account ls --operator OP",
        Line("auth account ls nope", differs=_NAMED, code=1),
        Line("auth account ls --names OP", differs="A3 is there"),
        _shown("auth account edit A1 --connections 5"),
        "auth account edit A1 --jetstream",
        _shown("auth account edit A1 --js-disk 1GB"),
        Line("auth account edit A2 --tags y", differs=_KEPT),
        _shown("auth account edit A1 --jetstream --js-disk 2GB --js-memory 1GB"),
        _shown("auth account edit A1 --no-jetstream"),
        _shown("auth account edit SYSTEM --tags one --tags two"),
        "auth account edit nope --connections 1",
        "auth account edit",
        "auth account push A1",
        "auth account query",
    ),
    "users": (
        "auth operator add OP",
        "auth account add A1 --defaults",
        "auth user add",
        "auth user add U1",
        "auth user add U1 A1",
        "auth user add U1 nope --defaults",
        _shown("auth user add U1 A1 --defaults"),
        "auth user add U1 A1 --defaults",
        _shown("auth user add U2 A1 --defaults --credential {home}/u2.creds --tags a,b "
               "--pub-allow x --pub-allow z --sub-deny q --data 5 --subscriptions 3 "
               "--locale Europe/Berlin --bearer --payload 100"),
        _shown("auth user info U2 A1"),
        "auth user info U1 A1 --json",
        "auth user info U2",
        "auth user info nope A1",
        _shown("auth user ls A1 --names"),
        "auth user ls",
        _shown("auth user ls SYSTEM"),
        Line("auth user edit U2 A1 --tags d", differs=_KEPT),
        "auth user edit nope A1 --tags d",
        _shown("auth user edit U1 A1 --no-bearer --payload 10 --pub-deny n --sub-allow s"),
        _shown("auth user cred {home}/x.creds U1 A1"),
        "auth user cred {home}/x.creds U1 A1",
        _shown("auth user cred {home}/x.creds U1 A1 -f --expire 1h"),
        "auth user cred {home}/none/x.creds U1 A1",
        "auth user cred {home}/y.creds nope A1",
        "auth user rm U1 A1",
        _shown("auth user rm U1 A1 -f"),
        _shown("auth user rm U2 A1 -f --revoke"),
        "auth user rm U2 A1 -f",
        _shown("auth account info A1"),
    ),
    "roles": (
        "auth operator add OP",
        "auth account add A1 --defaults",
        _shown("auth account keys ls A1"),
        "auth account keys add",
        "auth account keys add A1",
        "auth account keys add A1 x --connection bogus",
        Line("auth account keys add A1 plain",
             differs="the original shows a payload of 0 until it is read again"),
        _shown("auth account keys add A1 svc --description 'my role' --pub-allow a.b --sub-allow c "
               "--pub-deny d --sub-deny e --payload 1KB --subscriptions 5 --bearer "
               "--connection nats --connection ws --locale Europe/Berlin"),
        _shown("auth account keys info A1 svc"),
        _shown("auth account keys info A1 plain"),
        Line("auth account keys info A1 svc --json", differs=_EMPTY),
        "auth account keys info A1 nope",
        "auth account keys info A1",
        Line("auth user add R1 A1 --key svc --pub-allow z --defaults",
             differs="the role is shown too"),
        Line("auth user edit R1 A1 --tags x", differs="the original loses the tags"),
        "auth user add R2 A1 --key nope --defaults",
        _shown("auth account keys add A1 --unscoped"),
        "auth account keys rm A1",
        "auth account keys rm A1 --key nope -f",
        "auth account keys rm A1 --key plain",
        _shown("auth account keys rm A1 --key plain -f"),
        "auth account keys rm A1 --key plain -f",
        "auth account keys rm A1 -f",
    ),
    "sharing": (
        "auth operator add OP",
        "auth account add A1 --defaults",
        "auth account add A2 --defaults",
        _shown("auth account exports ls A1"),
        _shown("auth account exports add svc 'svc.>' A1 --service --description d "
               "--url http://x/y --advertise"),
        "auth account exports add svc 'svc.>' A1 --service",
        _shown("auth account exports add str 'str.*.x' A1 --token-position 2"),
        "auth account exports add bad 'bad subject' A1",
        "auth account exports add sub svc.a A1 --service",
        "auth account exports add pos pos.a A1 --token-position 2",
        "auth account exports add x y",
        _shown("auth account exports info 'svc.>' A1"),
        Line("auth account exports info 'svc.>' A1 --json", differs=_EMPTY),
        "auth account exports info nope A1",
        _shown("auth account exports edit 'svc.>' A1 --description newd --no-advertise"),
        "auth account exports edit nope A1 --description z",
        _shown("auth account imports ls A2"),
        "auth account imports add isvc svc.x A2",
        _shown("auth account imports add isvc svc.x A2 --source A1 --service --local my.svc "
               "--share"),
        _shown("auth account imports add istr str.A.x A2 --source A1"),
        "auth account imports add bad str.A.y A2 --source A1 --share",
        "auth account imports add n3 foo3 A2 --source nope",
        _shown("auth account imports info my.svc A2"),
        Line("auth account imports info my.svc A2 --json", differs=_EMPTY),
        "auth account imports info nope A2",
        _shown("auth account imports edit my.svc A2 --local my.other"),
        "auth account imports edit nope A2 --share",
        "auth account imports rm my.other A2",
        _shown("auth account imports rm my.other A2 -f"),
        "auth account imports rm my.other A2 -f",
        "auth account exports rm 'svc.>' A1",
        _shown("auth account exports rm 'svc.>' A1 -f"),
        "auth account exports rm 'svc.>' A1 -f",
        "auth account exports kv B",
        "auth account imports kv B pre nope",
        _shown("auth account info A1"),
        _shown("auth account info A2"),
    ),
    "mappings": (
        "auth operator add OP",
        "auth account add A1 --defaults",
        _shown("auth account mappings ls A1"),
        "auth account mappings add A1",
        _shown("auth account mappings add A1 src dst"),
        "auth account mappings add A1 src dst2 50",
        _shown("auth account mappings add A1 src2 d.a 20 c1"),
        "auth account mappings add A1 src2 d.b 90 c1",
        "auth account mappings add A1 big x 101",
        "auth account mappings add A1 a b zz",
        _shown("auth account mappings add A1 'w.*' 'v.{{wildcard(1)}}' 100"),
        "auth account mappings add A1 'bad subj' x",
        _shown("auth account mappings info A1 src2"),
        "auth account mappings info A1 src2 --json",
        "auth account mappings info A1",
        Line("auth account mappings info A1 nope", differs=_ABSENT, code=1),
        _shown("auth account mappings rm A1 src2"),
        Line("auth account mappings rm A1 src2", differs=_ABSENT, code=1),
        "auth account mappings rm A1",
        "auth account mappings ls",
    ),
    "keys": (
        *(f"auth nkey gen {kind}" for kind in
          ("user", "account", "server", "cluster", "operator", "curve", "x25519", "foo", "USER")),
        _shown("auth nkey gen user"),
        _shown("auth nkey gen user --public"),
        _shown("auth nkey gen account --public --output {home}/a.nk"),
        _shown("auth nkey show {home}/a.nk"),
        "auth nkey show {home}/none",
        "auth nkey gen user --entropy {home}/a.nk",
        "auth nkey gen user --entropy /dev/null",
        "auth nkey sign {home}/a.nk {home}/a.nk",
        "auth nkey verify {home}/a.nk {home}/a.nk {home}/a.nk",
        "auth nkey gen curve --output {home}/x.nk",
        "auth nkey sign {home}/a.nk {home}/x.nk",
        "auth nkey seal {home}/a.nk {home}/x.nk nope",
        "auth nkey unseal {home}/a.nk {home}/x.nk nope",
        "auth nuid gen",
        "auth nuid",
        "auth",
    ),
    "backups": (
        "auth operator add OP",
        "auth account add A1 --defaults",
        "auth nkey gen curve --output {home}/x.nk",
        "auth nkey gen curve --output {home}/y.nk",
        Line("auth operator backup OP {home}/backup", differs="names its own program"),
        Line("auth operator backup nope {home}/none", differs=_NAMED, code=1),
        "auth operator backup OP",
        _shown("auth operator backup OP {home}/sealed --key {home}/x.nk"),
        "auth operator backup OP {home}/sealed --key {home}/backup",
        "auth operator restore OP {home}/backup",
        "auth operator import {home}/backup",
        "auth operator import {home}/data/nats/nsc/stores/OP/OP.jwt",
        "auth operator import {home}/data/nats/nsc/stores/OP/accounts/A1/A1.jwt",
        "auth operator restore OP {home}/sealed",
        Line("auth operator restore OP2 {home}/sealed --key {home}/y.nk"),
        "auth operator restore OP2 {home}/sealed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_as_the_real_tool(name: str, recorded: Recorded, tmp_path: Path) -> None:
    check(recorded, "plain", SCENES[name], tmp_path)
