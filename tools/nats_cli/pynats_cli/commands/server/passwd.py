"""`pynats server passwd`: passwords as the servers' configuration wants them, by bcrypt."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import Annotated

from pynats_common.commandline.declare import opt
from pynats_common.commandline.kinds import UNSIGNED

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.ask import ask
from pynats_cli.screen.output import line

_SHORTEST, _LONGEST = 10, 72  # bcrypt looks at no more bytes
_GENERATED = 22
_LETTERS = string.ascii_letters + string.digits + "-_%&#+^"


@dataclass(kw_only=True, repr=False)
class PasswdOptions:
    """Flags of `server passwd`."""

    password: Annotated[
        str, opt("--pass", "-p", env="PASSWORD", placeholder="TEXT", help="The password")
    ] = ""
    cost: Annotated[int, opt("--cost", "-c", kind=UNSIGNED, help="Cost of bcrypt, 4 to 31")] = 11
    generate: Annotated[bool, opt("--generate", "-g", help="Make a password")] = False


def passwd(options: GlobalOptions, chosen: PasswdOptions) -> None:
    """Encrypt a password for a server's configuration."""
    if not 4 <= chosen.cost <= 31:
        raise CliError("bcrypt cost should be between 4 and 31")
    made = chosen.generate and not chosen.password
    password = chosen.password or (_made() if made else _asked())
    _check(password)
    hashed = bcrypt_of(password, chosen.cost)
    if made:
        line(f"Generated password: {password}")
    line(f"       bcrypt hash: {hashed}" if chosen.generate else hashed)


def _made() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GENERATED))


def _asked() -> str:
    password = ask("Enter password", check=_check, missing="--pass", hidden=True)

    if ask("Re-enter password", hidden=True) != password:
        raise CliError("entered and re-entered passwords do not match")
    return password


def _check(password: str) -> None:
    if len(password) < _SHORTEST:
        raise CliError(f"password should be at least {_SHORTEST} characters long")
    if len(password.encode()) > _LONGEST:
        raise CliError(f"password should be at most {_LONGEST} bytes long")


def bcrypt_of(password: str, cost: int) -> str:
    """The hash, with the prefix that servers know."""
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost, prefix=b"2a")).decode()
