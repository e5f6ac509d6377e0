"""`pynats context`: the named connection settings every NATS tool on the machine shares."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pynats_common.contexts import (
    Context,
    ContextError,
    ContextStore,
    check_name,
    credrefs,
    parse_context,
)

from pynats_cli.app import CONTEXT_SETTINGS, GlobalFlagsCommand, command_app
from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import line, log, table
from pynats_cli.screen.terminal import choose, confirm, edit_text

OVERRIDING_VARIABLES = (
    *("NATS_URL", "NATS_USER", "NATS_PASSWORD", "NATS_CREDS", "NATS_NKEY", "NATS_CERT"),
    *("NATS_KEY", "NATS_CA", "NATS_TIMEOUT", "NATS_SOCKS_PROXY", "NATS_COLOR"),
)

app = command_app()

NameArgument = Annotated[str, typer.Argument(help="Name of the context.")]
OptionalName = Annotated[str, typer.Argument(help="Name of the context.")]
Description = Annotated[str, typer.Option(help="What the context is for.")]
Select = Annotated[bool, typer.Option("--select", help="Make it the default context.")]
Embed = Annotated[bool, typer.Option("--embed", help="Store credentials' content, not paths.")]
AsJson = Annotated[bool, typer.Option("--json", "-j", help="Print JSON.")]
Connect = Annotated[bool, typer.Option("--connect", help="Also try to connect.")]


@app.callback()
def context() -> None:
    """Manage connection contexts."""


@contextmanager
def _context_errors() -> Iterator[None]:
    try:
        yield
    except (ContextError, credrefs.CredentialError) as error:
        raise CliError(str(error)) from None
    except OSError as error:
        raise CliError(f"{error.filename}: {error.strerror}") from None


def _command(*names: str) -> object:
    """Registers a function under its name and its hidden aliases."""

    def register(function: object) -> object:
        for position, name in enumerate(names):
            app.command(
                name,
                cls=GlobalFlagsCommand,
                context_settings=CONTEXT_SETTINGS,
                hidden=position > 0,
            )(function)  # type: ignore[type-var]
        return function

    return register


def _changed(base: Context, options: GlobalOptions, description: str) -> Context:
    """The context with every flag and environment twin applied."""
    user_is_token = bool(options.user and not options.password)
    return base.override(
        description=description,
        url=options.server,
        user="" if user_is_token else options.user,
        password=options.password,
        token=options.user if user_is_token else options.token,
        creds=options.creds,
        nkey=options.nkey,
        user_jwt=options.jwt,
        user_seed=options.seed,
        cert=options.tlscert,
        key=options.tlskey,
        ca=options.tlsca,
        tls_first=options.tlsfirst,
        socks_proxy=options.socks_proxy,
        jetstream_api_prefix=options.js_api_prefix,
        jetstream_event_prefix=options.js_event_prefix,
        jetstream_domain=options.js_domain,
        inbox_prefix=options.inbox_prefix,
        color_scheme=options.colors,
    )


def _save(store: ContextStore, context: Context, name: str, select: bool, embed: bool) -> None:
    if embed:
        context = context.embedded()
    if not context.url and not context.nsc:
        context = context.override(url=context.server_url)
    store.save(context, name)
    if select:
        store.select(name)


@_command("add", "create", "save")  # type: ignore[operator]
def add(
    ctx: typer.Context,
    name: NameArgument,
    description: Description = "",
    select: Select = False,
    embed: Embed = False,
) -> None:
    """Create a context, or change one, from the connection flags."""
    with _context_errors():
        store = ContextStore()
        check_name(name)
        with store.changing():
            wanted = name if store.known(name) else ctx.obj.context
            base = store.load(wanted) if wanted else Context()
            _save(store, _changed(base, ctx.obj, description), name, select, embed)
        _show(store, name)


@_command("copy", "cp")  # type: ignore[operator]
def copy(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="Context to copy from.")],
    name: NameArgument,
    description: Description = "",
    select: Select = False,
    embed: Embed = False,
) -> None:
    """Copy a context, with changes from the connection flags."""
    with _context_errors():
        store = ContextStore()
        with store.changing():
            base = store.load(source)
            if store.known(name):
                raise CliError(f'context "{name}" already exists')
            _save(store, _changed(base, ctx.obj, description), name, select, embed)
        _show(store, name)


@_command("edit", "vi")  # type: ignore[operator]
def edit(name: NameArgument) -> None:
    """Edit a context as JSON in $EDITOR."""
    with _context_errors():
        store = ContextStore()
        before = store.load(name)
        text = edit_text(before.to_json(), ".json")
        store.merge(name, before, parse_context(text, name=name))
        _show(store, name)


@_command("ls", "list", "l")  # type: ignore[operator]
def ls(
    as_json: AsJson = False,
    names: Annotated[bool, typer.Option("--names", help="Print names only.")] = False,
    completion: Annotated[bool, typer.Option("--completion", hidden=True)] = False,
) -> None:
    """List the known contexts."""
    with _context_errors():
        store = ContextStore()
        selected = store.selected()
        found = _load_all(store, quiet=completion)
    if as_json:
        line(json.dumps([json.loads(_named_json(item)) for item in found], indent=2))
    elif names:
        for item in found:
            line(item.name)
    elif completion:
        for item in found:
            mark = "*" if item.name == selected else ""
            line(f"{item.name.replace(':', chr(92) + ':')}{mark}:{item.description}")
    elif not found:
        line("No known contexts")
    else:
        rows = [
            (item.name + ("*" if item.name == selected else ""), item.description) for item in found
        ]
        line(table("Known Contexts", ("Name", "Description"), rows))


def _load_all(store: ContextStore, quiet: bool) -> list[Context]:
    found = []
    for name in store.names():
        try:
            found.append(store.load(name))
        except ContextError as error:
            if not quiet:
                log(f"Could not load context {name}: {error}")
    return found


def _named_json(context: Context) -> str:
    return json.dumps({"name": context.name, **json.loads(context.to_json())}, indent=2)


@_command("rm", "remove")  # type: ignore[operator]
def rm(
    name: NameArgument,
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
) -> None:
    """Remove a context."""
    with _context_errors():
        store = ContextStore()
        store.load(name) if not force else store.path(name)
        if store.selected() == name and not force:
            raise CliError(
                "cannot remove the selected context, select another one or use the unselect command"
            )
        if force or confirm(f'Really delete context "{name}"'):
            with store.changing():
                if force and store.selected() == name:
                    store.unselect()
                store.delete(name)


@_command("select", "switch", "set")  # type: ignore[operator]
def select(name: OptionalName = "") -> None:
    """Make a context the default one."""
    with _context_errors():
        store = ContextStore()
        known = store.names()
        if not known:
            raise CliError("no context defined")
        name = name or choose("Select a Context", known)
        store.select(name)
        _show(store, name)


@_command("unselect")  # type: ignore[operator]
def unselect() -> None:
    """Leave no context selected."""
    with _context_errors():
        name = ContextStore().unselect()
    line(f'Unselected the "{name}" context' if name else "No context currently selected")


@_command("previous", "-")  # type: ignore[operator]
def previous() -> None:
    """Switch to the context selected before."""
    with _context_errors():
        store = ContextStore()
        with store.changing():
            name = store.previous()
            if name:
                store.select(name)
        _show(store, store.selected())


@_command("info", "show", "v", "view")  # type: ignore[operator]
def info(
    ctx: typer.Context, name: OptionalName = "", as_json: AsJson = False, connect: Connect = False
) -> None:
    """Show a context, the selected one by default."""
    with _context_errors():
        store = ContextStore()
        name = name or store.selected()
        if as_json and name:
            line(_named_json(store.load(name)))
        else:
            _show(store, name, ctx.obj if connect else None)


@_command("validate")  # type: ignore[operator]
def validate(ctx: typer.Context, name: OptionalName = "", connect: Connect = False) -> None:
    """Check one context, or all of them."""
    store = ContextStore()
    faults = 0
    with _context_errors():
        names = [name] if name else store.names()
    for each in names:
        try:
            faults += _show(store, each, ctx.obj if connect else None)
        except (ContextError, CliError) as error:
            faults += 1
            line(f"Could not load {each}: {error}")
        line()
    if faults:
        raise CliError("validation failed")


def _show(store: ContextStore, name: str, connect: GlobalOptions | None = None) -> int:
    """Prints a context and returns the number of settings that cannot work."""
    if not name:
        raise CliError("no default context and no name supplied")
    context = store.load(name)
    screen = Columns(f'NATS Configuration Context "{name}"')
    faults = _credential_rows(screen, context)
    if connect is not None:
        fault = _connection_fault(context, connect)
        faults += bool(fault)
        screen.add("Connection", fault or "OK")
    line(screen.render() + "\n")
    overriding = [variable for variable in OVERRIDING_VARIABLES if os.environ.get(variable)]
    if overriding:
        names = ", ".join(overriding)
        line(f"WARNING: Shell environment overrides in place using {names}")
    return faults


def _credential_rows(screen: Columns, context: Context) -> int:
    from pynats_common.urls import redact_url

    states = {
        field: _state(getattr(context, field))
        for field in ("creds", "user_jwt", "user_seed", "nkey", "cert", "key", "ca")
    }
    screen.add_if("Description", context.description)
    screen.add_if("Server URLs", redact_url(context.server_url))
    screen.add_if("SOCKS5 Proxy", context.socks_proxy)
    screen.add_if("Username", context.user)
    screen.add_if("Password", "*" * len(context.password))
    screen.add_if("Token", "*" * len(context.token))
    labels = ("Credentials", "User JWT", "User Seed", "NKey", "Certificate", "Key", "CA")
    for label, (field, state) in zip(labels, states.items(), strict=True):
        screen.add_if(label, _shown_reference(getattr(context, field), state))
    screen.add_if("TLS First", "true" if context.tls_first else "")
    screen.add_if("JS API Prefix", context.jetstream_api_prefix)
    screen.add_if("JS Event Prefix", context.jetstream_event_prefix)
    screen.add_if("JS Domain", context.jetstream_domain)
    fault = f" (ERROR: {context.inbox_fault})" if context.inbox_fault else ""
    screen.add_if("Inbox Prefix", context.inbox_prefix + fault)
    screen.add_if("Path", context.path)
    screen.add_if("Color Scheme", context.color_scheme)
    return sum(state == "ERROR" for state in states.values()) + bool(context.inbox_fault)


def _shown_reference(value: str, state: str) -> str:
    if state == "embedded":
        return "embedded data"
    return f"{value} ({state})" if value else ""


def _state(value: str) -> str:
    """The state of a reference: OK or ERROR for files, else the location of the secret."""
    schemes = {"op": "1Password", "nsc": "nsc", "env": "runtime environment", "data": "embedded"}
    scheme = credrefs.scheme_of(value)
    if not value or scheme in schemes:
        return schemes.get(scheme, "")
    if value.startswith(("eyJ", "SU")) and not Path(value).exists():
        return "embedded"
    try:
        credrefs.read_reference(value)
    except credrefs.CredentialError:
        return "ERROR"
    return "OK"


def _connection_fault(context: Context, options: GlobalOptions) -> str:
    """Why the context's servers cannot be reached, "" when they can."""

    async def attempt() -> None:
        from pynats_cli.connect.connection import open_session

        async with open_session(options, context=context.expanded()) as session:
            await session.check()

    from pynats_cli.runner import run_async

    try:
        run_async(attempt())
    except CliError as error:
        return str(error)
    return ""
