"""The line between `Out:` and `Connections Polled:`: empty, a question, or words for a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pynats_cli.screen.visible import visible
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from pynats_top.screen.widgets.line import LineWidget
from pynats_top.screen.widgets.paint import Parts, strip

SHOWN_S = 1.0
_LONGEST = 200


@dataclass
class Question:
    """What is asked: which one, the words before the answer, and what may be answered."""

    kind: str
    label: str
    answers: Sequence[str] = ()
    text: str = ""


class Prompt(LineWidget):
    """Takes every key while it asks."""

    @dataclass
    class Typed(Message):
        """The answer as it stands."""

        question: Question

    @dataclass
    class Entered(Message):
        """Enter was pressed."""

        question: Question

    @dataclass
    class Left(Message):
        """Escape was pressed."""

        question: Question

    def __init__(self) -> None:
        super().__init__()
        self.question: Question | None = None
        self._words = self._idle = ""
        self._until: Timer | None = None

    def ask(self, question: Question) -> None:
        self._forget_words()
        self.question = question
        self.refresh()

    def say(self, words: str) -> None:
        """Shows words for a second."""
        self._forget_words()
        self._words = words
        self._until = self.set_timer(SHOWN_S, self._forget_words)
        self.refresh()

    def show_idle(self, words: str) -> None:
        """What stands here while nothing is asked or said."""
        if words != self._idle:
            self._idle = words
            self.refresh()

    def _forget_words(self) -> None:
        if self._until is not None:
            self._until.stop()
        self._words, self._until = "", None
        self.refresh()

    def line(self, width: int) -> Strip:
        look = self.look
        asked = self.question
        parts: Parts = ((self._idle, look.bad),)
        if self._words:
            parts = ((self._words, look.warn),)
        elif asked is not None:
            parts = ((asked.label, look.strong), (visible(asked.text), look.text),
                     (" ", look.cursor), (self._hint(asked), look.dim))  # fmt: skip
        return strip(parts, width, look.text)

    @staticmethod
    def _hint(asked: Question) -> str:
        found = [answer for answer in asked.answers if answer.startswith(asked.text)]
        return f" {' '.join(found)}" if found != [asked.text] else ""

    def take(self, event: events.Key) -> bool:
        """Whether something is asked: the key is part of the answer then."""
        asked = self.question
        if asked is None:
            return False
        if event.key in ("enter", "escape"):
            self.question = None
            self.post_message(self.Entered(asked) if event.key == "enter" else self.Left(asked))
        elif event.key == "backspace":
            self._change(asked, asked.text[:-1])
        elif event.key == "ctrl+u":
            self._change(asked, "")
        elif event.key == "tab":
            found = [answer for answer in asked.answers if answer.startswith(asked.text)]
            self._change(asked, found[0] if found else asked.text)
        elif event.is_printable and event.character:
            self._change(asked, asked.text + event.character)
        self.refresh()
        return True

    def paste(self, text: str) -> None:
        """The first line of what was pasted is typed."""
        if self.question is not None:
            first = text.splitlines()[0] if text else ""
            self._change(self.question, self.question.text + first)
            self.refresh()

    def _change(self, asked: Question, text: str) -> None:
        text = text[:_LONGEST]
        if text != asked.text:
            asked.text = text
            self.post_message(self.Typed(asked))
