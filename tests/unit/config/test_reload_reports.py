"""What a reload says has changed: names, never a secret, and never without end."""

from __future__ import annotations

from pathlib import Path

from pynats_server.options import Options
from pynats_server.settings import diff

BEFORE = """
authorization {
  user: old, password: s3cret1, timeout: 2
}
mappings { a: b, c: d }
"""
AFTER = """
authorization {
  user: new, password: s3cret2, timeout: 3
}
mappings { a: x, e: f }
log_levels { clients: debug }
"""
ACCOUNTS = """
accounts {
  A {
    users [ { user: a, password: s3cret1 }, { user: b, password: s3cret1 } ]
    exports [ { stream: "s" }, { service: "q" } ]
    mappings { foo: bar }
    limits { max_payload: 100 }
  }
  B {
    users [ { user: c, password: s3cret1 } ]
    imports [ { stream: { account: A, subject: "s" } } ]
  }
  GONE { users [] }
}
"""
CHANGED = """
accounts {
  A {
    users [ { user: a, password: s3cret2 }, { user: d, password: s3cret1 } ]
    exports [ { stream: "s" }, { service: "q", response: stream }, { service: "r" } ]
    mappings { foo: baz }
    limits { max_payload: 50, max_publish_rate: 5, publish_limit_action: refuse }
    msg_trace: "t"
    jetstream: on
  }
  B {
    users [ { user: c, password: s3cret1, limits { max_publish_rate: 1 } } ]
    imports [ { stream: { account: A, subject: "s" }, prefix: p } ]
    default_permissions { publish: "x" }
  }
  NEW { users [] }
}
"""


def told(folder: Path, before: str, after: str) -> list[str]:
    options = []
    for text in (before, after):
        path = folder / "s.conf"
        path.write_text(text)
        options.append(Options.load(path))
    return [line for change in diff(*options) for line in change.notices]


def test_authorization_and_mappings_are_told_key_by_key(tmp_path: Path) -> None:
    assert told(tmp_path, BEFORE, AFTER) == [
        "Reloaded: authorization username",
        "Reloaded: authorization password",
        "Reloaded: authorization timeout = 3",
        "Reloaded: log_levels = map[clients:debug]",
        "Reloaded: mappings",
        'Reloaded: account "$G": mappings: "e" added, "a" changed, "c" removed',
    ]


def test_accounts_are_told_one_by_one(tmp_path: Path) -> None:
    assert told(tmp_path, ACCOUNTS, CHANGED) == [
        "Reloaded: accounts",
        'Reloaded: account "A": users: "d" added, "a" changed, "b" removed',
        'Reloaded: account "A": jetstream = on',
        'Reloaded: account "A": limits.max_payload = 50',
        'Reloaded: account "A": limits.max_publish_rate = 5',
        'Reloaded: account "A": limits.publish_limit_action = refuse',
        'Reloaded: account "A": service exports: "r" added, "q" changed',
        'Reloaded: account "A": mappings: "foo" changed',
        'Reloaded: account "A": msg_trace',
        'Reloaded: account "B": users: "c" changed',
        'Reloaded: account "B": default_permissions',
        'Reloaded: account "B": stream imports: "s of A" changed',
        'Reloaded: account "GONE" removed',
        'Reloaded: account "NEW" added',
    ]


def test_no_secret_is_told_and_names_stay_in_their_line(tmp_path: Path) -> None:
    name = "x" * 500
    after = (
        f'authorization {{ users [ {{ user: "a\\nb", password: s3cret3 }}, {{ user: {name} }} ] }}'
    )
    lines = told(tmp_path, BEFORE, after) + told(tmp_path, ACCOUNTS, CHANGED)
    assert not any("s3cret" in line for line in lines)
    (users,) = [line for line in lines if '"$G": users' in line]
    assert r'"a\nb"' in users
    assert len(users) < 300


def test_very_many_changes_are_counted(tmp_path: Path) -> None:
    users = ", ".join(f"{{ user: u{n} }}" for n in range(1000))
    many = "\n".join(f"A{n} {{ users [] }}" for n in range(1000))
    lines = told(tmp_path, "", f"accounts {{ {many} }}")
    assert len(lines) == 102
    assert lines[-1] == "Reloaded: accounts: 900 more changes"
    lines = told(
        tmp_path, "accounts { A { users [] } }", f"accounts {{ A {{ users [ {users} ] }} }}"
    )
    assert lines[1].endswith('"u9" and 990 more added')
