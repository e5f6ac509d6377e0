"""Tables of configuration keys, and the state of one reading of a file.

Every block has a `Table` with a row for each key; loading, unknown keys, refusals of missing
features, reload rules, `--help` and docs/reference/configuration.md all use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.config import ConfigError, Node, plain
from pynats_common.records import dataclass

from pynats_server.options import Options
from pynats_server.settings.paths import get_path, set_path

NOT_YET = "is not supported yet by this version"


class SettingsError(ValueError):
    """A configuration was refused. `errors` and `warnings` are the lines to show, one each."""

    def __init__(self, errors: list[str], warnings: list[str] | None = None) -> None:
        super().__init__("\n".join([*(warnings or []), *errors]))
        self.errors = errors
        self.warnings = warnings or []


@dataclass(slots=True)
class Reading:
    """The reading of one file into options. Complaints are collected and shown together."""

    options: Options
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    texts_are_sizes: bool = False  # "10MB" is a number: the file is TOML
    store_dir_named: bool = False  # the file has named JetStream's folder

    def complain(self, node: Node, message: str) -> None:
        self.errors.append(f"{node.position}: {message}")

    def warn(self, node: Node, key: str, reason: str) -> None:
        self.warnings.append(f'{node.position}: invalid use of field "{key}": {reason}')

    def attempt(self, step: Callable[[], None]) -> None:
        """Runs `step`; its `ConfigError` becomes one more complaint."""
        try:
            step()
        except ConfigError as error:
            self.errors.append(str(error))


Reader = Callable[[Reading, Node, str], Any]  # (reading, value, key as written) -> typed value
Store = Callable[[Any, Any], None]  # (options of the block, value)


def keep_nothing(target: Any, value: Any) -> None:
    """A `store` for keys that are only checked."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One configuration key.

    `read` turns the parsed value into the typed one, raising `ConfigError`. A row without `read`
    belongs to a part that does not exist yet: it is refused (with the text `refusal`) unless its
    value is in `off`, which turns the part off. `field` is the path in
    the options of the block ("" = the key's own name); `store` replaces the plain assignment if one
    key sets several fields. With `zero_is_default`, zero keeps the default. `go_name` is its name
    in reload messages; `block` documents the value's own keys. `ours`: the real server does not
    know it.
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
    refusal: str = ""
    block: Table | None = None
    ours: bool = False

    @property
    def path(self) -> str:
        return self.field or self.name


class Table:
    """The keys of one block: every row, found by name or alias in any case. `defaults` makes the
    options of an empty block. `unknown` is the complaint about a key without a row; `where` follows
    the key in the refusal of a missing feature.
    """

    def __init__(
        self,
        defaults: Callable[[], Any],
        *settings: Setting,
        unknown: str = 'unknown field "{key}"',
        where: str = "",
    ) -> None:
        self.defaults = defaults
        self.settings = settings
        self._unknown = unknown
        self._where = where
        self._by_key = {key: s for s in settings for key in (s.name, *s.aliases)}

    def find(self, key: str) -> Setting | None:
        """The row of `key`, in any spelling."""
        return self._by_key.get(key) or self._by_key.get(key.lower())

    def find_path(self, path: str) -> Setting | None:
        """The row that sets `path` in the options of the block, nested blocks included."""
        rows = [setting for setting in self.settings if setting.path == path]
        if rows:  # if several keys set one option, the one with its name
            return next((row for row in rows if row.name == path), rows[0])
        for setting in self.settings:
            inner = path.removeprefix(setting.path + ".")
            if setting.block is not None and inner != path:
                return setting.block.find_path(inner)
        return None

    def read(self, reading: Reading, entries: Mapping[str, Node], target: Any) -> dict[str, Node]:
        """Sets in `target` the values of a block. Returns the names of the keys that were read.
        Raises `ConfigError` for the first wrong value; unknown keys go to `reading`."""
        seen: dict[str, Node] = {}
        for key, node in entries.items():
            setting = self._apply(reading, key, node, target)
            if setting is not None:
                seen[setting.name] = node
        return seen

    def gather(self, reading: Reading, entries: Mapping[str, Node], target: Any) -> dict[str, Node]:
        """Like `read`, but all complaints go to `reading`, and reading continues."""
        seen: dict[str, Node] = {}
        for key, node in entries.items():
            try:
                setting = self._apply(reading, key, node, target)
            except ConfigError as error:
                reading.errors.append(str(error))
                continue
            if setting is not None:
                seen[setting.name] = node
        return seen

    def _apply(self, reading: Reading, key: str, node: Node, target: Any) -> Setting | None:
        setting = self.find(key)
        if setting is None:
            if not node.used:  # it may only define a variable
                similar = did_you_mean(key, self._by_key)
                reading.complain(node, self._unknown.format(key=key) + similar)
            return None
        if setting.read is None:
            if not _is_off(setting, node):
                refusal = setting.refusal or f'"{key}"{self._where} {NOT_YET}'
                raise ConfigError(refusal, node.position)
            return setting
        value = setting.read(reading, node, key)
        if setting.zero_is_default and not value:
            value = get_path(self.defaults(), setting.path)
        if setting.store is not None:
            setting.store(target, value)
        else:
            set_path(target, setting.path, value)
        return setting


def _is_off(setting: Setting, node: Node) -> bool:
    value = plain(node.value)
    return any(type(value) is type(off) and value == off for off in setting.off)
