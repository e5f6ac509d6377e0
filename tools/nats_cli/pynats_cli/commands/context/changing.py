"""`pynats context`: the named connection settings every NATS tool on the machine shares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pynats_common.commandline.declare import arg, opt
from pynats_common.contexts import (
    Context,
    ContextError,
    ContextStore,
    check_name,
    credrefs,
    parse_context,
)

from pynats_cli.commands.context.screens import show_context
from pynats_cli.connect.settings import with_flags
from pynats_cli.errors import CliError
from pynats_cli.flags import Force, Shown
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.ask import choose, sure
from pynats_cli.screen.editor import edited
from pynats_cli.screen.output import line, log, show
from pynats_cli.screen.tables import table

Connect = Annotated[bool, opt("--connect", help="Also try to connect")]
OptionalName = Annotated[str, arg("Name of the context, the selected one by default")]


@dataclass(kw_only=True)
class Named:
    """The name of a context."""

    name: Annotated[str, arg("Name of the context")]


@dataclass(kw_only=True)
class SaveOptions(Named):
    """Flags of the commands that write a context, besides the connection's."""

    description: Annotated[str, opt("--description", help="What the context is for")] = ""
    select: Annotated[bool, opt("--select", help="Make it the default context")] = False
    embed: Annotated[bool, opt("--embed", help="Store credentials' content, not paths")] = False


@contextmanager
def _context_errors() -> Iterator[None]:
    try:
        yield
    except (ContextError, credrefs.CredentialError) as error:
        raise CliError(str(error)) from None
    except OSError as error:
        raise CliError(f"{error.filename}: {error.strerror}") from None


def _changed(base: Context, options: GlobalOptions, description: str) -> Context:
    """The context with every flag and environment twin applied."""
    user_is_token = bool(options.user and not options.password)
    return with_flags(
        base,
        options,
        description=description,
        user="" if user_is_token else options.user,
        password=options.password,
        token=options.user if user_is_token else options.token,
        creds=options.creds,
        nkey=options.nkey,
        user_jwt=options.jwt,
        user_seed=options.seed,
    )


def _save(store: ContextStore, context: Context, options: SaveOptions) -> None:
    if options.embed:
        context = context.embedded()
    if not context.url and not context.nsc:
        context = context.override(url=context.server_url)
    store.save(context, options.name)
    if options.select:
        store.select(options.name)


def add(global_options: GlobalOptions, options: SaveOptions) -> None:
    """Create a context, or change one, from the connection flags."""
    with _context_errors():
        store = ContextStore()
        check_name(options.name)
        with store.changing():
            wanted = options.name if store.known(options.name) else global_options.context
            base = store.load(wanted) if wanted else Context()
            _save(store, _changed(base, global_options, options.description), options)
        show_context(store, options.name, global_options if options.select else None)


@dataclass(kw_only=True)
class CopyOptions(SaveOptions):
    """Flags of `context copy`."""

    source: Annotated[str, arg("Context to copy from")]
    name: Annotated[str, arg("Name of the new context")]


def copy(global_options: GlobalOptions, options: CopyOptions) -> None:
    """Copy a context, with changes from the connection flags."""
    with _context_errors():
        store = ContextStore()
        with store.changing():
            base = store.load(options.source)
            if store.known(options.name):
                raise CliError(f'context "{options.name}" already exists')
            _save(store, _changed(base, global_options, options.description), options)
        show_context(store, options.name, global_options if options.select else None)


def edit(_: GlobalOptions, options: Named) -> None:
    """Edit a context as JSON in $EDITOR."""
    with _context_errors():
        store = ContextStore()
        before = store.load(options.name)
        parse = partial(parse_context, name=options.name)
        with edited(before.to_json(), ".json", parse) as after:
            store.merge(options.name, before, after)
        show_context(store, options.name)


@dataclass(kw_only=True)
class ListOptions(Shown):
    names: Annotated[bool, opt("--names", help="Print names only")] = False
    completion: Annotated[bool, opt("--completion", hidden=True)] = False


