"""Commands at the same time, each in its own process: nothing is lost, nobody waits for ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynats_common.program.filelock
import pytest
from pynats_common import jwt
from pynats_common.nkeys import Prefix, create_pair
from pynats_common.program.filelock import LockTimeoutError, hold_lock

from tests.support.deadline import PATIENCE_S

Nsc = Callable[..., Any]
MANY = 12

# Every child has everything imported and waits for the same end of file: they start together.
_TOGETHER = """
import json, os, sys
from pynsc.__main__ import main
from pynsc.table import COMMANDS
import jwt.api_jws
for command in COMMANDS.values():
    command.function()
commands = json.load(sys.stdin)
wait, start = os.pipe()
children = {}
for number, arguments in enumerate(commands):
    child = os.fork()
    if child == 0:
        os.close(start)
        os.read(wait, 1)
        code = 99
        try:
            code = main(arguments)
        finally:
            sys.stderr.flush()
            os._exit(code)
    children[child] = number
os.close(start)
codes = [0] * len(commands)
for _ in commands:
    child, status = os.wait()
    codes[children[child]] = os.waitstatus_to_exitcode(status)
print(json.dumps(codes))
"""


def together(commands: list[list[str]]) -> list[int]:
    """Exit codes of commands that run at the same time."""
    done = subprocess.run(
        [sys.executable, "-c", _TOGETHER], input=json.dumps(commands), capture_output=True,
        text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    codes: list[int] = json.loads(done.stdout.splitlines()[-1])
    return codes


def all_succeed(commands: list[list[str]]) -> None:
    assert together(commands) == [0] * len(commands)


def account(home: Path, name: str = "A") -> jwt.AccountClaims:
    path = home / f".local/share/nats/nsc/stores/O/accounts/{name}/{name}.jwt"
    return jwt.decode_as(jwt.AccountClaims, path.read_text())


@pytest.fixture
def team(nsc: Nsc) -> Nsc:
    nsc("add", "operator", "O")
    nsc("add", "account", "A")
    return nsc


def publics(kind: Prefix) -> list[str]:
    return [create_pair(kind).public_key for _ in range(MANY)]


def test_revocations_at_the_same_time_are_all_kept(team: Nsc, home: Path) -> None:
    users = publics(Prefix.USER)
    all_succeed([["revocations", "add-user", "-a", "A", "-u", user] for user in users])
    assert set(account(home).nats.revocations) == set(users)
    all_succeed([["revocations", "delete-user", "-a", "A", "-u", user] for user in users])
    assert account(home).nats.revocations == {}


def test_revoked_activations_at_the_same_time_are_all_kept(team: Nsc, home: Path) -> None:
    team("add", "export", "-a", "A", "-s", "p.>", "-p")
    targets = publics(Prefix.ACCOUNT)
    all_succeed([["revocations", "add_activation", "-a", "A", "-s", "p.>", "-t", target]
                 for target in targets])  # fmt: skip
    assert set(account(home).nats.exports[0].revocations) == set(targets)


def test_exports_imports_and_mappings_at_the_same_time_are_all_kept(team: Nsc, home: Path) -> None:
    source = create_pair(Prefix.ACCOUNT).public_key
    each = range(MANY // 3)
    all_succeed([
        *(["add", "export", "-a", "A", "-s", f"e.{n}"] for n in each),
        *(["add", "import", "-a", "A", "--src-account", source, "--remote-subject", f"i.{n}"]
          for n in each),
        *(["add", "mapping", "-a", "A", "-f", f"m.{n}", "-t", f"to.{n}"] for n in each),
    ])  # fmt: skip
    body = account(home).nats
    assert {item.subject for item in body.exports} == {f"e.{n}" for n in each}
    assert {item.subject for item in body.imports} == {f"i.{n}" for n in each}
    assert set(body.mappings) == {f"m.{n}" for n in each}
    all_succeed([
        *(["delete", "export", "-a", "A", "-s", f"e.{n}"] for n in each),
        *(["delete", "import", "-a", "A", "-s", f"i.{n}"] for n in each),
        *(["delete", "mapping", "-a", "A", "-f", f"m.{n}"] for n in each),
    ])  # fmt: skip
    body = account(home).nats
    assert (body.exports, body.imports, body.mappings) == ([], [], {})


def test_edits_of_account_and_operator_at_the_same_time_are_all_kept(team: Nsc, home: Path) -> None:
    each = range(MANY // 4)
    team("add", "user", "U", "-a", "A")
    all_succeed([
        *(["edit", "account", "A", "--tag", f"t{n}"] for n in each),
        *(["edit", "account", "A", "--sk", "generate"] for n in each),
        *(["edit", "operator", "--service-url", f"nats://host{n}:4222"] for n in each),
        *(["edit", "user", "U", "-a", "A", "--allow-pub", f"s.{n}"] for n in each),
        *(["edit", "signing-key", "-a", "A", "--sk", "generate", "--role", f"r{n}"] for n in each),
    ])  # fmt: skip
    body, root = account(home).nats, home / ".local/share/nats/nsc/stores/O"
    assert set(body.tags) == {f"t{n}" for n in each}
    assert len(set(body.signing_key_ids())) == 2 * len(each)
    assert {key.role for key in body.signing_keys if not isinstance(key, str)} == {
        f"r{n}" for n in each
    }
    operator = jwt.decode_as(jwt.OperatorClaims, (root / "O.jwt").read_text())
    assert {f"nats://host{n}:4222" for n in each} <= set(operator.nats.operator_service_urls)
    user = jwt.decode_as(jwt.UserClaims, (root / "accounts/A/users/U.jwt").read_text())
    assert set(user.nats.pub.allow) == {f"s.{n}" for n in each}


def test_new_accounts_users_and_operators_at_the_same_time_are_all_kept(
    team: Nsc, home: Path
) -> None:
    each = range(MANY // 2)
    all_succeed([
        *(["add", "account", f"B{n}"] for n in each),
        *(["add", "user", f"U{n}", "-a", "A"] for n in each),
    ])  # fmt: skip
    listed = json.loads(team("list", "accounts", "-J").out)
    assert {item["name"] for item in listed} == {"A", *(f"B{n}" for n in each)}
    users = json.loads(team("list", "users", "-a", "A", "-J").out)
    assert {item["name"] for item in users} == {f"U{n}" for n in each}
    all_succeed([
        *(["delete", "account", f"B{n}"] for n in each),
        *(["delete", "user", f"U{n}", "-a", "A", "-R", "-D", "-C"] for n in each),
    ])  # fmt: skip
    assert len(account(home).nats.revocations) == len(each)
    assert json.loads(team("list", "users", "-a", "A", "-J").out) == []
    assert sorted(together([["add", "operator", "P"]] * 5)) == [0, 1, 1, 1, 1]
    folder = home / ".local/share/nats/nsc/stores/P"
    operator = jwt.decode((folder / "P.jwt").read_text()).sub
    seeds = [path.stem for path in (home / ".local/share/nats/nsc/keys/keys/O").rglob("*.nk")]
    assert operator in seeds and len(seeds) == 2  # the refused ones left no key behind


def test_keys_that_are_imported_and_migrated_at_the_same_time_are_all_kept(
    team: Nsc, home: Path
) -> None:
    pairs = [create_pair(Prefix.USER) for _ in range(MANY)]
    commands = []
    for number, pair in enumerate(pairs):
        folder = home / f"in{number}"
        folder.mkdir()
        (folder / "key.nk").write_text(pair.seed)
        commands.append(["import", "keys", "--dir", str(folder)])
    keys = home / ".local/share/nats/nsc/keys"
    flat = [create_pair(Prefix.USER) for _ in range(MANY)]
    for pair in flat:
        (keys / f"{pair.public_key}.nk").write_text(pair.seed)
    all_succeed([*commands[:15], *[["keys", "migrate"]] * 5, *commands[15:]])
    for pair in (*pairs, *flat):
        public = pair.public_key
        assert (keys / "keys/U" / public[1:3] / f"{public}.nk").read_text() == pair.seed
    assert list(keys.glob("*.nk")) == []


def test_choices_of_the_environment_at_the_same_time_leave_a_whole_file(
    team: Nsc, home: Path
) -> None:
    config = home / ".config/nats/nsc/nsc.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "other": "kept"}))
    all_succeed([["env", "-a", "A"], ["env", "-o", "O"]] * 5 + [["select", "account", "A"]] * 5)
    stored = json.loads(config.read_text())
    assert stored["other"] == "kept" and stored["operator"] == "O"


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lock until it is killed."""
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from pynats_common.program.filelock import hold_lock\n"
        "with hold_lock(Path(sys.argv[1]), 'pynsc edit account'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_who_waits_in_vain_is_told_for_whom_and_readers_do_not_wait(
    team: Nsc, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pynats_common.program.filelock, "WAIT_S", 0.0)
    root = home / ".local/share/nats/nsc/stores/O"
    before = (root / "accounts/A/A.jwt").read_text()
    with held(root / ".lock") as process:
        error = team("edit", "account", "A", "--tag", "x", code=1).err
        assert f"is being changed by pynsc edit account (process {process.pid})" in error
        for command in ("list accounts", "describe account A", "validate -A", "list keys",
                        "generate config --mem-resolver", "env"):  # fmt: skip
            team(*command.split())
        team("add", "operator", "P")  # an operator of its own has a lock of its own
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (root / "accounts/A/A.jwt").read_text() == before
    team("select", "operator", "O")
    team("edit", "account", "A", "--tag", "x")  # a lock ends with its process
    assert account(home).nats.tags == ["x"]


