"""`pynk`: the options of `nk` in the original spelling.

The original takes single-dash options and prints everything, fatal errors included, to standard
output with exit status 1; so does this. Typer has no single-dash long options, hence argparse.
"""

from __future__ import annotations

import argparse
import sys
from io import FileIO
from typing import TYPE_CHECKING, NoReturn

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.program.running import run_program
from pynats_common.program.version import version_line

if TYPE_CHECKING:
    from pynats_common.nkeys import KeyPair

_SIGNED_MAX = 1024 * 1024 * 1024  # bytes of a file that is signed
KINDS = ("user", "account", "server", "cluster", "operator", "curve", "x25519")
EPILOG = """examples:
  pynk -gen user -pubout                    seed, then public key
  pynk -gen account -pre CAFE               seed and key beginning with ACAFE
  pynk -sign data -inkey seed.nk > data.sig
  pynk -verify data -sigfile data.sig -pubin key.pub
"""


class NkError(Exception):
    """The error and what to do, in one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        words = message.removeprefix("unrecognized arguments: ").split()
        if message.startswith("unrecognized") and words[0].startswith("-"):
            message = f"unknown flag {words[0]}{did_you_mean(words[0], self.flags(), '')}"
        raise NkError(f"{message}: see pynk --help")

    def flags(self) -> list[str]:
        """Every flag with one dash."""
        return [name for name in self._option_string_actions if not name.startswith("--")]


def parser() -> argparse.ArgumentParser:
    """Reads the command line; has every option and its help."""
    made = _Parser(
        prog="pynk",
        description="Generate NKeys, sign and verify with them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("-v", "--v", "-version", "--version", dest="version", action="store_true",
        help="show the version")  # fmt: skip
    add("-gen", "--gen", metavar="TYPE", help=f"generate a key: {', '.join(KINDS)}")
    add("-sign", "--sign", metavar="FILE", help="sign FILE with -inkey")
    add("-verify", "--verify", metavar="FILE", help="verify FILE with -inkey or -pubin")
    add("-inkey", "--inkey", metavar="FILE", help="file with a seed")
    add("-pubin", "--pubin", metavar="FILE", help="file with a public key")
    add("-sigfile", "--sigfile", metavar="FILE", help="file with the signature")
    add("-pubout", "--pubout", action="store_true", help="print the public key too")
    add("-e", "--e", dest="entropy", metavar="FILE", help="entropy source, such as /dev/urandom")
    add("-pre", "--pre", metavar="TEXT", help="letters that shall follow the key's first one")
    add("-maxpre", "--maxpre", metavar="N", type=int, default=10_000_000,
        help="tries for -pre (default 10000000)")  # fmt: skip
    return made


def main(argv: list[str] | None = None) -> int:
    """Run with these arguments; exit status 0 or 1."""
    try:
        for line in run(parser().parse_args(argv)):
            print(line)
    except NkError as error:
        print(error)
        return 1
    return 0


def run(options: argparse.Namespace) -> list[str]:
    """Output lines for these options. Raises NkError."""
    if options.version:
        return [version_line("pynk")]
    if options.entropy and not options.gen:
        raise NkError("entropy can only be used when generating keys: add -gen")
    if options.gen:
        return _generate(options)
    if options.sign:
        return [_sign(options)]
    if options.verify:
        return [_verify(options)]
    if options.inkey and options.pubout:
        return [_read_seed(options.inkey).public_key]
    raise NkError(
        "nothing to do: use -gen, -sign, -verify, or -inkey with -pubout: see pynk --help"
    )


def _generate(options: argparse.Namespace) -> list[str]:
    from pynats_common.nkeys import NkeyError, Prefix, create_pair

    kind = options.gen.lower()
    if kind not in KINDS:
        raise NkError(f"unknown key type {options.gen!r}: must be one of {', '.join(KINDS)}")
    prefix = Prefix.CURVE if kind in ("curve", "x25519") else Prefix[kind.upper()]
    try:
        if options.pre:
            if options.entropy:
                raise NkError("-pre and -e exclude each other")
            pair = _vanity(prefix, options.pre, options.maxpre)
        elif options.entropy:
            with _open_entropy(options.entropy) as source:
                pair = create_pair(prefix, source.read)
        else:
            pair = create_pair(prefix)
    except NkeyError as error:
        raise NkError(str(error)) from None
    lines = [pair.seed]
    if options.pubout or options.pre:
        lines.append(pair.public_key)
    return lines


def _open_entropy(name: str) -> FileIO:
    try:
        return FileIO(name)
    except OSError as error:
        raise NkError(f"cannot read entropy from {name}: {error.strerror}") from None


def _vanity(prefix: int, text: str, tries_max: int) -> KeyPair:
    from pynats_common.nkeys import Prefix, find_vanity_pair

    if tries_max < 1:
        raise NkError("-maxpre must be 1 or more")

    def show(tries: int) -> None:
        if sys.stderr.isatty():
            print(f"\rtried {tries:,} keys", end="", file=sys.stderr, flush=True)

    pair = find_vanity_pair(Prefix(prefix), text, tries_max, on_progress=show)
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    if pair is None:
        raise NkError(f"no key found in {tries_max:,} tries: shorten -pre or raise -maxpre")
    return pair


def _sign(options: argparse.Namespace) -> str:
    from pynats_common.nkeys import NkeyError
    from pynats_common.nkeys.texts import encode_signature

    if not options.inkey:
        raise NkError("sign requires a seed: add -inkey FILE")
    try:
        signature = _read_seed(options.inkey).sign(_read_bytes(options.sign))
    except NkeyError as error:
        raise NkError(str(error)) from None
    return encode_signature(signature)


def _verify(options: argparse.Namespace) -> str:
    from pynats_common.nkeys import NkeyError
    from pynats_common.nkeys.texts import decode_signature

    if not (options.inkey or options.pubin):
        raise NkError("verify requires a key: add -inkey FILE or -pubin FILE")
    if not options.sigfile:
        raise NkError("verify requires a signature: add -sigfile FILE")
    pair = _read_seed(options.inkey) if options.inkey else _read_public(options.pubin)
    try:
        signature = decode_signature(_read_bytes(options.sigfile))
    except NkeyError:
        raise NkError(f"{options.sigfile} holds no base64 signature") from None
    try:
        pair.verify(_read_bytes(options.verify), signature)
    except NkeyError as error:
        raise NkError(str(error)) from None
    return "Verified OK"


def _read_bytes(name: str, most: int = _SIGNED_MAX) -> bytes:
    from pynats_common.files import read_whole

    try:
        return read_whole(name, most)
    except OSError as error:
        raise NkError(f"cannot read {name}: {error.strerror}") from None


def _read_seed(name: str) -> KeyPair:
    pair = _read_key(name)
    if not pair.has_seed:
        raise NkError(f"-inkey takes a seed, and {name} has a public key: use -pubin")
    return pair


def _read_public(name: str) -> KeyPair:
    pair = _read_key(name)
    if pair.has_seed:
        # Whoever gives a seed away for a public key shall hear of it.
        raise NkError(f"-pubin takes a public key, and {name} has a seed: use -inkey")
    return pair


def _read_key(name: str) -> KeyPair:
    """The first line that is a key; comments and other lines are skipped."""
    from pynats_common.creds import decode_text
    from pynats_common.files import SECRET_MAX
    from pynats_common.nkeys.texts import key_in_text

    pair = key_in_text(decode_text(_read_bytes(name, SECRET_MAX)))
    if pair is None:
        raise NkError(
            f"no nkey found in {name}: expected a seed or public key on a line of its own"
        )
    return pair


if __name__ == "__main__":
    run_program("pynk", lambda: main)
