"""Candidates for shell completion: commands, flags, and names in the store."""

from __future__ import annotations

from itertools import pairwise

from pynats_common.accounts_store.errors import StoreError
from pynats_common.commandline.declare import parameters

from pynsc.core.session import Session
from pynsc.table import COMMANDS, GROUPS

# The kind of names that a command takes as its argument.
_ARGUMENTS = {
    "select operator": "operator",
    "select account": "account",
    "edit account": "account",
    "edit user": "user",
    "delete account": "account",
    "delete user": "user",
    "describe operator": "operator",
    "describe account": "account",
    "describe user": "user",
    "rename account": "account",
}
_VALUES = {
    "--account": "account",
    "--target-account": "account",
    "--src-account": "account",
    "--system-account": "account",
    "--user": "user",
    "--operator": "operator",
}


def candidates(path: str, words: list[str], current: str) -> list[str]:
    """The possible words at the cursor, sorted.

    `path` is the resolved command or group, `words` are the words between it and the cursor,
    `current` is the beginning of the word. Never fails: returns no candidates instead.
    """
    if path in COMMANDS:
        found = _of_command(path, words, current)
    else:
        found = _below(path)
    return sorted({text for text in found if text.startswith(current) and text.isprintable()})


def _below(path: str) -> list[str]:
    prefix = f"{path} " if path else ""
    names = [name for name, row in COMMANDS.items() if not row.hidden] + [
        n for n in GROUPS if GROUPS[n]
    ]
    return [
        name[len(prefix) :].split()[0] for name in names if name.startswith(prefix) and name != path
    ]


def _of_command(path: str, words: list[str], current: str) -> list[str]:
    flags = [item for item in parameters(COMMANDS[path].options()) if not item.positional]
    if words:
        for item in flags:
            if words[-1] in item.spellings() and not item.switch:
                kinds = [_VALUES[name] for name in item.spellings() if name in _VALUES]
                return _names(kinds[0], words) if kinds else []
    if current.startswith("-"):
        return [name for item in flags if not item.declared.hidden for name in item.spellings()]
    return _names(_ARGUMENTS.get(path, ""), words)


def _names(kind: str, words: list[str]) -> list[str]:
    """Names of this kind in the store that `words` select."""
    from pynats_common.accounts_store.store import operators

    from pynsc.core.env import load_environment

    def given(*names: str) -> str:
        return next((b for a, b in pairwise(words) if a in names), "")

    try:
        session = Session(load_environment(
            given("--config-dir"), given("--data-dir"), given("--keystore-dir"),
            given("--all-dirs", "-H"),
        ))  # fmt: skip
        if kind == "operator":
            return operators(session.env.stores_dir)
        if kind == "account":
            return session.store().accounts()
        if kind == "user":
            return session.store().users(session.account_name(given("--account", "-a")))
    except (StoreError, OSError):
        pass
    return []
