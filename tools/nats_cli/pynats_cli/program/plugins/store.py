"""The plugins of this user, one file each in the folder of `nats`: `NAME.json`, with the program to
run and what it says of its commands. Reading never creates anything."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynats_common.files import read_whole
from pynats_common.go.quoting import quote
from pynats_common.program.xdg import data_home, write_private

from pynats_cli.errors import CliError

_NAME = re.compile(r"[a-z]+\Z")
_ASK_TIMEOUT_S = 20


@dataclass(frozen=True)
class Plugin:
    """`command` is the program, `definition` what it says with --fisk-introspect."""

    name: str
    command: str
    definition: dict[str, Any]

    @property
    def help(self) -> str:
        """Its first line about itself."""
        text = str(self.definition.get("help") or "").strip()
        return text.splitlines()[0] if text else ""


def folder() -> Path:
    """Where they are, whether it exists or not."""
    return data_home() / "nats" / "cli" / "plugins"


def find(name: str) -> Plugin | None:
    """The plugin of this name. Raises CliError for a damaged file."""
    path = folder() / f"{name}.json"
    if not _NAME.match(name) or not path.is_file():
        return None
    try:
        content = json.loads(read_whole(path))
        command, definition = content["cmd"], content["def"]
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError, KeyError, TypeError):
        raise CliError(f"{path} is not the file of a plugin") from None
    if not isinstance(command, str) or not isinstance(definition, dict):
        raise CliError(f"{path} is not the file of a plugin")
    return Plugin(name, command, definition)


def registered() -> list[Plugin]:
    """All that can be read, by name."""
    found = []
    try:
        names = sorted(path.stem for path in folder().glob("*.json"))
    except OSError:
        return []
    for name in names:
        try:
            plugin = find(name)
        except CliError:
            continue  # whoever runs it will hear why not
        if plugin is not None:
            found.append(plugin)
    return found


def register(name: str, command: str, own: set[str], force: bool) -> None:
    """Asks a program for its commands, and keeps it under a name. Raises CliError.

    `own` are the names of our commands, which no plugin can take.
    """
    if not _NAME.match(name):
        raise CliError("plugin names must match ^[a-z]+$")
    if name in own:
        raise CliError(f"{quote(name)} is a command of this program")
    path = folder() / f"{name}.json"
    if path.exists() and not force:
        raise CliError(f"plugin {name} already registered, use --force to update")
    program = str(Path(command).resolve())
    content = {"cmd": program, "def": _definition(program)}
    try:
        write_private(path, json.dumps(content, separators=(",", ":")))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None


def _definition(program: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [program, "--fisk-introspect"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_TIMEOUT_S, check=False,
        )  # fmt: skip
    except OSError as error:
        raise CliError(f"cannot run {program}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise CliError(f"{program} --fisk-introspect does not end") from None
    if done.returncode != 0:
        raise CliError(f"{program} --fisk-introspect ended with exit code {done.returncode}")
    try:
        found = json.loads(done.stdout)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        raise CliError(f"{program} is no plugin: --fisk-introspect does not describe its commands")
    return found
