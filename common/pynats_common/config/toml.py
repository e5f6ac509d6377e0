"""TOML as another way to write a configuration: the same keys, the same tree.

tomli gives values without positions, so each key is searched in the text: its table header, then
the first unused line that assigns it.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import Any

from pynats_common.config.parser import NESTING_MAX
from pynats_common.config.source import Position, Source
from pynats_common.config.values import PARSE_ERROR, ConfigError, Node, NodeMap, NodeValue

TOO_DEEP = f"nested more than {NESTING_MAX} levels deep"
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def parse_toml(text: str, *, file: str = "<toml>") -> NodeMap:
    """The entries of a TOML text; raises `ConfigError` with the position."""
    import tomli

    source = Source(text, file)
    try:
        tree = tomli.loads(text)
    except RecursionError:
        raise ConfigError(TOO_DEEP, Position(file, 1, 1)) from None
    except tomli.TOMLDecodeError as error:
        message = str(error)
        place = _TOML_PLACE.search(message)
        where = source.position(len(text))
        if place and place[1]:
            where = Position(file, int(place[1]), int(place[2]))
        raise ConfigError(f"{PARSE_ERROR}: {_TOML_PLACE.sub('', message)}", where) from None
    except ValueError:  # the interpreter's limit of digits
        raise ConfigError("an integer is out of the range", Position(file, 1, 1)) from None
    locator = _Locator(source)
    return {key: _node(key, value, locator, 0) for key, value in tree.items()}


class _Locator:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.taken: set[int] = set()

    def find(self, key: str, after: int) -> int:
        """Offset of the next place at or after `after` that introduces `key`."""
        name = re.escape(key)
        spelled = rf"(?<![\w-])(?:{name}|\"{name}\"|'{name}')(?![\w-])"
        shape = re.compile(
            rf"(?m)(?:^[ \t]*|[{{,][ \t]*|^[ \t]*\[\[?[^\]\n=]*?|^[^=\n#]*\.[ \t]*)({spelled})"
            r"(?=[ \t]*[=.\]])"
        )
        for found in shape.finditer(self.source.text, after):
            if found.start(1) not in self.taken:
                self.taken.add(found.start(1))
                return found.start(1)
        return after


def _node(key: str, value: Any, locator: _Locator, after: int, depth: int = 0) -> Node:
    offset = locator.find(key, after)
    return Node(_value(value, locator, offset, depth), locator.source, offset)


def _value(value: Any, locator: _Locator, offset: int, depth: int) -> NodeValue:
    """`depth` counts the tables and arrays around the value."""
    if isinstance(value, (dict, list)) and depth >= NESTING_MAX:
        raise ConfigError(TOO_DEEP, locator.source.position(offset))
    if isinstance(value, dict):
        return {key: _node(key, item, locator, offset, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [
            Node(_value(item, locator, offset, depth + 1), locator.source, offset) for item in value
        ]
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"float '{value}' is out of the range", locator.source.position(offset))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ConfigError(f"integer '{value}' is out of the range", locator.source.position(offset))
    if isinstance(value, (str, bool, int, float, datetime)):
        return value
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise ConfigError(f"unsupported TOML value {type(value).__name__}")
