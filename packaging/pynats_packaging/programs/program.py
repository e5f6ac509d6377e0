"""What manual pages and completions say of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Takes = Literal["", "text", "file", "folder"]

_FILES = ("file",)
_FOLDERS = ("dir", "folder")


@dataclass(frozen=True)
class Flag:
    """One flag: its names with their dashes, what stands for its value ("" for a switch), what it
    is for, and the only values it takes, if they are known."""

    names: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()

    @property
    def takes(self) -> Takes:
        """What its value is."""
        kind = self.value.strip("<>").lower()
        if kind in _FILES:
            return "file"
        if kind in _FOLDERS:
            return "folder"
        return "text" if kind else ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """Its names with one dash and with two: all our programs know both, those of one letter
        apart."""
        found = dict.fromkeys(self.names)
        for name in self.names:
            if len(bare := name.lstrip("-")) > 1:
                found |= dict.fromkeys((f"-{bare}", f"--{bare}"))
        return tuple(found)

    @property
    def shown(self) -> str:
        """`-c, --config <file>`."""
        names = ", ".join(self.names)
        return f"{names} {self.value}" if self.value else names


@dataclass(frozen=True)
class Section:
    """A section of a manual page: text, or terms and what they are."""

    title: str
    text: str = ""
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Program:
    """A program. `flags` stand under headings. `commands` are words that may come first, and the
    words that each may be followed by; `command_flags` are the flags behind them."""

    name: str
    section: int
    summary: str
    synopsis: tuple[str, ...]
    description: str
    flags: dict[str, tuple[Flag, ...]]
    commands: dict[str, tuple[str, ...]]
    command_flags: tuple[Flag, ...]
    more: tuple[Section, ...]
    examples: tuple[str, ...]
    see_also: tuple[tuple[str, int], ...]

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """The flags of all headings."""
        return tuple(flag for flags in self.flags.values() for flag in flags)


def sentence(text: str) -> str:
    """With a capital, as explanations begin."""
    return text[:1].upper() + text[1:]
