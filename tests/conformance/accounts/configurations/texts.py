"""Configurations of accounts, as texts that start with an empty line: on the first line of a file,
the real server counts columns from 0."""

from __future__ import annotations


def users(*names: str) -> str:
    return "users = [" + ", ".join(f"{{user: {n}, password: {n}}}" for n in names) + "]"


def accounts(**bodies: str) -> str:
    """Accounts with a user each, one line for each of the lines of a body."""
    lines = ["", "accounts {"]
    for name, body in bodies.items():
        lines += [f"  {name} {{", f"    {users(name.lower())}"]
        lines += [f"    {line.strip()}" for line in body.strip().splitlines()]
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def listed(key: str, items: tuple[str, ...] | str) -> str:
    items = (items,) if isinstance(items, str) else items
    return "\n".join([f"{key} = [", *items, "]"])


def exporting(*items: str) -> str:
    """A exports; B is there."""
    return accounts(A=listed("exports", items), B="")


OFFERED = (
    '{stream: "ev.>"}', '{stream: "s.*.*"}', '{stream: "one"}', '{stream: "two.x"}',
    '{stream: priv, accounts: [C]}', '{stream: "tok.*", account_token_position: 2}',
    '{stream: "mine.*.>", account_token_position: 2, accounts: [B]}',
    '{service: "svc.*"}', '{service: q}', '{service: "x.*.*"}', '{service: "w.>"}',
    '{service: hidden, accounts: [C]}', '{service: "tq.*", account_token_position: 2}',
)  # fmt: skip


def importing(*items: str) -> str:
    """B imports of A, which exports what is OFFERED; C is there."""
    return accounts(A=listed("exports", OFFERED), B=listed("imports", items), C="")


def in_account(body: str) -> str:
    return accounts(A=body, B="")


def at_top(body: str) -> str:
    return f"\n{body}\n{accounts(A='', B='')}"


_SHAPES = (
    ("accounts { A { exports = [ ] } B { imports = [ ", " ] } C { } }", "B imports "),
    ("accounts { A { exports = [ ", " ] } B { } }", "A exports "),
    ("accounts { A { ", " } B { } }", "A has "),
)


def label(text: str) -> str:
    """What tells one of these texts from the others."""
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and "users = " not in line and line not in OFFERED]
    told = " ".join(kept)
    for begin, end, instead in _SHAPES:
        inner = told[len(begin) : -len(end)]
        if told == begin + inner + end and "} B {" not in inner:
            return instead + inner
    return told
