"""Output for users: log lines on stderr, message bodies and data on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pynats_common.commandline.untrusted import (
    harmless_bytes,
    harmless_screen,
)
from pynats_common.go.quoting import quote
from pynats_common.go.text import bytes_of
from pynats_common.program.running import OutputError

from pynats_cli.screen.visible import laid_out, visible

if TYPE_CHECKING:
    from pynats_cli.flags import Shown


def log(text: str) -> None:
    """One line on stderr that starts with the local time, like `nats` logs. No colours: the words
    may be a server's."""
    print(f"{time.strftime('%H:%M:%S')} {visible(text.rstrip())}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """One line on stderr."""
    print(laid_out(text), file=sys.stderr, flush=True)


def write(data: str | bytes) -> None:
    """Text or bytes on stdout, flushed so that a pipe sees each message at once. On a terminal
    texts cannot steer it but may have our colours; bytes are never touched: see `write_body`."""
    if isinstance(data, str) and sys.stdout.isatty():
        data = harmless_screen(data)
    try:
        sys.stdout.flush()
        stream = sys.stdout.buffer
        stream.write(bytes_of(data) if isinstance(data, str) else data)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.errno, error.strerror) from None


def write_body(data: bytes) -> None:
    """What a stranger wrote, on stdout: as it is, but harmless on a terminal."""
    write(harmless_bytes(data) if sys.stdout.isatty() else data)


def foreign_line(text: str) -> None:
    """One line on stdout with words of a stranger, who has no colours."""
    write_body(bytes_of(text) + b"\n")


def line(text: str = "") -> None:
    """One line on stdout."""
    write(laid_out(text) + "\n")


def screen(text: str) -> None:
    """A screen of our own on stdout, which may have colours, and a line end."""
    write(bytes_of(harmless_screen(text) if sys.stdout.isatty() else text) + b"\n")


def show(options: Shown, data: Any, text: Callable[[], str]) -> None:
    """Shows data in the form that was asked for; `text` makes the one for people.

    `data` is what `--json` prints: the shapes of the API, one document.
    """
    if options.form == "table":
        shown = text()
        if shown:
            screen(shown.rstrip("\n"))
        return
    from pynats_cli.screen.forms import encoded

    write(encoded(options.form, data))


def body(data: bytes, translate: str = "", subject: str = "", stream: str = "") -> None:
    """A message body and a blank line."""
    shown = compact_body(data, translate, subject, stream)
    if shown is not None:
        write("\n" if shown.endswith(b"\n") else "\n\n")


def raw_body(data: bytes, translate: str = "", subject: str = "", exact: bool = False) -> None:
    """A body on lines of its own, and nothing else: an empty one is an empty line. Its bytes are
    not touched, on a terminal neither; `exact` adds no line end."""
    if exact and not translate:
        write(data)
    elif data or translate:
        _body(data, translate, subject, "", write)
    else:
        line()


def compact_body(
    data: bytes, translate: str = "", subject: str = "", stream: str = ""
) -> bytes | None:
    """Writes a body on separate lines and returns the shown text; None after an error."""
    return _body(data, translate, subject, stream, write_body)


def _body(
    data: bytes, translate: str, subject: str, stream: str, put: Callable[[bytes], None]
) -> bytes | None:
    if not data and not translate:
        line("nil body")
        return b""
    if translate:
        from pynats_cli.screen.translate import TranslateError, translate_body

        try:
            data = translate_body(data, translate, subject, stream)
        except TranslateError as error:
            line(f"{quote(error.output)}\nError while translating msg body: {error}\n")
            return None
    put(data if data.endswith(b"\n") else data + b"\n")
    return data
