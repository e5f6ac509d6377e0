"""Subjects: tokens separated by dots, with `*` for one token and `>` for the rest.

Plain and slow on purpose: the command line tools use it, and tests use it as the oracle that
compiled matchers are compared with.
"""

from __future__ import annotations

import re

_WHITE = (" ", "\t", "\n", "\r", "\f", "\x00")
_LIST_SEPARATORS = re.compile(r"[,\s]+")


def tokens(subject: str) -> list[str]:
    """Tokens of a subject; empty tokens are kept, so `a..b` gives `["a", "", "b"]`."""
    return subject.split(".")


def is_valid_subject(subject: str) -> bool:
    """True when clients may subscribe to it: no empty token, no white space, `>` only at the
    end."""
    parts = tokens(subject)
    last = len(parts) - 1
    for index, part in enumerate(parts):
        if not part or any(char in part for char in _WHITE):
            return False
        if part == ">" and index != last:
            return False
    return True


def is_valid_publish_subject(subject: str) -> bool:
    """True when clients may publish to it: a valid subject without wildcard tokens."""
    return is_valid_subject(subject) and not has_wildcard(subject)


def inbox_prefix_error(prefix: str) -> str:
    """Why no inbox can begin with this, "" when they can."""
    if not is_valid_subject(prefix):
        return "it must be a subject, without blanks and empty tokens"
    # The client libraries refuse these letters everywhere, not only as whole tokens.
    return "it cannot have wildcards" if "*" in prefix or ">" in prefix else ""


def has_wildcard(subject: str) -> bool:
    """True when a whole token is `*` or `>`; `a*b` is an ordinary token."""
    return any(part in ("*", ">") for part in tokens(subject))


def subject_matches(pattern: str, subject: str) -> bool:
    """True when a subscription to `pattern` receives messages to the literal `subject`."""
    wanted, given = tokens(pattern), tokens(subject)
    for index, want in enumerate(wanted):
        if want == ">" and index == len(wanted) - 1:
            return len(given) > index
        if index >= len(given) or want not in ("*", given[index]):
            return False
    return len(wanted) == len(given)


def subjects_overlap(first: str, second: str) -> bool:
    """True when some literal subject matches both patterns."""
    left, right = tokens(first), tokens(second)
    for a, b in zip(left, right, strict=False):
        if a == ">" or b == ">":
            return True
        if a != b and "*" not in (a, b):
            return False
    return len(left) == len(right)


def split_subjects(values: list[str]) -> list[str]:
    """Subjects of repeated command line values, each a list separated by commas or spaces."""
    return [part for value in values for part in _LIST_SEPARATORS.split(value) if part]