def test_commands_leave_no_lock_and_failed_ones_no_folder_behind(team: Nsc, home: Path) -> None:
    team("edit", "account", "A", "--tag", "x")
    team("edit", "account", "A", "--expiry", "nonsense", code=1)
    team("add", "operator", "P", "--expiry", "nonsense", code=1)
    assert not [path for path in home.rglob("*") if path.name.endswith(".lock")]
    assert not (home / ".local/share/nats/nsc/stores/P").exists()


def test_questions_are_asked_before_the_lock_and_answers_do_not_undo_other_changes(
    team: Nsc, home: Path
) -> None:
    team("add", "export", "-a", "A", "-s", "e", "-n", "first")
    root = home / ".local/share/nats/nsc/stores/O"
    process = subprocess.Popen(
        [sys.executable, "-m", "pynsc", "edit", "export", "-i", "-a", "A", "-s", "e"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home,
    )  # fmt: skip
    assert process.stdin and process.stderr
    try:
        seen = ""
        while "export type" not in seen:  # it asks: nobody else has to wait for the answer
            letter = process.stderr.read(1)
            assert letter, seen
            seen += letter
        assert not (root / ".lock").exists()
        team("edit", "export", "-a", "A", "-s", "e", "-n", "second", "--description", "told",
             "--private")  # fmt: skip
        out, err = process.communicate("\n\n\n\n\nhttp://x.example\n\n", timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, (seen, out, err)
    (export,) = account(home).nats.exports
    assert (export.name, export.description, export.token_req) == ("second", "told", True)


_CHANGED_BY_ANOTHER = """
import sys
from pathlib import Path
from pynsc.core import session
from pynsc.__main__ import main
real = session.sign
def sign(*arguments):
    Path(sys.argv[1]).write_text(Path(sys.argv[2]).read_text())
    return real(*arguments)
session.sign = sign
sys.exit(main(sys.argv[3:]))
"""


def test_a_change_by_a_tool_without_locks_is_noticed_and_kept(team: Nsc, home: Path) -> None:
    path = home / ".local/share/nats/nsc/stores/O/accounts/A/A.jwt"
    old = path.read_text()
    team("edit", "account", "A", "--tag", "theirs")
    theirs = home / "theirs"
    theirs.write_text(path.read_text())
    path.write_text(old)
    done = subprocess.run(
        [sys.executable, "-c", _CHANGED_BY_ANOTHER, str(path), str(theirs), "edit", "account", "A",
         "--tag", "ours"], capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "another program has just changed" in done.stderr
    assert path.read_text() == theirs.read_text()


def test_a_lock_is_had_by_one_at_a_time_and_tells_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path, "one"):
        with pytest.raises(LockTimeoutError) as caught, hold_lock(path, "two", wait_s=0):
            pass
        assert caught.value.holder == f"one (process {os.getpid()})"
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()
    path.write_text("somebody who was killed (process 1)")
    with hold_lock(path, "three", wait_s=0):
        assert path.read_text().startswith("three")
