"""Screens of contexts: every setting, and whether its credentials can be read."""

from __future__ import annotations

import os
from pathlib import Path

from pynats_common.contexts import Context, ContextStore, credrefs

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.columns import Columns
from pynats_cli.screen.output import line

OVERRIDING_VARIABLES = (
    *("NATS_URL", "NATS_USER", "NATS_PASSWORD", "NATS_CREDS", "NATS_NKEY", "NATS_CERT"),
    *("NATS_KEY", "NATS_CA", "NATS_TIMEOUT", "NATS_SOCKS_PROXY", "NATS_COLOR"),
)


def show_context(store: ContextStore, name: str, connect: GlobalOptions | None = None) -> int:
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
    from pynats_common.network.urls import redact_url

    states = {
        field: _state(getattr(context, field))
        for field in ("creds", "user_jwt", "user_seed", "nkey", "cert", "key", "ca")
    }
    screen.add_if("Description", context.description)
    screen.add_if("Server URLs", redact_url(context.server_url))
    screen.add_if("SOCKS5 Proxy", redact_url(context.socks_proxy))
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
        from pynats_cli.connect.opening import open_session

        async with open_session(options, context=context.expanded()) as session:
            await session.check()

    from pynats_cli.runner import run_async

    try:
        run_async(attempt())
    except CliError as error:
        return str(error)
    return ""
