"""What the rules for stream configurations share: how they refuse, names, subjects, transforms."""

from __future__ import annotations

import re
from typing import Final

from pynats_server.core import subject
from pynats_server.jetstream.errors import ApiError, api_error
from pynats_server.subjects.transform import SubjectTransform, TransformError

NAME_MAX: Final = 255  # bytes
DESCRIPTION_MAX: Final = 4 * 1024  # bytes
_BAD_IN_NAMES: Final = re.compile(r"[ \t\r\n\f.*>\\/]")


def invalid_config(reason: str) -> ApiError:
    """Error 10052, whose text is the reason alone."""
    return api_error(10052, err=reason)


def pedantic_error(reason: str) -> ApiError:
    """Error 10157: the request leaves something to the server."""
    return api_error(10157, err=reason)


def is_asset_name(name: str) -> bool:
    """Whether this can be the name of a stream or consumer; the length is checked elsewhere."""
    return bool(name) and not _BAD_IN_NAMES.search(name)


def is_subject(text: str) -> bool:
    """A valid subject, wildcards allowed."""
    return subject.is_valid(text.encode())


def is_literal_subject(text: str) -> bool:
    """A valid subject without wildcards."""
    return subject.is_valid(text.encode()) and subject.is_literal(text.encode())


def subjects_collide(first: str, second: str) -> bool:
    """Whether some subject matches both, or they are the same, valid or not."""
    return first == second or subject.overlaps(first.encode(), second.encode())


def covers(pattern: str, narrower: str) -> bool:
    """Whether `pattern` matches whatever `narrower` matches."""
    return subject.covers(pattern.encode(), narrower.encode())


def check_transform(src: str, dest: str, source_code: int, code: int) -> None:
    """Raises ApiError `source_code` for a bad source and `code` for a bad destination."""
    try:
        SubjectTransform.compile(src, dest)
    except TransformError as error:
        raise api_error(source_code if error.in_source else code, err=str(error)) from None
