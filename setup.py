"""Compiled modules. Everything else about the build is in pyproject.toml.

Set PYNATS_DEBUG=1 for a build with Cython's checks on (`CHECKED` below) and with the data plane's
own invariants and allocation counters (`BROKER_DEBUG`), and PYNATS_SANITIZE=1 for one with the
address and undefined-behaviour sanitizers (`make sanitize`).
"""

import os
from collections.abc import Iterator
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOTS = {
    "server": Path("server"),
    "bench": Path("bench"),
}
# Faults that the sanitized build must find.
PLANTED = Path("tests/support/planted.pyx")
DEBUG = os.environ.get("PYNATS_DEBUG") == "1"
SANITIZE = os.environ.get("PYNATS_SANITIZE") == "1"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"] if SANITIZE else []

# Cython's directives are given here and nowhere else: what a source file says of itself would win
# over the debug build (tests/unit/test_directives.py).
#
# A negative index is an error in every build instead of one from the end (`wraparound`), so that
# the debug build finds what the release build would read out of bounds. Overflow is not checked:
# hashes and random numbers overflow on purpose, and CPython's flags (-fwrapv) define what signed
# numbers do.
CHECKED = {
    "embedsignature": True,
    "boundscheck": True,
    "wraparound": False,
    "initializedcheck": True,
    "nonecheck": True,
    "cdivision": False,
}
RELEASE = {**CHECKED, "initializedcheck": False, "nonecheck": False}
UNCHECKED = {**RELEASE, "boundscheck": False}
# What runs for every message goes without checks of indices in a release.
HOT = (
    "pynats_server.core",
    "pynats_server.jetstream.publish",
    "pynats_server.jetstream.requests",
    "pynats_server.jetstream.store.block",
    "pynats_server.jetstream.store.expiry",
    "pynats_server.jetstream.store.file.syncthread",
    "pynats_server.jetstream.store.format.s2",
    "pynats_server.jetstream.store.format.subjectlist",
    "pynats_server.jetstream.store.retention",
    "pynats_server.jetstream.store.seqset",
    "pynats_server.jetstream.store.streamindex",
    "pynats_server.jetstream.store.subjects",
)


# Parts of these run without the interpreter lock, where Cython cannot check for None.
UNLOCKED = ("pynats_bench", "pynats_server.jetstream.store")


def within(module: str, names: tuple[str, ...]) -> bool:
    """Whether a module is one of those named or in a package that is."""
    return any(module == name or module.startswith(name + ".") for name in names)


def directives(module: str) -> dict[str, bool]:
    """The Cython directives of a module in this build."""
    if DEBUG:
        return {**CHECKED, "nonecheck": not within(module, UNLOCKED)}
    return UNCHECKED if within(module, HOT) else RELEASE


def sources() -> Iterator[tuple[str, Path]]:
    """(module, .pyx): all below the source roots, named by their import paths."""
    for root in ROOTS.values():
        for source in sorted(root.rglob("*.pyx")):
            yield ".".join(source.relative_to(root).with_suffix("").parts), source
    if SANITIZE:
        yield "planted", PLANTED


def extensions() -> list[Extension]:
    """One extension per module."""
    return [
        Extension(
            module,
            [str(source)],
            extra_compile_args=[
                *(["-O1", "-g"] if DEBUG or SANITIZE else ["-O3", "-fno-plt"]),
                *SANITIZERS,
            ],
            extra_link_args=SANITIZERS,
            define_macros=[("BROKER_DEBUG", "1")] if DEBUG else [],
        )
        for module, source in sources()
    ]


def translated() -> list[Extension]:
    """The extensions as C, each translated with its directives."""
    groups: dict[tuple[tuple[str, bool], ...], list[Extension]] = {}
    for extension in extensions():
        groups.setdefault(tuple(directives(extension.name).items()), []).append(extension)
    return [
        extension
        for chosen, group in groups.items()
        for extension in cythonize(
            group,
            language_level=3,
            # Directives are not among what makes cythonize translate anew.
            build_dir="build/cython-debug" if DEBUG else "build/cython",
            include_path=[str(root) for root in ROOTS.values()],
            nthreads=0,
            compiler_directives=dict(chosen),
        )
    ]


setup(ext_modules=translated())
