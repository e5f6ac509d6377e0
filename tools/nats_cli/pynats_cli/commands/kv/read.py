"""`pynats kv get`, `history` and `watch`."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.connect.session import Session
from pynats_cli.errors import CliError
from pynats_cli.flags import Shown
from pynats_cli.jetstream.kv.values import PUT, Values, open_bucket
from pynats_cli.screen.output import line, show, write


@dataclass(kw_only=True)
class GetOptions(Shown):
    """Flags of `kv get`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to show")]
    revision: Annotated[int, opt("--revision", help="A certain revision", kind=UNSIGNED)] = 0
    raw: Annotated[bool, opt("--raw", help="The value and nothing else, as it is")] = False


@dataclass(kw_only=True)
class HistoryOptions(Shown):
    """Flags of `kv history`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to show; may have wildcards")]


@dataclass(kw_only=True)
class WatchOptions(Shown):
    """Flags of `kv watch`."""

    bucket: Annotated[str, arg("Bucket to act on")]
    key: Annotated[str, arg("Key to follow; may have wildcards")] = ">"
    history: Annotated[bool, opt("--history", help="Begin with all earlier values")] = False
    deletes: Annotated[bool, opt("--deletes/--no-deletes", help="Show deletes, too")] = True
    updates: Annotated[bool, opt("--updates", help="Only what is written from now on")] = False
    revision: Annotated[
        int, opt("--revision", help="Begin at a certain revision", kind=UNSIGNED)
    ] = 0
    snapshot: Annotated[bool, opt("--snapshot", help="End when all values have come")] = False


async def get(session: Session, options: GetOptions) -> None:
    """One value."""
    from pynats_cli.jetstream.kv.screens import value_text

    values = Values(session, await open_bucket(session, options.bucket))
    value = await values.get(options.key, options.revision)
    if options.raw:
        write(value.data)
        return
    data = value.as_dict(options.bucket)
    show(options, data, lambda: value_text(options.bucket, value))


async def history(session: Session, options: HistoryOptions) -> None:
    """All values of a key."""
    from pynats_cli.jetstream.kv.screens import history_table

    values = Values(session, await open_bucket(session, options.bucket))
    found = await values.history(options.key)
    data = [value.as_dict(options.bucket) for value in found]
    show(options, data, lambda: history_table(options.bucket, options.key, found).render())


async def watch(session: Session, options: WatchOptions) -> None:
    """Values as they are written; with `--json` one document a line."""
    from pynats_common.go.json import compact_json

    from pynats_cli.jetstream.kv.screens import watch_line

    if sum((options.history, options.updates, bool(options.revision))) > 1:
        raise CliError("--history, --updates and --revision exclude each other")
    values = Values(session, await open_bucket(session, options.bucket))
    watching = values.watch(
        options.key, history=options.history, new=options.updates,
        revision=options.revision, follow=not options.snapshot,
    )  # fmt: skip
    async with aclosing(watching):
        async for value in watching:
            if value is None or (value.operation != PUT and not options.deletes):
                continue
            if options.structured:
                line(compact_json(value.as_dict(options.bucket)))
            else:
                line(watch_line(options.bucket, value))
