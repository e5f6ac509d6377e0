"""TOML as another way to write a configuration: the same keys, the same tree.

tomli gives values without positions, so each key is searched in the text (`toml_places`).
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import Any

from pynats_common.config.parser import NESTING_MAX
from pynats_common.config.source import Position, Source
from pynats_common.config.toml_places import Places
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
    places = Places(source)
    return {key: _node(key, value, places, 0) for key, value in tree.items()}


def _node(key: str, value: Any, places: Places, after: int, depth: int = 0) -> Node:
    offset = places.take(key, after)
    return Node(_value(value, places, offset, depth), places.source, offset)


def _value(value: Any, places: Places, offset: int, depth: int) -> NodeValue:
    """`depth` counts the tables and arrays around the value."""
    if isinstance(value, (dict, list)) and depth >= NESTING_MAX:
        raise ConfigError(TOO_DEEP, places.source.position(offset))
    if isinstance(value, dict):
        return {key: _node(key, item, places, offset, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [
            Node(_value(item, places, offset, depth + 1), places.source, offset) for item in value
        ]
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"float '{value}' is out of the range", places.source.position(offset))
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ConfigError(f"integer '{value}' is out of the range", places.source.position(offset))
    if isinstance(value, (str, bool, int, float, datetime)):
        return value
    if isinstance(value, (date, time)):
        return value.isoformat()
    raise ConfigError(f"unsupported TOML value {type(value).__name__}")
