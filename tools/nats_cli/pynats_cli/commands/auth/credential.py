"""`auth user credential`: a file with a user's JWT and seed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from pynats_common import jwt
from pynats_common.accounts_store.files import write_output
from pynats_common.accounts_store.store import Store, load_token
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import DURATION
from pynats_common.creds import encode_creds
from pynats_common.records import dataclass

from pynats_cli.commands.auth.options import OperatorOption
from pynats_cli.errors import CliError
from pynats_cli.flags import Force
from pynats_cli.global_options import GlobalOptions
from pynats_cli.identities.book import Book, store_errors
from pynats_cli.identities.pickers import named_account, pick_user
from pynats_cli.screen.output import line

_NS = 1_000_000_000


@dataclass(kw_only=True)
class CredentialOptions(Force, OperatorOption):
    file: Annotated[str, arg("File to write")]
    name: Annotated[str, arg("User to write credentials of")] = ""
    account: Annotated[str, arg("Account of the user")] = ""
    expire: Annotated[
        int | None, opt("--expire", help="Time until the credentials expire", kind=DURATION)
    ] = None


def credential(_: GlobalOptions, options: CredentialOptions) -> None:
    with store_errors():
        refuse_overwrite(options.file, options.force)
        book, store, account = named_account(options)
        name = pick_user(store, account, options.name)
        write_credential(book, store, account, name, Path(options.file), options.expire or 0)
    line(f"Wrote credential for {name} to {options.file}")


def refuse_overwrite(file: str, force: bool) -> None:
    """Raises CliError when the file exists, unless that is wanted."""
    if file and not force and Path(file).exists():
        raise CliError(f"file {file} already exist")


def write_credential(
    book: Book, store: Store, account: str, name: str, path: Path, expire_ns: int = 0
) -> None:
    """Writes the credentials of a user; with a time they are a copy that expires."""
    claims = store.user(account, name)
    pair = book.keyring.stored(claims.sub)
    if pair is None:
        raise CliError(f"the key of user {name} is not stored")
    token = load_token(store.user_path(account, name))
    if expire_ns < 0:
        raise CliError("--expire: cannot be negative")
    if expire_ns:
        signer = book.keyring.stored(claims.iss)
        if signer is None:
            raise CliError(f"the key {claims.iss} that signed user {name} is not stored")
        claims.exp = int(time.time()) + max(1, expire_ns // _NS)
        token = jwt.encode(claims, signer)
    write_output(path, encode_creds(token, pair))
