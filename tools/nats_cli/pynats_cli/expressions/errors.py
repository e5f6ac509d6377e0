"""What is wrong with an expression, and where."""

from __future__ import annotations

from pynats_cli.errors import CliError


class ExpressionError(CliError):
    """`at` is the place in the text, counted from 0."""

    def __init__(self, text: str, at: int) -> None:
        super().__init__(f"invalid expression: {text} (1:{at + 1})")
        self.at = at
