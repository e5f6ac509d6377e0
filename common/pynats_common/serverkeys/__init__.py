"""What configuration files of a server may say, for tools that do not import the server.

`keys.json` is made from the tables that pynats-server reads files with (`make docs`), and
`elsewhere.toml` has what nats-server knows besides.
"""

from pynats_common.serverkeys.table import Block, Key, Keys, load_keys

__all__ = ["Block", "Key", "Keys", "load_keys"]
