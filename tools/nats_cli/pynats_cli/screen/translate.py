"""`--translate COMMAND`: runs each message body through a program before it is shown."""

from __future__ import annotations

import subprocess

from pynats_cli.template.errors import TemplateError
from pynats_cli.template.words import command_words


class TranslateError(Exception):
    """The program could not be run or failed; `output` is what it printed."""

    def __init__(self, message: str, output: bytes = b"") -> None:
        super().__init__(message)
        self.output = output


def translate_body(data: bytes, command: str, subject: str, stream: str) -> bytes:
    """Output (both streams) of the command with `data` as its input.

    The command is a template with `{{Subject}}` and `{{Stream}}`. Raises TranslateError.
    """
    try:
        words = command_words(command, {"Subject": lambda: subject, "Stream": lambda: stream}, None)
    except (TemplateError, ValueError) as error:
        raise TranslateError(f"the filter command line could not be parsed: {error}") from None
    if not words:
        raise TranslateError("the filter command line is empty")
    try:
        done = subprocess.run(
            words, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    except OSError as error:
        raise TranslateError(f"cannot run {words[0]}: {error.strerror}") from None
    if done.returncode != 0:
        raise TranslateError(f"exit status {done.returncode}", done.stdout)
    return done.stdout
