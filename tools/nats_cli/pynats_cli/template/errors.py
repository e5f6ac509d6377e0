"""Errors of templates."""

from __future__ import annotations


class TemplateError(ValueError):
    """A template that does not parse, or fails while it runs."""


class FunctionError(TemplateError):
    """A function got invalid arguments."""
