"""Options that a program wrote itself: every field is of its type, and what accounts share is
possible, or an error names it. What a configuration file says is checked where it is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from pynats_common.subjects import is_valid_publish_subject, is_valid_subject

from pynats_server.options import WHOLE, AccountOptions, MappingTarget, Options
from pynats_server.settings.blocks.mappings import fault_of_targets

# How msgspec names the place and the types of a value that does not fit.
_PLACE = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")


def checked(options: Options) -> Options:
    """A copy of `options`, paths given as strings made `Path`. Raises `ValueError`, which names the
    field, for a value of another type than the field's, and for one that accounts cannot share."""
    try:
        plain = msgspec.to_builtins(options, enc_hook=_plain_of)
        made = msgspec.convert(plain, Options, dec_hook=_path_of)
    except (TypeError, msgspec.ValidationError) as error:
        text = str(error)
        place = _PLACE.search(text)
        field = place["path"].replace("[...]", "") if place else "options"
        problem = text[: place.start()] if place else text
        problem = problem.replace("`null`", "None").replace("`object`", "an object")
        raise ValueError(f"{field}: {problem[:1].lower()}{problem[1:]}".replace("`", "")) from None
    faults = [*_of_mappings("mappings", made.mappings)]
    for name, account in made.accounts.items():
        faults += _of_account(f"accounts[{name!r}]", account)
    if faults:
        raise ValueError("; ".join(faults))
    return made


def _of_mappings(place: str, mappings: dict[str, list[MappingTarget]]) -> Iterator[str]:
    for subject, targets in mappings.items():
        if not is_valid_subject(subject):
            yield f"{place}[{subject!r}]: it is no subject"
        elif fault := fault_of_targets(subject, targets):
            yield f"{place}[{subject!r}]: {fault}"


def _of_account(place: str, account: AccountOptions) -> Iterator[str]:
    yield from _of_mappings(f"{place}.mappings", account.mappings)
    for service in account.service_exports:
        latency = service.latency
        if latency is not None and not 0 <= latency.sampling <= WHOLE:
            yield f"{place}.service_exports[{service.subject!r}].latency: sampling is not 0 to 100"
    for stream in account.stream_imports:
        if stream.prefix and stream.to:
            yield f"{place}.stream_imports[{stream.subject!r}]: both prefix and to"
    trace = account.msg_trace
    if trace is not None and not is_valid_publish_subject(trace.dest):
        yield f"{place}.msg_trace.dest: {trace.dest!r} is no subject to publish to"
    if trace is not None and not 1 <= trace.sampling <= WHOLE:
        yield f"{place}.msg_trace.sampling: it is not 1 to 100"


def _plain_of(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return {}  # no option's value: `convert` refuses it and knows the field


def _path_of(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"Expected `path`, got `{type(value).__name__}`")  # msgspec adds the field
