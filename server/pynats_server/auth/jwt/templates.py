"""Permissions of a scoped signing key: templates, filled in with what the user and its account are
called (docs.nats.io/nats-concepts/security/jwt, "scoped signing keys").

`{{name()}}`, `{{subject()}}`, `{{account-name()}}`, `{{account-subject()}}`, `{{tag(x)}}` and
`{{account-tag(x)}}` may stand anywhere in a subject. A tag `x:value` may be there several times:
then there is a subject for each value, for each combination where several are asked for.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from pynats_server.auth.jwt.rules import RuleError, is_subject, is_subscription
from pynats_server.auth.jwt.tokens import Body, Permission

SUBJECTS_MAX: Final = 4096
"""In one list after its templates were filled in, as many as the real server allows."""
_PART = re.compile(r"\{\{([^{}]*)\}\}")
_TAG = re.compile(r"(account-)?tag\(\s*(.*?)\s*\)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Names:
    """What is filled in."""

    name: str
    subject: str
    tags: Sequence[str]
    account_name: str
    account_subject: str
    account_tags: Sequence[str]

    def values(self, operation: str) -> list[str]:
        """Those of `name()` and the like; none where there is no such tag. Raises RuleError."""
        asked = operation.strip().lower()
        simple = {
            "name()": self.name,
            "subject()": self.subject,
            "account-name()": self.account_name,
            "account-subject()": self.account_subject,
        }
        if asked in simple:
            return [simple[asked]]
        match = _TAG.match(asked)
        if match is None:
            raise RuleError(f"template operation {operation[:60]!r} is not defined")
        begins = f"{match[2]}:"
        tags = self.account_tags if match[1] else self.tags
        return [tag[len(begins) :] for tag in tags if tag.startswith(begins)]


def fill(template: Body, names: Names) -> Body:
    """The template with its subjects made. Raises RuleError."""
    return msgspec.structs.replace(
        template,
        pub=_permission(template.pub, names, is_subject),
        sub=_permission(template.sub, names, is_subscription),
    )


def _permission(source: Permission, names: Names, fits: Callable[[str], bool]) -> Permission:
    """What is allowed and cannot be made is left out; what is denied and cannot be made, refuses
    the user. Where nothing remains of what was allowed, nothing is."""
    allow = _made(source.allow, names, fits)
    deny = _made(source.deny, names, fits, required=True)
    if source.allow and not allow:
        deny.append(">")
    return Permission(allow, deny)


def _made(
    entries: list[str], names: Names, fits: Callable[[str], bool], required: bool = False
) -> list[str]:
    """The subjects of a list; with `required`, each template must make some, and all that it makes
    must be subjects. As in the real server, a template makes no subject with a queue."""
    found: list[str] = []
    for entry in entries:
        if "{{" not in entry:
            if fits(entry) or required:
                found.append(entry)  # what is wrong with it, `rules` will say
            continue
        parts = _PART.split(entry)  # text, operation, text, ...
        choices = [names.values(operation) for operation in parts[1::2]]
        if len(found) + math.prod(map(len, choices)) > SUBJECTS_MAX:
            raise RuleError(f"templates make more than {SUBJECTS_MAX} subjects")
        made = []
        for chosen in itertools.product(*choices):
            parts[1::2] = chosen
            made.append(("".join(parts), any(map(_is_wild, chosen))))
        # A name must not become a wildcard: who may choose names would choose what to hear.
        good = [subject for subject, wild in made if not wild and is_subject(subject)]
        if required and (not made or len(good) < len(made)):
            raise RuleError(f"the template {entry[:60]!r} makes no subject")
        found += good
    return found


def _is_wild(value: str) -> bool:
    return any(token in ("*", ">") for token in value.split(".")) or not value
