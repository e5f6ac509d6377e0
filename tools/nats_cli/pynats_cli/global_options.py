"""Flags of every command, before or after its name, and their environment variables.

They are removed from the command line before the command's own parser runs, so that one table
(`GLOBAL_FLAGS`) is the only place that defines them. A flag beats the environment; both beat the
context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pynats_common.go.durations import SECOND_NS, parse_long_duration_ns

from pynats_cli.errors import UsageError

COLOR_SCHEMES = ("blue", "cyan", "double", "green", "magenta", "red", "rounded", "yellow")
DEFAULT_TIMEOUT_NS = 5 * SECOND_NS


@dataclass
class GlobalOptions:
    """Parsed global flags; "" means not given. The representation hides secrets.

    `explicit` holds the fields that came from the command line rather than the environment.
    """

    server: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    connection_name: str = ""
    creds: str = field(default="", repr=False)
    nkey: str = field(default="", repr=False)
    jwt: str = field(default="", repr=False)
    seed: str = field(default="", repr=False)
    tlscert: str = ""
    tlskey: str = ""
    tlsca: str = ""
    tlsfirst: bool = False
    timeout_ns: int = DEFAULT_TIMEOUT_NS
    socks_proxy: str = ""
    js_api_prefix: str = ""
    js_event_prefix: str = ""
    js_domain: str = ""
    inbox_prefix: str = ""
    colors: str = ""
    context: str = ""
    trace: bool = False
    no_context: bool = False
    no_color: bool = False
    explicit: frozenset[str] = frozenset()

    @property
    def timeout_s(self) -> float:
        """Time to wait for a response, in seconds."""
        return self.timeout_ns / SECOND_NS

    @property
    def given_timeout_s(self) -> float | None:
        """The same, None when nobody has said how long."""
        said = "timeout_ns" in self.explicit or self.timeout_ns != DEFAULT_TIMEOUT_NS
        return self.timeout_s if said else None


@dataclass(frozen=True)
class GlobalFlag:
    """One row of the table: a flag's spelling, the field for its value, its explanation."""

    name: str
    target: str
    help: str
    placeholder: str = ""
    env: str = ""
    short: str = ""
    kind: str = "text"  # text, file, duration, color, switch
    negatable: bool = False
    hidden: bool = False

    @property
    def takes_value(self) -> bool:
        return self.kind != "switch"


GLOBAL_FLAGS = (
    GlobalFlag("server", "server", "NATS server urls", "URL", "NATS_URL", "s"),
    GlobalFlag("user", "user", "Username or Token", "USER", "NATS_USER"),
    GlobalFlag("password", "password", "Password", "PASSWORD", "NATS_PASSWORD"),
    GlobalFlag("token", "token", "Token", "TOKEN", "NATS_TOKEN"),
    GlobalFlag("connection-name", "connection_name", "Name to show for this connection", "NAME"),
    GlobalFlag("creds", "creds", "User credentials", "LOCATION", "NATS_CREDS"),
    GlobalFlag("nkey", "nkey", "User NKEY", "LOCATION", "NATS_NKEY"),
    GlobalFlag("jwt", "jwt", "User JWT", "LOCATION", "NATS_JWT"),
    GlobalFlag("seed", "seed", "User seed", "LOCATION", "NATS_SEED"),
    GlobalFlag("tlscert", "tlscert", "TLS public certificate", "FILE", "NATS_CERT", kind="file"),
    GlobalFlag("tlskey", "tlskey", "TLS private key", "FILE", "NATS_KEY", kind="file"),
    GlobalFlag("tlsca", "tlsca", "TLS certificate authorities", "FILE", "NATS_CA", kind="file"),
    GlobalFlag("tlsfirst", "tlsfirst", "TLS handshake first", kind="switch", negatable=True),
    GlobalFlag(
        "tls-first", "tlsfirst", "Same as --tlsfirst", kind="switch", negatable=True, hidden=True
    ),
    GlobalFlag(
        "timeout", "timeout_ns", "Time to wait on responses", "5s", "NATS_TIMEOUT", kind="duration"
    ),
    GlobalFlag("socks-proxy", "socks_proxy", "SOCKS5 proxy", "PROXY", "NATS_SOCKS_PROXY"),
    GlobalFlag("js-api-prefix", "js_api_prefix", "Subject prefix of the JetStream API", "PREFIX"),
    GlobalFlag("js-event-prefix", "js_event_prefix", "Prefix of JetStream advisories", "PREFIX"),
    GlobalFlag("js-domain", "js_domain", "JetStream domain", "DOMAIN"),
    GlobalFlag("domain", "js_domain", "Same as --js-domain", "DOMAIN", hidden=True),
    GlobalFlag("api-prefix", "js_api_prefix", "Same as --js-api-prefix", "PREFIX", hidden=True),
    GlobalFlag("inbox-prefix", "inbox_prefix", "Prefix of inboxes", "PREFIX"),
    GlobalFlag("colors", "colors", "Color scheme of tables", "SCHEME", "NATS_COLOR", kind="color"),
    GlobalFlag("context", "context", "Context to use", "NAME", "NATS_CONTEXT"),
    GlobalFlag("trace", "trace", "Trace API interactions", kind="switch"),
    GlobalFlag("no-context", "no_context", "Disable the selected context", kind="switch"),
    GlobalFlag("no-color", "no_color", "No colours on a terminal (as $NO_COLOR)", kind="switch"),
)

