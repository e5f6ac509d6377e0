"""Connection settings of one invocation: flags, environment and context merged into a Context."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pynats_common.contexts import Context, ContextStore, load_context_file
from pynats_common.contexts.credrefs import CredentialError
from pynats_common.program.version import RELEASE

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions

_LOGIN_FIELDS = ("user", "password", "token", "creds", "nkey", "user_jwt", "user_seed", "nsc")
_LOGIN_TARGETS = ("user", "password", "token", "creds", "nkey", "jwt", "seed")


def resolve_settings(options: GlobalOptions, store: ContextStore | None = None) -> Context:
    """The current context with flags and environment applied. Raises CliError.

    Order: the context named by --context (a name, or a path to a .json file), else the selected
    one, else nothing. A login by flag or environment replaces the context's whole login, so that
    other credentials in the context cannot win over it.
    """
    try:
        context = _base_context(options, store or ContextStore()).expanded()
    except (CredentialError, ValueError) as error:
        raise CliError(str(error)) from None
    login = _login(options)
    if login:
        cleared: dict[str, Any] = dict.fromkeys(_LOGIN_FIELDS, "")
        context = replace(context, **cleared)
    return with_flags(context, options, **login)


def with_flags(context: Context, options: GlobalOptions, **more: Any) -> Context:
    """The context with what flags and environment say of anything but the login, and with `more`.
    What they leave out or empty stays as it is."""
    return context.override(
        url=options.server,
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
        **more,
    )


def connection_name(options: GlobalOptions) -> str:
    """What servers know the connections as."""
    return options.connection_name.strip() or f"NATS CLI Version {RELEASE}"


def context_in_use(options: GlobalOptions) -> str:
    """The name of the context that is used, "" for none."""
    if options.no_context:
        return ""
    return options.context or ContextStore().selected()


def _base_context(options: GlobalOptions, store: ContextStore) -> Context:
    wanted = options.context
    if options.no_context:
        return Context()
    if wanted.endswith(".json") and Path(wanted).is_file():
        return load_context_file(Path(wanted))
    if wanted:
        return store.load(wanted)
    selected = store.selected()
    if not selected:
        return Context()
    if not store.known(selected):
        store.unselect()
        raise CliError(f'selected context "{selected}" does not exist, it is no longer selected')
    return store.load(selected)


def _login(options: GlobalOptions) -> dict[str, Any]:
    """Login fields given by flag, or when no flag names one, by the environment."""
    from_flags = {name for name in _LOGIN_TARGETS if name in options.explicit}
    # A password alone completes a user from another place.
    sources = from_flags if from_flags - {"password"} else set(_LOGIN_TARGETS)
    given = {name: getattr(options, name) for name in sources if getattr(options, name)}
    if options.password and "user" in given:
        given["password"] = options.password
    if set(given) <= {"password"}:
        return {}
    if "user" in given and "password" not in given:
        # `--user TOKEN`: a user without a password is a token.
        given["token"] = given.pop("user")
    renamed = {"jwt": "user_jwt", "seed": "user_seed"}
    return {renamed.get(name, name): value for name, value in given.items()}
