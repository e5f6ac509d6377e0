"""Errors of the JetStream API as they are raised; their table is `pynats_common.api_errors`."""

from __future__ import annotations

from typing import Any

from pynats_common.api_errors import ERRORS


class ApiError(Exception):
    """Why an API request or a publish was refused; the reply's `error` object."""

    def __init__(self, err_code: int, code: int, description: str) -> None:
        super().__init__(description)
        self.err_code = err_code
        self.code = code
        self.description = description

    def as_dict(self) -> dict[str, Any]:
        """`{"code", "err_code", "description"}`."""
        return {"code": self.code, "err_code": self.err_code, "description": self.description}


def api_error(err_code: int, **values: object) -> ApiError:
    """The error of that code, its placeholders filled. Raises KeyError for unknown codes or
    missing values: both are mistakes of the caller."""
    code, text = ERRORS[err_code]
    return ApiError(err_code, code, text.format(**values) if values else text)