_LONG = {flag.name: flag for flag in GLOBAL_FLAGS}
_SHORT = {flag.short: flag for flag in GLOBAL_FLAGS if flag.short}


def split_global_options(
    argv: Sequence[str], environment: Mapping[str, str]
) -> tuple[GlobalOptions, list[str]]:
    """Global options of a command line, and the remaining arguments. Raises UsageError."""
    options, rest = GlobalOptions(), []
    for flag in GLOBAL_FLAGS:
        if flag.env and (value := environment.get(flag.env, "")):
            _store(options, flag, value, f"${flag.env}")
    explicit: set[str] = set()
    queue = list(argv)
    while queue:
        argument = queue.pop(0)
        if argument == "--":
            rest += [argument, *queue]
            break
        found = _match(argument)
        if found is None:
            rest.append(argument)
            continue
        flag, value_text, switched_on = found
        if not flag.takes_value:
            setattr(options, flag.target, switched_on)
        else:
            if value_text is None:
                if not queue:
                    raise UsageError(f"expected argument for flag '--{flag.name}'")
                value_text = queue.pop(0)
            _store(options, flag, value_text, f"--{flag.name}")
        explicit.add(flag.target)
    options.explicit = frozenset(explicit)
    return options, rest


def _match(argument: str) -> tuple[GlobalFlag, str | None, bool] | None:
    """Flag of one argument, its attached value (None if it follows), and a switch's state."""
    if argument.startswith("--"):
        name, equals, value = argument[2:].partition("=")
        flag = _LONG.get(name)
        if flag is not None:
            if equals and not flag.takes_value:
                raise UsageError(f"flag '--{name}' takes no value")
            return flag, value if equals else None, True
        negated = _LONG.get(name.removeprefix("no-")) if name.startswith("no-") else None
        if negated is not None and negated.negatable and not equals:
            return negated, None, False
    elif argument.startswith("-") and argument[1:2] in _SHORT:
        return _SHORT[argument[1]], argument[2:].removeprefix("=") or None, True
    return None


def _store(options: GlobalOptions, flag: GlobalFlag, text: str, source: str) -> None:
    value: str | int = text
    if flag.kind == "duration":
        try:
            value = parse_long_duration_ns(text)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from None
        if value <= 0:
            raise UsageError(f"{source}: timeout must be greater than 0")
    elif flag.kind == "file" and not (Path(text).is_file() or Path(text).is_fifo()):
        raise UsageError(f"{source}: path '{text}' does not exist")
    elif flag.kind == "color" and text not in COLOR_SCHEMES:
        raise UsageError(f"{source}: enum value must be one of {', '.join(COLOR_SCHEMES)}")
    setattr(options, flag.target, value)


def global_flags() -> list[str]:
    """Every spelling with two dashes."""
    return [f"--{flag.name}" for flag in GLOBAL_FLAGS if not flag.hidden]


def takes_value(word: str) -> bool:
    """True for a global flag that needs a value after it."""
    flag = _LONG.get(word[2:]) if word.startswith("--") else _SHORT.get(word[1:])
    return word.startswith("-") and flag is not None and flag.takes_value


def given_in_environment(options: GlobalOptions) -> dict[str, str]:
    """Flags of the command line as the environment variables that stand for them."""
    found = {}
    for flag in GLOBAL_FLAGS:
        if flag.env and flag.target in options.explicit:
            value = getattr(options, flag.target)
            found[flag.env] = f"{value}ns" if flag.kind == "duration" else str(value)
    return found


def introspected_flags() -> list[dict[str, Any]]:
    """Every flag for `--fisk-introspect`."""
    rows = []
    for flag in GLOBAL_FLAGS:
        row: dict[str, Any] = {"name": flag.name, "help": flag.help}
        if flag.short:
            row["short"] = ord(flag.short)
        if flag.kind == "duration":
            row["default"] = [flag.placeholder]
        elif flag.placeholder:
            row["place_holder"] = flag.placeholder
        if flag.env:
            row["envar"] = flag.env
        if flag.hidden:
            row["hidden"] = True
        row["boolean"] = not flag.takes_value
        if flag.negatable:
            row["negatable"] = True
        if flag.kind == "color":
            row["completions"] = list(COLOR_SCHEMES)
        rows.append({**row, "cumulative": False})
    return rows


def help_rows() -> list[tuple[str, str]]:
    """Spelling and explanation of every flag that help shows."""
    rows = []
    for flag in GLOBAL_FLAGS:
        if flag.hidden:
            continue
        short = f"-{flag.short}, " if flag.short else "    "
        name = f"[no-]{flag.name}" if flag.negatable else flag.name
        value = f"={flag.placeholder}" if flag.placeholder else ""
        twin = f" (${flag.env})" if flag.env else ""
        rows.append((f"{short}--{name}{value}", flag.help + twin))
    return rows


assert {flag.target for flag in GLOBAL_FLAGS} <= {item.name for item in fields(GlobalOptions)}
