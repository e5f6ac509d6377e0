"""Menus for names that were not given. A name that was given is taken as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pynats_cli.errors import CliError
from pynats_cli.screen.ask import choose, has_terminal

if TYPE_CHECKING:
    from pynats_cli.connect.connection import Session


def _picked(kind: str, names: Sequence[str]) -> str:
    if not names:
        raise CliError(f"no {kind} found")
    return choose(f"Select a {kind}", names)


def _require_terminal(kind: str) -> None:
    if not has_terminal():
        raise CliError(f"cannot pick a {kind} without a terminal and no {kind} name supplied")


async def pick_bucket(session: Session, given: str) -> str:
    """A key-value bucket. Raises CliError."""
    return given or await _pick_bucket(session, "Bucket", "KV_")


async def pick_object_bucket(session: Session, given: str) -> str:
    """An object bucket. Raises CliError."""
    return given or await _pick_bucket(session, "Bucket", "OBJ_")


async def _pick_bucket(session: Session, kind: str, prefix: str) -> str:
    _require_terminal(kind)
    names = await session.js.stream_names()
    found = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return _picked(kind, found)
