"""docs/reference/python.md: what a program that embeds the broker, or tests with it, imports."""

from __future__ import annotations

import dataclasses
import inspect
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import pynats_server
from pynats_server import pytest_plugin
from pynats_server.auth.own import Verify
from pynats_server.log.target import LogTarget
from pynats_server.settings.schema import Table
from pynats_server.settings.top_level import TOP_LEVEL
from pynats_server.threaded import local_options

from tests.docs.pages.markdown import MADE, code, filled, prose, sentence, table

HEAD = f"""# Python API

{MADE}
The broker inside a program: `from pynats_server import Server, Options, …`. Everything here is
typed (`py.typed`) and needs Linux. How to use it is in the [guide](../guides/embedding.md); other
modules of the package may change at any time.

Durations are seconds as `float`, sizes bytes as `int`. Fields that hold secrets are left out of
`repr()`. A wrong option is a `ServerError` with its name, also if it comes from a program.

"""
# Sections in the order of the page: title, what it is about, names.
SECTIONS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("Servers", "", ("Server", "ThreadedServer", "ServerError", "SettingsError")),
    ("Options", "What is not named here has the value of an empty configuration file. Names follow "
     "the keys of the [configuration](configuration.md), where more is said about each.",
     ("Options", "LogOptions", "HttpAuth", "MetricsOptions")),
    ("JetStream options", "", ("JetStreamOptions", "JetStreamServerLimits", "BatchLimits")),
    ("Accounts", "", ("AccountOptions", "AccountLimits", "ConnectionLimits", "StreamExport",
     "ServiceExport", "ServiceLatency", "StreamImport", "ServiceImport", "MappingTarget",
     "TraceOptions")),
    ("Users and permissions", "", ("Authorization", "User", "Permissions", "SubjectPermission",
     "ResponsePermission", "PublishLimits", "AuthCallout", "OidcIssuer", "OperatorOptions",
     "ResolverOptions", "ProxyOptions")),
    ("TLS", "", ("TlsOptions", "CertificateFiles", "OcspPeerOptions", "OcspCacheOptions",
     "OcspOptions")),
    ("Log-ins decided in Python", "`Server(authenticator=…)` takes a function, with `await` or "
     "without: `verify(hello: Hello) -> Verdict | Refusal | Slow`. More in the "
     "[guide](../guides/authentication.md).",
     ("Hello", "ConnectOptions", "Verdict", "Refusal", "Slow")),
)  # fmt: skip


def page() -> str:
    """The page."""
    parts = [HEAD]
    for title, about, names in SECTIONS:
        parts.append(f"## {title}\n\n{filled(about) if about else ''}")
        parts += [_class(getattr(pynats_server, name)) for name in names]
    parts.append(_types())
    parts.append(_fixtures())
    return "".join(parts).rstrip("\n") + "\n"


def _types() -> str:
    rows = (("`LogTarget`", code(_type(LogTarget))), ("`Verify`", code(_type(Verify))))
    signature = _signature(local_options)
    return (
        f"## Types\n\nNames that signatures above use:\n\n{table(('name', 'is'), rows)}\n"
        f"`pynats_server.threaded.local_options{signature}`: {_flat(local_options)}\n\n"
    )


def _fixtures() -> str:
    about = filled(
        "Installing the package installs a pytest plugin, which costs nothing where it is not "
        "used. Each fixture is a `ThreadedServer`, or makes them."
    )
    rows = []
    for name, found in vars(pytest_plugin).items():
        marker = getattr(found, "_fixture_function_marker", None)
        if marker is not None:
            made = found._fixture_function
            rows.append((code(name), str(marker.scope), _flat(made)))
    return f"## pytest fixtures\n\n{about}{table(('fixture', 'scope', 'what it is'), rows)}"


def _flat(documented: object) -> str:
    return sentence(prose(inspect.getdoc(documented) or ""))


# -- classes -------------------------------------------------------------------------------------


def _class(kind: type[Any]) -> str:
    parts = [f"### `{kind.__name__}`\n\n", _text(inspect.getdoc(kind) or "")]
    if dataclasses.is_dataclass(kind):
        rows = [
            (code(one.name), code(_type(one.type)), code(_default(one)), prose(meaning(kind, one)))
            for one in dataclasses.fields(kind)
            if not one.name.startswith("_") and one.name not in INTERNAL
        ]
        parts.append(table(("field", "type", "default", "meaning"), rows) + "\n")
    elif kind.__init__ is not Exception.__init__ and not issubclass(kind, Exception):
        parts.append(f"`{kind.__name__}{_signature(kind.__init__)}`\n\n")
    rows = [(code(name), _flat(found)) for name, found in _members(kind)]
    if rows:
        parts.append(table(("member", "what it is"), rows) + "\n")
    return "".join(parts)


# Fields that reading a file fills, for the server itself.
INTERNAL = frozenset({"present", "places", "warnings", "config_digest", "config_file"})


