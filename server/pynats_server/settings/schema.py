"""What the rows of the option table are made of, and the state of one reading of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pynats_common.config import ConfigError, Node

from pynats_server.options import Options


class SettingsError(ValueError):
    """A configuration was refused. `errors` and `warnings` are the lines to show, one each."""

    def __init__(self, errors: list[str], warnings: list[str] | None = None) -> None:
        super().__init__("\n".join([*(warnings or []), *errors]))
        self.errors = errors
        self.warnings = warnings or []


@dataclass(slots=True)
class Reading:
    """One file on its way into an options tree. Complaints are gathered and shown together."""

    options: Options
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def complain(self, node: Node, message: str) -> None:
        self.errors.append(f"{node.position}: {message}")

    def warn(self, node: Node, key: str, reason: str) -> None:
        self.warnings.append(f'{node.position}: invalid use of field "{key}": {reason}')

    def unknown(self, node: Node, key: str) -> None:
        """A key that no table knows; it may still be there for a variable's sake."""
        if not node.used:
            self.complain(node, f'unknown field "{key}"')

    def attempt(self, step: Callable[[], None]) -> None:
        """Run `step`; what it raises becomes one more complaint."""
        try:
            step()
        except ConfigError as error:
            self.errors.append(str(error))


Reader = Callable[[Reading, Node, str], Any]  # (reading, value, key as written) -> typed value
Store = Callable[[Options, Any], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """One configuration key.

    `read` turns the parsed value into the typed one, raising `ConfigError`; a row without `read`
    belongs to a part of the server that is not built yet, and is refused unless its value is in
    `off`, which switches that part off. `field` is the path in `Options` ("" = the key's own
    name); `store` replaces the plain assignment where one key sets several fields. A value of
    zero keeps the default where `zero_is_default`. `go_name` is what reload messages call it.
    """

    name: str
    help: str
    read: Reader | None = None
    aliases: tuple[str, ...] = ()
    field: str = ""
    store: Store | None = None
    reloadable: bool = False
    zero_is_default: bool = False
    go_name: str = ""
    off: tuple[object, ...] = ()

    @property
    def path(self) -> str:
        return self.field or self.name
