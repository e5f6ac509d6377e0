"""`stream backup|restore` and `account backup|restore`: where these commands were before."""

from __future__ import annotations

from dataclasses import dataclass

from pynats_cli.commands.backup import restoring, taking
from pynats_cli.commands.stream.options import StreamGroup
from pynats_cli.connect.session import Session
from pynats_cli.screen.output import note


def _warn(before: str, now: str) -> None:
    note(
        f'WARNING: "pynats {before}" is deprecated and will be removed in a future release, '
        f'use "pynats {now}" instead\n'
    )


@dataclass(kw_only=True)
class StreamBackupOptions(taking.StreamOptions, StreamGroup):
    """Flags of `stream backup`, and those of its group."""


@dataclass(kw_only=True)
class StreamRestoreOptions(restoring.StreamOptions, StreamGroup):
    """Flags of `stream restore`, and those of its group."""


async def stream_backup(session: Session, options: StreamBackupOptions) -> None:
    """`pynats stream backup`."""
    _warn("stream backup", "backup stream")
    await taking.stream(session, options)


async def stream_restore(session: Session, options: StreamRestoreOptions) -> None:
    """`pynats stream restore`."""
    _warn("stream restore", "backup restore stream")
    await restoring.stream(session, options)


async def account_backup(session: Session, options: taking.AccountOptions) -> int | None:
    """`pynats account backup`."""
    _warn("account backup", "backup account")
    return await taking.account(session, options)


async def account_restore(session: Session, options: restoring.AccountOptions) -> None:
    """`pynats account restore`."""
    _warn("account restore", "backup restore account")
    await restoring.account(session, options)