def _members(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Public methods and properties of its own, as they are written."""
    for name, found in vars(kind).items():
        if name.startswith("_") or not inspect.getdoc(found):
            continue
        if isinstance(found, property):
            assert found.fget is not None
            returned = found.fget.__annotations__.get("return", "")
            yield f"{name}: {_type(returned)}", found
        elif isinstance(found, classmethod | staticmethod):
            yield f"{name}{_signature(found.__func__)}", found.__func__
        elif inspect.isfunction(found):
            wait = "await " if inspect.iscoroutinefunction(found) else ""
            yield f"{wait}{name}{_signature(found)}", found


def _signature(function: Callable[..., Any]) -> str:
    found = inspect.signature(function)
    kept = [each for name, each in found.parameters.items() if name not in ("self", "cls")]
    shown = str(found.replace(parameters=kept)).replace("'", "")
    shown = re.sub(r" = <_Log\.AS_OPTIONS: \d+>", " = <as options.log says>", shown)
    return _type(shown.replace(" | _Log", "").removesuffix(" -> None"))


def _type(annotation: Any) -> str:
    """An annotation as it is read best."""
    text = annotation if isinstance(annotation, str) else str(annotation)
    text = re.sub(
        r"\b(?:typing|collections\.abc|logging|pathlib|pynats_server(?:\.\w+)+)\.", "", text
    )
    return text.replace("NoneType", "None").replace("<class '", "").replace("'>", "")


def _default(one: dataclasses.Field[Any]) -> str:
    if one.default_factory is not dataclasses.MISSING:
        made = one.default_factory()
        if isinstance(made, list | dict | tuple | set) and len(made) > 3:
            return "all"
        return repr(made) if isinstance(made, list | dict) else f"{type(made).__name__}()"
    if one.default is dataclasses.MISSING:
        return ""
    value = one.default
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1024:
        return f"{value:_}"
    shown = getattr(value, "name", None) if isinstance(value, int) else None
    return f"{type(value).__name__}.{shown}" if shown else repr(value)


# -- what fields mean ----------------------------------------------------------------------------


def meaning(kind: type[Any], one: dataclasses.Field[Any]) -> str:
    """The comment beside a field or above it, and the help of the key that it follows; "" if nobody
    says what it is."""
    comment = _comments(kind).get(one.name, "")
    text = _help(kind, one.name)
    if text.split(" ")[0] == comment:  # a unit that the help has, too
        return text
    if comment and text and _VALUES.match(comment):
        # What a file says of its values need not be so here.
        return f"{_FILE_VALUES.split(text)[0]}; {comment}"
    return comment if len(comment) > len(text) else text or comment


_VALUES = re.compile(r"(?:-?\d+|None|empty|seconds|bytes|messages|by|whole|negative)\b")
_FILE_VALUES = re.compile(r"[,;] (?=-?\d|empty|without)| \(default")


def _help(kind: type[Any], name: str) -> str:
    for key in _tables():
        if type(key.defaults()) is kind:
            setting = key.find_path(name)
            if setting is not None:
                return setting.help
    return _helps().get((kind.__name__, name), "")


@cache
def _comments(kind: type[Any]) -> dict[str, str]:
    source = inspect.cleandoc(inspect.getsource(kind))
    found: dict[str, str] = {}
    waiting: list[str] = []
    blank = False  # a comment behind an empty line is about several fields
    field = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.removeprefix("#").strip()
            if field:
                found[field] = text
            elif not blank:
                waiting.append(text)
        elif token.type == tokenize.NAME and (m := re.match(r"\s+(\w+)\s*:", token.line)):
            field = field or m[1]
            if waiting:
                found.setdefault(field, " ".join(waiting))
                waiting = []
        elif token.type == tokenize.NEWLINE:
            field = ""
            blank = False
        elif token.type == tokenize.NL and not token.line.strip():
            waiting, blank = [], True
    return found


@cache
def _tables() -> tuple[Table, ...]:
    found: dict[int, Table] = {}

    def add(one: Table) -> None:
        if id(one) in found:
            return
        found[id(one)] = one
        for setting in one.settings:
            if setting.block is not None:
                add(setting.block)

    add(TOP_LEVEL)
    return tuple(found.values())


@cache
def _helps() -> dict[tuple[str, str], str]:
    """Helps of keys by the option that they set, where that is in a block of the options but not
    in one of the file: `log.debug`."""
    found: dict[tuple[str, str], str] = {}
    for one in _tables():
        options = one.defaults()
        for setting in one.settings:
            *blocks, last = setting.path.split(".")
            inner = options
            for block in blocks:
                inner = getattr(inner, block, None)
            if inner is not None and hasattr(inner, last):
                found.setdefault((type(inner).__name__, last), setting.help)
    return found


def _text(docstring: str) -> str:
    return filled(docstring) if docstring else ""
