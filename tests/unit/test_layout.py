"""Who may import whom, room by room, and that nothing imports in a circle.

The rules: docs/development/hacking.md.

Annotations count: an import below `if TYPE_CHECKING` is knowledge, too. So do `cimport`s.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("common", "server", "tools/nats_cli", "tools/nsc", "tools/nk", "tools/top", "bench")
COMPILED = re.compile(
    r"^\s*(?:from\s+(?P<base>[\w.]+)\s+)?(?:import|cimport)\s+(?P<names>\([^)]*\)|[^\n#]+)",
    re.MULTILINE,
)

# A room (a package, or a module that is a room of its own) and the rooms that its modules may
# import, besides their own. A name stands for everything below it that has no row of its own.
S = "pynats_server."
J = S + "jetstream."
BASE = ("pynats_common", S + "options", S + "version")
RULES: dict[str, tuple[str, ...]] = {
    "pynats_common": (),
    "pynats_cli": ("pynats_common", "pynats_bench"),
    "pynsc": ("pynats_common",),
    "pynk": ("pynats_common",),
    "pynats_top": (
        "pynats_common", "pynats_cli", "pynats_top.collect", "pynats_top.collect.source",
        "pynats_top.model", "pynats_top.screen",
    ),
    "pynats_top.collect": (
        "pynats_common", "pynats_cli", "pynats_top.collect.source", "pynats_top.model",
    ),
    "pynats_top.collect.source": (),
    # Figures know the form of a poll, and nothing of where it comes from.
    "pynats_top.model": ("pynats_common", "pynats_top.collect.source"),
    "pynats_top.screen": (
        "pynats_common", "pynats_cli", "pynats_top", "pynats_top.collect",
        "pynats_top.collect.source", "pynats_top.model",
    ),
    "pynats_bench": (
        "pynats_common", S + "core", J + "store", J + "store.file", J + "store.search",
        S + "tls", S + "tls.engine", S + "work",
    ),
    # What is below everything in the server.
    S + "options": ("pynats_common", S + "tls.options"),
    S + "tls.options": ("pynats_common",),
    S + "version": ("pynats_common",),  # the release, which the tools show too
    S + "core": (),
    S + "work": (),
    S + "machine": (),
    S + "subjects": ("pynats_common", S + "core", S + "work"),
    S + "settings": (*BASE, S + "settings.blocks", S + "settings.changes"),
    # Which mappings are possible, and whether the files of TLS can be used.
    S + "settings.blocks": (
        *BASE, S + "settings", S + "subjects", S + "tls", S + "tls.options", S + "tls.suites",
    ),
    S + "settings.changes": (*BASE, S + "settings", S + "settings.blocks"),
    S + "log": BASE,
    S + "tls": (
        "pynats_common", S + "tls.engine", S + "tls.options", S + "tls.subjects", S + "tls.suites",
    ),
    # JSON, headers and packing of whatever the server says.
    S + "said": ("pynats_common", J + "requests", S + "work"),
    # Where JWTs of accounts come from; whether they count others say.
    S + "resolver": (*BASE, S + "resolver.base"),
    S + "resolver.base": ("pynats_common",),
    # What a server consists of. They share `server.state`, and know no `server.server`.
    S + "accounts": (*BASE, S + "clients.described", S + "core", S + "said", S + "subjects"),
    S + "auth": (*BASE, S + "auth.jwt", S + "auth.secrets", S + "core", S + "tls.peer"),
    S + "auth.jwt": (*BASE, S + "auth", S + "core"),
    S + "auth.secrets": ("pynats_common",),
    # Accounts that come by JWTs, in operator mode, and where these come from.
    S + "operator": (*BASE, S + "accounts", S + "auth", S + "log", S + "settings", S + "work"),
    S + "clients.closed": ("pynats_common", S + "clients.shown", S + "core"),
    S + "clients.described": ("pynats_common", S + "clients.shown", S + "core"),
    S + "clients.session": ("pynats_common", S + "auth", S + "core"),
    S + "clients.shown": ("pynats_common",),
    S + "clients.trace": ("pynats_common",),
    S + "server.state": (
        *BASE, S + "accounts", S + "auth", S + "clients.closed", S + "core", S + "jetstream",
        S + "log", S + "operator", S + "resolver.base", S + "server.identity", S + "settings",
        S + "tls", S + "work",
    ),
    S + "server.identity": ("pynats_common",),
    # TLS itself knows nothing of configurations, logs or clients.
    S + "tls.engine": (S + "core", S + "tls.peer", S + "tls.subjects", S + "tls.suites"),
    S + "tls.peer": ("pynats_common",),
    S + "tls.subjects": (),
    S + "tls.suites": (),
    S + "server.accepted": (*BASE, S + "accounts", S + "settings"),
    S + "server.info": (*BASE, S + "core", S + "said", S + "server.state", S + "work"),
    # What is said in the system account; whoever tells it something knows no JSON.
    S + "system": (
        *BASE, S + "auth", S + "clients.described", S + "core", S + "machine", S + "monitor",
        S + "said", S + "server.state", S + "work",
    ),
    # What became of traced messages.
    S + "tracing": (
        *BASE, S + "core", S + "said", S + "server.state", S + "system", S + "work",
    ),
    # What is answered there; how JSON is read JetStream knows.
    S + "system.services": (
        *BASE, S + "accounts", S + "clients.session", S + "core", S + "monitor", S + "said",
        S + "server.info",
        S + "server.state",
        S + "operator", S + "resolver", S + "resolver.base",
        S + "system", S + "work",
    ),
    S + "clients": (
        *BASE, S + "auth", S + "clients.closed", S + "clients.session", S + "clients.shown",
        S + "clients.trace",
        S + "core", S + "log", S + "machine", S + "said", S + "server.info", S + "server.state",
        S + "system",
        S + "tls", S + "tls.peer", S + "tracing", S + "work",
    ),
    S + "monitor": (
        *BASE, S + "accounts", S + "auth.secrets", S + "clients.closed", S + "clients.shown",
        S + "core", S + "machine", J + "config",
        J + "domains", J + "figures", S + "said", S + "tls", S + "tls.options", S + "tls.subjects",
        S + "work",
    ),
    # JetStream, from the disk upwards.
    J + "errors": ("pynats_common",),
    J + "figures": (J + "config",),
    J + "domains": (),
    J + "quota": (),
    J + "clock": (S + "core",),
    J + "digits": (),
    J + "scratch": (),
    # Of the core: memory that output may refer to, and the hash of subjects.
    J + "store": (
        S + "core", S + "work", J + "clock", J + "store.ages", J + "store.file",
        J + "store.format", J + "store.removal", J + "store.search",
    ),
    J + "store.ages": (J + "clock", J + "store"),
    J + "store.removal": (S + "work", J + "store", J + "store.search"),
    J + "store.search": (S + "work", J + "store", J + "store.ages", J + "store.format"),
    J + "store.format": ("pynats_common", J + "store"),
    J + "store.file": (
        "pynats_common", S + "core", S + "work", J + "store", J + "store.format",
        J + "store.inventory", J + "store.removal", J + "store.search",
    ),
    # What is lost is for tools, too, which look at a folder without a store.
    J + "store.inventory": (J + "store", J + "store.file", J + "store.format"),
    J + "store.consumers": (
        "pynats_common", S + "core", J + "store", J + "store.file", J + "store.format",
    ),
    # Before a store is opened: it knows what a stream's and its consumers' files are.
    J + "store.rekeying": (
        "pynats_common", S + "work", J + "store", J + "store.consumers", J + "store.file",
        J + "store.format", J + "store.inventory",
    ),
    J + "requests": (*BASE, J + "config", J + "errors", S + "work"),
    J + "config": (
        *BASE, S + "core", S + "subjects", J + "errors", J + "requests", J + "store", S + "work",
    ),
    J + "consumer": (
        *BASE, J + "advisories", J + "clock", J + "config", J + "consumer.config",
        J + "consumer.delivery", J + "consumer.saving", J + "context",
        J + "errors", J + "figures", J + "store",
        J + "store.consumers", J + "store.format", J + "store.search", J + "stream", S + "work",
    ),
    J + "consumer.saving": (S + "work", J + "clock", J + "store", J + "store.consumers"),
    J + "consumer.tally": (),
    J + "consumer.delivery": (
        *BASE, S + "core", J + "clock", J + "config", J + "consumer", J + "digits",
        J + "errors",
        J + "requests", J + "scratch", J + "store", J + "store.format", J + "store.search",
        S + "work",
    ),
    J + "direct": (
        "pynats_common", S + "core", J + "digits", J + "scratch", J + "store", J + "store.search",
    ),
    J + "consumer.config": (
        *BASE, S + "subjects", J + "config", J + "errors", J + "requests", S + "work",
    ),
    J + "claims": (S + "subjects", S + "work", J + "config"),
    J + "publish": (
        *BASE, S + "core", S + "subjects", J + "clock", J + "errors", J + "quota",
        J + "publish.batch", J + "store", J + "store.ages", J + "stream",
    ),
    J + "publish.batch": (
        *BASE, S + "core", J + "errors", J + "publish", J + "requests", J + "store", J + "stream",
    ),
    J + "stream": (
        *BASE, S + "core", S + "log", S + "subjects", J + "clock", J + "config", J + "consumer",
        J + "consumer.config", J + "context",
        J + "errors",
        J + "figures", J + "publish", J + "publish.batch", J + "quota", J + "store",
        J + "store.consumers", J + "store.file", J + "store.format", J + "store.search",
        J + "stream.copying", S + "work",
    ),
    J + "stream.copying": (
        *BASE, S + "core", S + "subjects", J + "clock", J + "config", J + "consumer.config",
        J + "errors", J + "publish", J + "store", J + "store.format",
        J + "store.search", J + "stream", S + "work",
    ),
    J + "context": (
        *BASE, S + "core", S + "log", J + "advisories", J + "capacity", J + "claims",
        J + "consumer.delivery", J + "consumer.saving", J + "consumer.tally", J + "direct",
        J + "errors", J + "publish.batch", J + "quota", J + "store", J + "store.consumers",
        S + "work",
    ),
    J + "capacity": (*BASE, S + "machine"),
    J + "advisories": (*BASE, S + "clients.described", S + "core", J + "clock"),
    # The disk, before there are streams.
    J + "folders": (
        *BASE, S + "log", J + "config", J + "consumer", J + "context", J + "figures",
        J + "store", J + "store.file", J + "store.format", J + "store.rekeying",
    ),
    J + "api": (
        *BASE, S + "core", S + "jetstream", J + "clock", J + "config", J + "domains",
        J + "consumer", J + "consumer.config", J + "consumer.delivery", J + "context", J + "direct",
        J + "errors", J + "folders", J + "requests", J + "store",
        J + "store.consumers", J + "store.search", J + "stream", J + "stream.copying", S + "work",
    ),
    S + "jetstream": (
        *BASE, S + "accounts", S + "core", S + "log", J + "api", J + "capacity",
        J + "claims", J + "clock", J + "config", J + "consumer", J + "context", J + "errors",
        J + "figures", J + "folders", J + "quota", J + "store", J + "store.consumers",
        J + "store.file", J + "stream", S + "work",
    ),
    # The whole, and how it becomes a process.
    S + "server": (
        *BASE, S + "accounts", S + "auth", S + "clients", S + "core", S + "jetstream",
        J + "capacity", J + "folders", S + "log", S + "monitor", S + "operator", S + "process",
        S + "resolver", S + "resolver.base", S + "server.accepted", S + "server.info",
        S + "server.state", S + "settings", S + "system",
        S + "system.services", S + "tls", S + "tracing", S + "work",
    ),
    # Looks at folders without a server.
    J + "inspection": (
        *BASE, J + "store", J + "store.consumers", J + "store.file", J + "store.format",
        J + "store.inventory",
    ),
    S + "process": (
        *BASE, S + "clients.trace", S + "server.accepted", S + "settings", S + "tls",
        S + "tls.suites", J + "inspection",
    ),
    "pynats_server": (
        *BASE, S + "auth", S + "log", S + "process", S + "server", S + "settings",
        S + "tls.options", S + "work",
    ),
}  # fmt: skip


@cache
def modules() -> dict[str, list[Path]]:
    """Every module of ours by its import name, with its files (.pyx and .pxd are one module)."""
    found: dict[str, list[Path]] = {}
    for root in SOURCES:
        for path in sorted((ROOT / root).rglob("*")):
            if path.suffix in (".py", ".pyx", ".pxd"):
                parts = path.relative_to(ROOT / root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found.setdefault(name, []).append(path)
    return found


def statements(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(module, names taken from it) of every import in a file; no names for a plain import."""
    text = path.read_text()
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from ((alias.name, []) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or "", [alias.name for alias in node.names]
        return
    for match in COMPILED.finditer(text):
        names = [part.split()[0] for part in re.split(r"[,()\s]*,[,()\s]*|[()\s]*\n\s*|\(|\)",
                                                      match["names"]) if part.strip()]  # fmt: skip
        if match["base"]:
            yield match["base"], names
        else:
            yield from ((name, []) for name in names)


def imports_of(name: str) -> set[str]:
    """The modules of ours that a module imports."""
    known = modules()
    found: set[str] = set()
    for path in known[name]:
        for base, names in statements(path):
            inner = {f"{base}.{each}" for each in names} & known.keys()
            found |= (
                inner if names and len(inner) == len(names) else inner | ({base} & known.keys())
            )
    return found - {name}


def room_of(module: str) -> str:
    """The row of RULES that speaks for a module: the longest name that contains it."""
    return max((room for room in RULES if module == room or module.startswith(room + ".")), key=len)


@pytest.mark.parametrize("room", RULES)
def test_rooms_import_only_what_they_may(room: str) -> None:
    members = [name for name in modules() if room_of(name) == room]
    assert members, f"{room} has no modules"
    allowed = {room, *RULES[room]}
    wrong = [
        f"{name} imports {other}"
        for name in members
        for other in sorted(imports_of(name))
        if room_of(other) not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("room", RULES)
def test_rules_allow_no_more_than_is_used(room: str) -> None:
    members = [name for name in modules() if room_of(name) == room]
    used = {room_of(other) for name in members for other in imports_of(name)}
    assert set(RULES[room]) - set(BASE) - used == set()


def test_every_module_has_a_rule() -> None:
    assert [name for name in modules() if not any(
        name == room or name.startswith(room + ".") for room in RULES)] == []  # fmt: skip


def test_no_modules_import_in_a_circle() -> None:
    # Packages, too: what a package takes from its parts, they must not ask it for.
    try:
        tuple(TopologicalSorter({name: imports_of(name) for name in modules()}).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_imports_are_absolute() -> None:
    relative = re.compile(r"^\s*from\s+\.|^\s*cimport\s+\.", re.MULTILINE)
    assert [
        str(path.relative_to(ROOT))
        for paths in modules().values()
        for path in paths
        if relative.search(path.read_text())
    ] == []


def test_test_modules_that_are_in_no_package_have_names_of_their_own() -> None:
    names: dict[str, Path] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if not (path.parent / "__init__.py").exists():
            assert names.setdefault(path.name, path) == path, "pytest imports only one of them"
