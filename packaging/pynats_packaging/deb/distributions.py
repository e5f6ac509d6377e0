"""What the environment in the package consists of: what the toolbox needs, as it is installed here.

So the versions that were tested are the versions that are shipped, and nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS = "pynats-toolbox"


class IncompleteError(Exception):
    """Something that is needed is not installed; the text says what."""


def needed(name: str = OURS) -> list[Distribution]:
    """What a distribution needs to run, in order of names, without itself."""
    found: dict[str, Distribution] = {}
    waiting = [(name, "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        asked = waiting.pop()
        if asked in seen:
            continue
        seen.add(asked)
        known, extra = asked
        try:
            found[known] = distribution(known)
        except PackageNotFoundError:
            raise IncompleteError(f"{known} is not installed: make setup") from None
        for line in found[known].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                other = str(canonicalize_name(requirement.name))
                waiting += [(other, each) for each in ("", *sorted(requirement.extras))]
    return [found[each] for each in sorted(found) if each != canonicalize_name(name)]


def files(installed: Distribution) -> Iterator[tuple[Path, str]]:
    """The files that it has in site-packages, with their names there: no commands, no byte code."""
    for file in installed.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            yield Path(str(file.locate())), str(file)


def licence(installed: Distribution) -> str:
    """What its metadata say of its licence."""
    said = installed.metadata

    def all_of(key: str) -> list[str]:
        return [each for each in said.get_all(key) or () if each.strip()]

    stated = [*all_of("License-Expression"), *all_of("License")]
    named = [
        each.rpartition(" :: ")[2]
        for each in all_of("Classifier")
        if each.startswith("License :: ")
    ]
    return stated[0].splitlines()[0] if stated else ", ".join(named) or "see below"


def licence_files(installed: Distribution) -> list[Path]:
    """Where its licence can be read."""
    return sorted(path for path, name in files(installed) if is_licence(name))


def is_licence(name: str) -> bool:
    """Whether a file of site-packages is the text of a licence."""
    folder, _, rest = name.partition("/")
    words = ("licen", "copying", "notice", "authors")
    return folder.endswith(".dist-info") and any(word in rest.lower() for word in words)
