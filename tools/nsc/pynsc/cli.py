"""Options that commands share, and what happens between reading them and showing the report."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pynats_common.accounts_store.errors import StoreError
from pynats_common.commandline.declare import opt, parameters
from pynats_common.commandline.tree import Command

from pynsc.core.session import Session

Text = str
Maybe = str | None  # an empty text is a value too: it clears the setting
Many = list[str] | None


_EVERYWHERE = "Flags of every command"


@dataclass
class Options:
    """Flags that every command has, before or after its name."""

    private_key: Annotated[
        Text,
        opt("--private-key", "-K", help="role, public key, or key path", panel=_EVERYWHERE),
    ] = ""
    interactive: Annotated[
        bool, opt("--interactive", "-i", help="ask for settings", panel=_EVERYWHERE)
    ] = False
    config_dir: Annotated[
        Text, opt("--config-dir", help="nsc config directory", panel=_EVERYWHERE)
    ] = ""
    data_dir: Annotated[Text, opt("--data-dir", help="stores directory", panel=_EVERYWHERE)] = ""
    keystore_dir: Annotated[
        Text, opt("--keystore-dir", help="keys directory", panel=_EVERYWHERE)
    ] = ""
    all_dirs: Annotated[
        Text, opt("--all-dirs", "-H", help="all three directories", panel=_EVERYWHERE)
    ] = ""
    json: Annotated[bool, opt("--json", "-J", help="print JSON", panel=_EVERYWHERE)] = False

    # Whether the command asks questions at a terminal even without -i, if it got no arguments.
    asks_by_itself: ClassVar[bool] = False


@dataclass
class AccountOption(Options):
    account: Annotated[Text, opt("--account", "-a", help="account name")] = ""


@dataclass
class KeySelection(Options):
    """Selects keys of the store; all if no kind is given."""

    operator: Annotated[bool, opt("--operator", "-o", help="operator keys")] = False
    accounts: Annotated[bool, opt("--accounts", "-a", help="account keys")] = False
    users: Annotated[bool, opt("--users", "-u", help="user keys")] = False
    account: Annotated[Text, opt("--account", help="only this account")] = ""
    user: Annotated[Text, opt("--user", help="only this user")] = ""
    filter: Annotated[Text, opt("--filter", "-f", help="part of a key")] = ""


@dataclass
class TimeOptions(Options):
    start: Annotated[
        Text, opt("--start", help="valid from: a date, or 8h, 30d, 1y; 0 is always")
    ] = ""
    expiry: Annotated[
        Text, opt("--expiry", help="valid until: a date, or 8h, 30d, 1y; 0 is always")
    ] = ""


@dataclass
class PermissionOptions(Options):
    allow_pub: Annotated[Many, opt("--allow-pub", help="publish allowed")] = None
    allow_sub: Annotated[Many, opt("--allow-sub", help="subscribe allowed")] = None
    allow_pubsub: Annotated[Many, opt("--allow-pubsub", help="both allowed")] = None
    deny_pub: Annotated[Many, opt("--deny-pub", help="publish denied")] = None
    deny_sub: Annotated[Many, opt("--deny-sub", help="subscribe denied")] = None
    deny_pubsub: Annotated[Many, opt("--deny-pubsub", help="both denied")] = None
    allow_pub_response: Annotated[
        Text, opt("--allow-pub-response", help="responses allowed per request", bare="1")
    ] = ""
    max_responses: Annotated[Text, opt("--max-responses", hidden=True)] = ""
    response_ttl: Annotated[
        Text, opt("--response-ttl", help="time in which responses are allowed")
    ] = ""


@dataclass
class RemovePermissionOptions(PermissionOptions):
    rm: Annotated[Many, opt("--rm", help="remove subjects from permissions")] = None
    rm_response_perms: Annotated[
        bool, opt("--rm-response-perms", help="remove response permissions")
    ] = False


@dataclass
class UserLimitOptions(RemovePermissionOptions):
    time: Annotated[Many, opt("--time", help="hh:mm:ss-hh:mm:ss connect window")] = None
    rm_time: Annotated[Many, opt("--rm-time", help="remove a window by its start")] = None
    locale: Annotated[Text, opt("--locale", help="time zone of the windows")] = ""
    source_network: Annotated[Many, opt("--source-network", help="CIDR allowed to connect")] = None
    rm_source_network: Annotated[Many, opt("--rm-source-network", help="remove CIDR")] = None
    conn_type: Annotated[Many, opt("--conn-type", help="allowed connection type")] = None
    rm_conn_type: Annotated[Many, opt("--rm-conn-type", help="remove connection type")] = None
    subs: Annotated[Text, opt("--subs", help="subscriptions, -1 unlimited")] = ""
    data: Annotated[Text, opt("--data", help="bytes, -1 unlimited")] = ""
    payload: Annotated[Text, opt("--payload", help="message bytes, -1 unlimited")] = ""
    bearer: Annotated[
        bool | None, opt("--bearer/--no-bearer", help="no challenge needed to connect")
    ] = None


@dataclass
class TlsOptions(Options):
    tls_first: Annotated[bool, opt("--tls-first", help="TLS handshake before INFO")] = False
    ca_cert: Annotated[Text, opt("--ca-cert", help="CA file", env="NATS_CA")] = ""
    client_cert: Annotated[Text, opt("--client-cert", help="certificate file", env="NATS_CERT")] = (
        ""
    )
    client_key: Annotated[Text, opt("--client-key", help="key file", env="NATS_KEY")] = ""
    tls_curves: Annotated[Many, opt("--tls-curves", help="P256, P384, P521, X25519")] = None


def require_change(options: Options, *targets: str) -> None:
    """Refuses an edit without changes; `targets` are the options that only name the object."""
    ignored = {*targets, *Options.__dataclass_fields__}
    given = any(
        getattr(options, item.name) != item.default
        for item in dataclasses.fields(options)
        if item.name not in ignored
    )
    if not given and not options.interactive:
        raise StoreError("specify an edit option", "--help lists them")


def refuse_two_names(options: Options) -> None:
    """Refuses an object that is named more than once: which name is meant cannot be known."""
    ways = {"an argument": "pos", "--name": "name", "--file": "file",
            "--user-public-key": "user_public_key"}  # fmt: skip
    given = [words for words, name in ways.items() if getattr(options, name, None)]
    if len(given) > 1:
        raise StoreError(f"named twice: as {given[0]} and with {given[1]}", "give it once")


def execute(path: str, command: Command, options: Options) -> int:
    """Run a command and show its report; the exit status."""
    from pynats_common.creds import CredsError
    from pynats_common.jwt import JwtError
    from pynats_common.nkeys import NkeyError

    from pynsc.core.env import load_environment
    from pynsc.render import show, show_failure
    from pynsc.table import READERS

    session: Session | None = None
    failure = ""
    if options.asks_by_itself and not options.interactive and sys.stdin.isatty():
        options.interactive = options == type(options)()
    try:
        refuse_two_names(options)
        env = load_environment(
            options.config_dir, options.data_dir, options.keystore_dir, options.all_dirs
        )
        session = Session(env, options.private_key, options.interactive, options.json, path)
        if session.interactive:
            interview(path, session, options)
            _ask_missing(options)
        if path not in READERS:
            session.begin_changes()
        command.function()(session, options)
    except (StoreError, NkeyError, JwtError, CredsError, OSError) as error:
        failure = str(error) or type(error).__name__
    except (KeyboardInterrupt, EOFError):
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        # Before anything is shown: whoever reads it may be slow.
        if session is not None:
            session.end_changes()
    if failure:
        if session is not None:
            session.report.drop_planned()
        show_failure(session.report if session else None, failure, options.json)
        return 1
    assert session is not None
    show(session.report, options.json)
    return 1 if session.report.failed else 0


def interview(path: str, session: Session, options: Options) -> None:
    """The questions of this command that depend on the store or on earlier answers."""
    from importlib import import_module

    from pynsc.table import INTERVIEWS

    if path in INTERVIEWS:
        module, function = INTERVIEWS[path]
        getattr(import_module(f"pynsc.interviews.{module}"), function)(session, options)


def _ask_missing(options: Options) -> None:
    """Asks for options that have a question and no value yet."""
    from pynsc.core.prompts import ask, confirm, edit_list

    for item in parameters(type(options)):
        question = item.declared.ask
        if not question or getattr(options, item.name) not in ("", None, False):
            continue
        if item.switch:
            answer: Any = confirm(question)
        elif item.many:
            answer = edit_list(question)
        else:
            answer = ask(question) or item.default
        setattr(options, item.name, answer)
