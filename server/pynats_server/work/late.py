"""Modules that are loaded when they are first needed, and not on the loop."""

from __future__ import annotations

import asyncio
import importlib
from types import ModuleType


class Late:
    """A module whose import takes too long for the loop: a thread does it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading: asyncio.Future[ModuleType] | None = None

    @property
    def is_there(self) -> bool:
        """Whether it may be imported on the loop."""
        loading = self._loading
        return (
            loading is not None
            and loading.done()
            and not loading.cancelled()
            and loading.exception() is None
        )

    def load(self) -> asyncio.Future[ModuleType]:
        """Done when it is there. Idempotent; what has failed is tried again."""
        loading = self._loading
        if loading is None or (loading.done() and not self.is_there):
            work = asyncio.to_thread(importlib.import_module, self._name)
            loading = self._loading = asyncio.get_running_loop().create_task(work)
        return loading
