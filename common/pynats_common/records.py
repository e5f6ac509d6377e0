"""Data classes that cost less when their module is loaded.

`dataclasses` writes the text of each method of each class and compiles it, which for the classes
of a server that starts is a tenth of the start. What compares, hashes and shows is the same
for all classes here; only `__init__` (and what freezes a class) is made by `dataclasses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    from operator import attrgetter
    from reprlib import recursive_repr

    def dataclass(cls=None, /, *, eq=True, repr=True, frozen=False, **how):
        """As `dataclasses.dataclass`, of which it makes one."""

        def make(cls):
            own = vars(cls)
            hashes = own.get("__hash__") is not None
            made = dataclasses.dataclass(cls, eq=False, repr=False, frozen=frozen, **how)
            if eq and "__eq__" not in own:
                made.__eq__ = _make_eq(made)
            if eq and not hashes:
                made.__hash__ = _make_hash(made) if frozen else None
            if repr and "__repr__" not in own:
                made.__repr__ = _repr
            return made

        return make if cls is None else make(cls)

    def _getter(names):
        """All these attributes as a tuple."""
        if len(names) > 1:
            return attrgetter(*names)
        return lambda it: tuple([getattr(it, name) for name in names])

    def _make_eq(cls):
        values = None

        def __eq__(self, other):
            nonlocal values
            if other.__class__ is not self.__class__:
                return NotImplemented
            if values is None:
                values = _getter([field.name for field in dataclasses.fields(cls) if field.compare])
            return values(self) == values(other)

        return __eq__

    def _make_hash(cls):
        values = None

        def __hash__(self):
            nonlocal values
            if values is None:
                values = _getter([
                    field.name for field in dataclasses.fields(cls)
                    if (field.compare if field.hash is None else field.hash)
                ])  # fmt: skip
            return hash(values(self))

        return __hash__

    @recursive_repr()
    def _repr(self):
        shown = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if field.repr
        ]
        return f"{self.__class__.__qualname__}({', '.join(shown)})"
