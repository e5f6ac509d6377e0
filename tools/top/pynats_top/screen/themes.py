"""The looks: colours of each theme, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

from rich.style import Style
from textual.theme import Theme


@dataclass(frozen=True)
class Look:
    """How each kind of text is drawn in one theme."""

    name: str
    background: str
    text: Style
    strong: Style
    label: Style
    header: Style
    sorted: Style
    cursor: Style
    dim: Style
    good: Style
    warn: Style
    bad: Style
    key: Style
    bar: Style
    tab: Style
    dark: bool = True

    def theme(self) -> Theme:
        """The same for Textual, which draws the empty ground."""
        color = self.text.color.name if self.text.color else "#ffffff"
        return Theme(
            name=self.name, primary=color, foreground=color, background=self.background,
            surface=self.background, panel=self.background, dark=self.dark,
        )  # fmt: skip


class Themed(Protocol):
    """The app, as far as widgets ask it for its look."""

    look: Look

    def next_look(self) -> None:
        """The theme after this one."""


def _look(name: str, ground: str, text: str, accent: str, dim: str, good: str, warn: str, bad: str,
          raised: str, chosen: str, dark: bool = True) -> Look:  # fmt: skip
    return Look(
        name, ground,
        text=Style.parse(f"{text} on {ground}"),
        strong=Style.parse(f"bold {text} on {ground}"),
        label=Style.parse(f"{dim} on {ground}"),
        header=Style.parse(f"bold {ground} on {accent}"),
        sorted=Style.parse(f"bold underline {ground} on {accent}"),
        cursor=Style.parse(f"{text} on {chosen}"),
        dim=Style.parse(f"{dim} on {ground}"),
        good=Style.parse(f"{good} on {ground}"),
        warn=Style.parse(f"bold {warn} on {ground}"),
        bad=Style.parse(f"bold {bad} on {ground}"),
        key=Style.parse(f"bold {accent} on {raised}"),
        bar=Style.parse(f"{text} on {raised}"),
        tab=Style.parse(f"bold {ground} on {accent}"),
        dark=dark,
    )  # fmt: skip


DARK = _look("dark", "#101418", "#d7dde3", "#5fafd7", "#8a96a3", "#87d787", "#ffaf5f", "#ff6b6b",
             "#232a31", "#2f4a5f")  # fmt: skip
LIGHT = _look("light", "#ffffff", "#1c1c1c", "#005f87", "#5f6b73", "#00662f", "#8a4b00", "#b00020",
              "#e4e8eb", "#c6dcea", dark=False)  # fmt: skip
CONTRAST = _look("contrast", "#000000", "#ffffff", "#ffff00", "#ffffff", "#00ff00", "#ffff00",
                 "#ff8080", "#000000", "#0000c0")  # fmt: skip
_BOLD, _TURNED, _NONE = Style(bold=True), Style(reverse=True), Style()
# For NO_COLOR: attributes only.
PLAIN = Look("plain", "#000000", text=_NONE, strong=_BOLD, label=_NONE, header=_TURNED,
             sorted=Style(reverse=True, underline=True), cursor=Style(bold=True, underline=True),
             dim=_NONE, good=_NONE, warn=_BOLD, bad=_BOLD, key=_BOLD, bar=_NONE,
             tab=_TURNED)  # fmt: skip


def looks() -> tuple[Look, ...]:
    """What can be chosen here; the first is shown first. One without colours alone where NO_COLOR
    is set."""
    if os.environ.get("NO_COLOR"):
        return (PLAIN,)
    return (LIGHT, DARK, CONTRAST) if _is_light() else (DARK, LIGHT, CONTRAST)


def _is_light() -> bool:
    """Whether the terminal says that its ground is white: `15;0` is white on black."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
