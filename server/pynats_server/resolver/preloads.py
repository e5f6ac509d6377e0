"""What is wrong with JWTs that a configuration has in itself. None of it keeps a server from
starting; but nobody can log in to such an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pynats_common.go.text import shortened
from pynats_common.jwt import JwtError, decode, validate
from pynats_common.jwt.validation import Level


def issues_of(preload: Mapping[str, str]) -> Iterator[str]:
    """Lines for the log. Takes a while where there are many."""
    for account, token in preload.items():
        try:
            issues = validate(decode(token))
        except JwtError:
            continue  # whoever reads the configuration has complained
        serious = [each.description for each in issues if each.level is not Level.WARNING]
        if serious:
            yield f"Account [{account}] has validation issues:"
            yield from (f"  - {shortened(text)}" for text in serious)