def ls(_: GlobalOptions, options: ListOptions) -> None:
    """List the known contexts."""
    with _context_errors():
        store = ContextStore()
        selected = store.selected()
        found = _load_all(store, quiet=options.completion)
    if options.names:
        for item in found:
            line(item.name)
    elif options.completion:
        for item in found:
            mark = "*" if item.name == selected else ""
            line(f"{item.name.replace(':', chr(92) + ':')}{mark}:{item.description}")
    else:
        show(options, [_named(item) for item in found], lambda: _listed(found, selected))


def _listed(found: list[Context], selected: str) -> str:
    if not found:
        return "No known contexts"
    rows = [
        (item.name + ("*" if item.name == selected else ""), item.description) for item in found
    ]
    return table("Known Contexts", ("Name", "Description"), rows)


def _load_all(store: ContextStore, quiet: bool) -> list[Context]:
    found = []
    for name in store.names():
        try:
            found.append(store.load(name))
        except ContextError as error:
            if not quiet:
                log(f"Could not load context {name}: {error}")
    return found


def _named(context: Context) -> dict[str, Any]:
    return {"name": context.name, **json.loads(context.to_json())}


@dataclass(kw_only=True)
class RemoveOptions(Named, Force):
    """Flags of `context rm`."""


def rm(_: GlobalOptions, options: RemoveOptions) -> None:
    """Remove a context."""
    with _context_errors():
        store = ContextStore()
        if options.force and not store.known(options.name):
            check_name(options.name)
            return
        store.load(options.name) if not options.force else store.path(options.name)
        if store.selected() == options.name and not options.force:
            raise CliError(
                "cannot remove the selected context, select another one or use the unselect command"
            )
        if sure(options.force, f'Really delete context "{options.name}"', "not removed"):
            with store.changing():
                if options.force and store.selected() == options.name:
                    store.unselect()
                store.delete(options.name)


@dataclass(kw_only=True)
class SelectOptions:
    name: OptionalName = ""


def select(_: GlobalOptions, options: SelectOptions) -> None:
    """Make a context the default one."""
    with _context_errors():
        store = ContextStore()
        known = store.names()
        if not known:
            raise CliError("no context defined")
        name = options.name or choose("Select a Context", known, missing="the name of a context")
        store.select(name)
        show_context(store, name)


@dataclass(kw_only=True)
class NoOptions:
    """No flags."""


def unselect(_: GlobalOptions, options: NoOptions) -> None:
    """Leave no context selected."""
    with _context_errors():
        name = ContextStore().unselect()
    line(f'Unselected the "{name}" context' if name else "No context currently selected")


def previous(_: GlobalOptions, options: NoOptions) -> None:
    """Switch to the context selected before."""
    with _context_errors():
        store = ContextStore()
        with store.changing():
            name = store.previous()
            if name:
                store.select(name)
        show_context(store, store.selected())


@dataclass(kw_only=True)
class InfoOptions(Shown):
    name: OptionalName = ""
    connect: Connect = False


def info(global_options: GlobalOptions, options: InfoOptions) -> None:
    """Show a context, the selected one by default."""
    with _context_errors():
        store = ContextStore()
        name = options.name or store.selected()
        if options.form != "table" and name:
            show(options, _named(store.load(name)), str)
        else:
            show_context(store, name, global_options if options.connect else None)


@dataclass(kw_only=True)
class ValidateOptions:
    name: Annotated[str, arg("Name of the context, all by default")] = ""
    connect: Connect = False


def validate(global_options: GlobalOptions, options: ValidateOptions) -> None:
    """Check one context, or all of them."""
    store = ContextStore()
    faults = 0
    with _context_errors():
        names = [options.name] if options.name else store.names()
    for each in names:
        try:
            faults += show_context(store, each, global_options if options.connect else None)
        except (ContextError, CliError) as error:
            faults += 1
            line(f"Could not load {each}: {error}")
        line()
    if faults:
        raise CliError("validation failed")
