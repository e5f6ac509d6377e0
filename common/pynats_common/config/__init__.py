"""The NATS configuration grammar (and TOML as an alternative), with the position of every value.

`read_document` reads a file, `parse` a text. The meaning of the keys is up to the caller.
"""

from pynats_common.config.digest import config_digest
from pynats_common.config.files import Document, read_document
from pynats_common.config.parser import parse
from pynats_common.config.source import Position
from pynats_common.config.toml import parse_toml
from pynats_common.config.values import (
    ConfigError,
    Node,
    NodeMap,
    NodeValue,
    Plain,
    Scalar,
    kind_of,
    plain,
)

__all__ = [
    "ConfigError",
    "Document",
    "Node",
    "NodeMap",
    "NodeValue",
    "Plain",
    "Position",
    "Scalar",
    "config_digest",
    "kind_of",
    "parse",
    "parse_toml",
    "plain",
    "read_document",
]
