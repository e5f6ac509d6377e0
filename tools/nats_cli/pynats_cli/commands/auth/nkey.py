"""`auth nkey`: keys alone: made, shown, and used to sign, verify, seal and open files."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated

from pynats_common.accounts_store.errors import StoreError
from pynats_common.accounts_store.files import write_output
from pynats_common.commandline.declare import arg, opt
from pynats_common.commandline.kinds import EXISTING_FILE, Choice
from pynats_common.creds import decode_text
from pynats_common.files import SECRET_MAX, TEXT_MAX, read_whole
from pynats_common.nkeys import KeyPair, NkeyError, Prefix, create_pair, is_valid_public
from pynats_common.nkeys.texts import decode_signature, encode_signature, key_in_text
from pynats_common.records import dataclass

from pynats_cli.errors import CliError
from pynats_cli.global_options import GlobalOptions
from pynats_cli.screen.output import line, write

_KINDS = {"user": Prefix.USER, "account": Prefix.ACCOUNT, "server": Prefix.SERVER,
          "cluster": Prefix.CLUSTER, "operator": Prefix.OPERATOR, "curve": Prefix.CURVE,
          "x25519": Prefix.CURVE}  # fmt: skip


@dataclass(kw_only=True)
class GenerateOptions:
    type: Annotated[str, arg("Kind of key", kind=Choice(*_KINDS))]
    public: Annotated[bool, opt("--public", help="Show the public key too")] = False
    entropy: Annotated[
        str, opt("--entropy", help="File to take chance from, such as /dev/urandom")
    ] = ""
    output: Annotated[str, opt("--output", help="File to write the key to")] = ""


def generate(_: GlobalOptions, options: GenerateOptions) -> None:
    try:
        pair = _new_pair(_KINDS[options.type], options.entropy)
    except NkeyError as error:
        raise CliError(f'could not create "{options.type}": {error}') from None
    text = pair.seed + (f"\n{pair.public_key}" if options.public else "") + "\n"
    _put(text, options.output)


def _new_pair(prefix: Prefix, entropy: str) -> KeyPair:
    if not entropy:
        return create_pair(prefix)
    try:
        with Path(entropy).open("rb", buffering=0) as source:
            return create_pair(prefix, lambda count: source.read(count) or b"")
    except OSError as error:
        raise CliError(f"cannot read entropy from {entropy}: {error.strerror}") from None


@dataclass(kw_only=True)
class ShowOptions:
    key: Annotated[str, arg("File with a key", kind=EXISTING_FILE)]


def show(_: GlobalOptions, options: ShowOptions) -> None:
    line(_key(options.key).public_key)


@dataclass(kw_only=True)
class SignOptions:
    file: Annotated[str, arg("File to sign", kind=EXISTING_FILE)]
    key: Annotated[str, arg("File with the key", kind=EXISTING_FILE)]


def sign(_: GlobalOptions, options: SignOptions) -> None:
    try:
        line(encode_signature(_key(options.key).sign(_read(options.file))))
    except NkeyError as error:
        raise CliError(str(error)) from None


@dataclass(kw_only=True)
class VerifyOptions:
    file: Annotated[str, arg("File that was signed", kind=EXISTING_FILE)]
    signature: Annotated[str, arg("File with the signature", kind=EXISTING_FILE)]
    key: Annotated[str, arg("File with the key, public or not", kind=EXISTING_FILE)]


def verify(_: GlobalOptions, options: VerifyOptions) -> None:
    try:
        signature = decode_signature(_read(options.signature))
        _key(options.key).verify(_read(options.file), signature)
    except NkeyError:
        raise CliError("signature verification failed") from None
    line("Verified OK")


@dataclass(kw_only=True)
class SealOptions:
    file: Annotated[str, arg("File to seal", kind=EXISTING_FILE)]
    key: Annotated[str, arg("File with the curve key of the sender", kind=EXISTING_FILE)]
    recipient: Annotated[str, arg("Public curve key of the recipient")]
    output: Annotated[str, opt("--output", help="File to write to")] = ""
    b64: Annotated[bool, opt("--b64/--no-b64", help="Write base64")] = True


def seal(_: GlobalOptions, options: SealOptions) -> None:
    _check_curve(options.recipient)
    try:
        sealed = _key(options.key).seal(_read(options.file), options.recipient)
    except NkeyError as error:
        raise CliError(str(error)) from None
    _put(base64.b64encode(sealed) if options.b64 else sealed, options.output)


@dataclass(kw_only=True)
class UnsealOptions:
    file: Annotated[str, arg("File to open", kind=EXISTING_FILE)]
    key: Annotated[str, arg("File with the curve key of the recipient", kind=EXISTING_FILE)]
    sender: Annotated[str, arg("Public curve key of the sender")]
    output: Annotated[str, opt("--output", help="File to write to")] = ""
    b64: Annotated[bool, opt("--b64/--no-b64", help="The file is base64")] = True


def unseal(_: GlobalOptions, options: UnsealOptions) -> None:
    _check_curve(options.sender)
    data = _read(options.file)
    try:
        sealed = base64.b64decode(data.strip(), validate=True) if options.b64 else data
        opened = _key(options.key).open(sealed, options.sender)
    except (binascii.Error, ValueError) as error:
        known = isinstance(error, NkeyError)
        raise CliError(str(error) if known else f"{options.file} is not base64") from None
    _put(opened, options.output)


def _check_curve(public: str) -> None:
    if not is_valid_public(public, Prefix.CURVE):
        raise CliError("invalid public key provided: a curve key begins with X")


def _put(data: str | bytes, file: str) -> None:
    """Writes to a file that only its owner can read, or to the standard output, where data that
    ends without a line's end gets one."""
    data = data.encode() if isinstance(data, str) else data
    if not file:
        write(data if data.endswith(b"\n") else data + b"\n")
        return
    try:
        write_output(Path(file), data)
    except StoreError as error:
        raise CliError(str(error)) from None


def _read(name: str, most: int = TEXT_MAX) -> bytes:
    try:
        return read_whole(name, most)
    except OSError as error:
        raise CliError(f"cannot read {name}: {error.strerror}") from None


def _key(name: str) -> KeyPair:
    pair = key_in_text(decode_text(_read(name, SECRET_MAX)))
    if pair is None:
        raise CliError(f"could not find a valid key in {name}")
    return pair
