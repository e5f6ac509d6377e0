"""Imports what `auth` needs and warms its caches: tests fork, a run then takes milliseconds."""

from __future__ import annotations

import nacl.bindings  # noqa: F401
import typer.main  # noqa: F401
from pynats_cli.commands.auth import GROUP
from pynats_common import jwt
from pynats_common.commandline.tree import Command, every
from pynats_common.nkeys import Prefix, create_pair

for _, node in every(GROUP):
    if isinstance(node, Command):
        node.options()
_operator, _account = create_pair(Prefix.OPERATOR), create_pair(Prefix.ACCOUNT)
jwt.decode(jwt.encode(jwt.OperatorClaims(sub=_operator.public_key), _operator))
jwt.decode(jwt.encode(jwt.new_account(_account.public_key), _operator))
jwt.decode(jwt.encode(jwt.new_user(create_pair(Prefix.USER).public_key), _account))
