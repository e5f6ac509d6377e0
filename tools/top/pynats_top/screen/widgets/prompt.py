"""The line between `Out:` and `Connections Polled:`: empty, a question, or words for a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from textual import events
from textual.strip import Strip
from textual.timer import Timer

from pynats_top.screen.widgets.line import LineWidget
from pynats_top.screen.widgets.paint import Parts, plain, strip

SHOWN_S = 1.0
_LONGEST = 200


@dataclass
class Question:
    """What is asked: which one, the words before the answer, and what may be answered."""

    kind: str
    label: str
    answers: Sequence[str] = ()
    text: str = ""


class Step(Enum):
    """What a key did to a question."""

    TYPED = auto()
    ENTERED = auto()
    LEFT = auto()


class Prompt(LineWidget):
    """Takes every key while it asks."""

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
            parts = ((asked.label, look.strong), (plain(asked.text), look.text),
                     (" ", look.cursor), (self._hint(asked), look.dim))  # fmt: skip
        return strip(parts, width, look.text)

    @staticmethod
    def _hint(asked: Question) -> str:
        found = [answer for answer in asked.answers if answer.startswith(asked.text)]
        return f" {' '.join(found)}" if found != [asked.text] else ""

    def take(self, event: events.Key) -> tuple[Step, Question] | None:
        """What the key, a part of the answer, has done; None where nothing is asked."""
        asked = self.question
        if asked is None:
            return None
        step = Step.TYPED
        if event.key in ("enter", "escape"):
            self.question = None
            step = Step.ENTERED if event.key == "enter" else Step.LEFT
        elif event.key == "backspace":
            asked.text = asked.text[:-1]
        elif event.key == "ctrl+u":
            asked.text = ""
        elif event.key == "tab":
            found = [answer for answer in asked.answers if answer.startswith(asked.text)]
            asked.text = found[0] if found else asked.text
        elif event.is_printable and event.character:
            self.paste(event.character)
        self.refresh()
        return step, asked

    def paste(self, text: str) -> None:
        """The first line of a text is typed."""
        if self.question is not None and text:
            self.question.text = (self.question.text + text.splitlines()[0])[:_LONGEST]
            self.refresh()
