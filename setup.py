"""Compiled modules. Everything else about the build is in pyproject.toml.

Set PYNATS_DEBUG=1 for a build with Cython's checks of indices and of unset memory views on, and
PYNATS_SANITIZE=1 for one with the address and undefined-behaviour sanitizers (`make sanitize`).
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOTS = {
    "server": Path("server"),
    "bench": Path("bench"),
}
DEBUG = os.environ.get("PYNATS_DEBUG") == "1"
SANITIZE = os.environ.get("PYNATS_SANITIZE") == "1"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"] if SANITIZE else []


def extensions() -> list[Extension]:
    """One extension per .pyx below the source roots, named by its import path."""
    found = []
    for root in ROOTS.values():
        for source in sorted(root.rglob("*.pyx")):
            module = ".".join(source.relative_to(root).with_suffix("").parts)
            found.append(
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
            )
    return found


setup(
    ext_modules=cythonize(
        extensions(),
        language_level=3,
        # Directives are not among what makes cythonize translate anew.
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        include_path=[str(root) for root in ROOTS.values()],
        nthreads=0,
        compiler_directives={
            "embedsignature": True,
            "boundscheck": True,
            "wraparound": DEBUG,
            "initializedcheck": DEBUG,
            "profile": False,
        },
    ),
)
