"""Compiled modules. Everything else about the build is in pyproject.toml.

Every .pyx below ROOTS is one module, found anew each time: nothing here names modules or folders
of the packages, apart from the packages that run without checks in a release. They are built on
Linux only, because the broker needs epoll; elsewhere the same sources make a wheel of Python code
for the command line tools (docs/ARCHITECTURE.md).

PYNATS_DEBUG=1     Cython's checks (`CHECKED` below), the data plane's own invariants and
                   allocation counters (`BROKER_DEBUG`), debug information
PYNATS_SANITIZE=1  the address and undefined-behaviour sanitizers (`make sanitize`)
CFLAGS, LDFLAGS    what they say of -O, -g and -W wins over what is said here
"""

import os
import shutil
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

ROOTS = [Path("common"), Path("server"), Path("bench")]
PLANTED = Path("tests/support/planted.pyx")  # faults that the sanitized build must find
DEBUG = os.environ.get("PYNATS_DEBUG") == "1"
SANITIZE = os.environ.get("PYNATS_SANITIZE") == "1"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"] if SANITIZE else []
C_FOLDER = Path("build/cython-debug" if DEBUG else "build/cython")
LINUX = sysconfig.get_platform().startswith("linux")  # of the target: _PYTHON_HOST_PLATFORM counts
MANY = 8
RPATHS = ("-Wl,-rpath", "-Wl,-R", "-Wl,--rpath")


def flags() -> tuple[list[str], list[str]]:
    """Flags for the C compiler and for the linker."""
    if DEBUG or SANITIZE:
        return ["-O1", "-g", *SANITIZERS], SANITIZERS
    asked = os.environ.get("CFLAGS", "").split()

    def unless_asked(option: str, *ours: str) -> list[str]:
        return [] if any(flag.startswith(option) for flag in asked) else list(ours)

    compiler = [
        *unless_asked("-O", "-O3"),
        # Python hands on its own -g: five times the size, and of use to nobody without the C code.
        *unless_asked("-g", "-g0"),
        # Warnings about generated code tell a user nothing; CFLAGS=-Wall shows them.
        *unless_asked("-W", "-w"),
        "-fno-plt",
    ]
    return compiler, unless_asked("-g", "-Wl,--strip-all")


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
    "show_performance_hints": False,  # what pays is decided in HOT
}
RELEASE = {**CHECKED, "initializedcheck": False, "nonecheck": False}
UNCHECKED = {**RELEASE, "boundscheck": False}
# What runs for every message goes without checks of indices in a release.
HOT = (
    "pynats_server.core",
    "pynats_server.jetstream.publish",
    "pynats_server.jetstream.requests",
    "pynats_server.jetstream.store.adopting",
    "pynats_server.jetstream.store.block",
    "pynats_server.jetstream.store.expiry",
    "pynats_server.jetstream.store.file.syncing.syncthread",
    "pynats_common.s2",
    "pynats_server.jetstream.store.format.subjectlist",
    "pynats_server.jetstream.store.retention",
    "pynats_server.jetstream.store.search.column",
    "pynats_server.jetstream.store.search.mask",
    "pynats_server.jetstream.store.search.newest",
    "pynats_server.jetstream.store.search.seeker",
    "pynats_server.jetstream.store.search.tally",
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


def extensions() -> list[Extension]:
    """One extension per module."""
    compiler, linker = flags()
    return [
        Extension(
            module,
            [str(source)],
            extra_compile_args=compiler,
            extra_link_args=linker,
            define_macros=[("BROKER_DEBUG", "1")] if DEBUG else [],
        )
        for module, source in sources()
    ]


def sources() -> Iterator[tuple[str, Path]]:
    """(module, .pyx): all below the source roots, named by their import paths."""
    for root in ROOTS:
        found = sorted(root.rglob("*.pyx"))
        refuse_incomplete(root, found)
        for source in found:
            yield ".".join(source.relative_to(root).with_suffix("").parts), source
    if SANITIZE:
        yield "planted", PLANTED


def refuse_incomplete(root: Path, sources: list[Path]) -> None:
    """A distribution without its compiled modules would install, and fail at the first start."""
    known = {source.with_suffix("") for source in sources}
    declared = {stub.with_suffix("") for stub in root.rglob("*.pyi")}
    missing = [
        f"{module}.pyx"
        for module in sorted(declared - known)
        if not module.with_suffix(".py").exists()
    ]
    if not sources:
        missing = [f"every .pyx below {root}/"]
    if missing:
        raise SystemExit(f"error: these sources are incomplete, missing: {', '.join(missing)}")


class Build(build):
    """Without what an earlier build has left in its folder: all that is there gets into a wheel,
    also what has gone from the sources since."""

    def run(self) -> None:
        made = set()
        if self.distribution.has_ext_modules():  # it sees itself which of them are out of date
            made = {Path(path) for path in self.get_finalized_command("build_ext").get_outputs()}
        for path in Path(self.build_lib).rglob("*"):
            if path not in made and (path.is_symlink() or not path.is_dir()):
                path.unlink()
        super().run()


class BuildModules(build_ext):
    """Translates and compiles each module once, on all cores, and says so."""

    def finalize_options(self) -> None:
        self.parallel = self.parallel or len(os.sched_getaffinity(0))
        super().finalize_options()
        if self.editable_mode:
            # Where `build_ext --inplace` keeps its results, so that nothing is compiled twice.
            usual = build(self.distribution)
            usual.ensure_finalized()
            self.build_lib, self.build_temp = usual.build_platlib, usual.build_temp

    def build_extensions(self) -> None:
        started = time.monotonic()
        anew = drop_other_recipes()
        built = Path(self.build_temp, "recipe")
        if built.exists() and built.read_text() != recipe():
            # Of the debug build, say: they are younger than the C of this one.
            self.force = anew = True
            built.write_text("")  # until all are done
        if waiting := len(self.extensions) if anew else self.out_of_date():
            patience = "; it takes a minute or two" if waiting > MANY else ""
            say(f"compiled modules to build: {waiting}, on {self.parallel} cores{patience}")
        self.forget_folders()
        try:
            self.translate()
            translated = time.monotonic()
            if not waiting and (waiting := self.out_of_date()):
                say(f"compiled modules to build: {waiting}, because what they include has changed")
            # The largest first: one that starts last keeps one core busy and the others waiting.
            self.extensions.sort(key=lambda module: -Path(module.sources[0]).stat().st_size)
            super().build_extensions()
        except Exception as problem:
            raise SystemExit(
                f"error: a compiled module could not be built: {problem}\nNeeded are a C compiler "
                "(gcc or clang) and Python's header files (python3-dev, python3-devel)."
            ) from problem
        built.parent.mkdir(parents=True, exist_ok=True)
        built.write_text(recipe())
        if waiting:
            finished = time.monotonic()
            say(f"built in {finished - started:.0f} s, Cython {translated - started:.0f} s of them")

    def forget_folders(self) -> None:
        """Python hands on how it was linked itself: where libraries are on the machine that built
        it, which says nothing on others, where somebody else may write there."""
        asked = os.environ.get("LDFLAGS", "").split()
        words: list[str] = self.compiler.linker_so
        kept = [word for word in words if word in asked or not word.startswith(RPATHS)]
        self.compiler.set_executables(linker_so=kept)

    def out_of_date(self) -> int:
        """Modules that are missing or older than their source, which is C after translating."""
        return sum(
            newer_group(
                [*module.sources, *module.depends], self.get_ext_fullpath(module.name), "newer"
            )
            for module in self.extensions
        )

    def translate(self) -> None:
        """Makes C of what changed."""
        from Cython.Build import cythonize

        groups: dict[tuple[tuple[str, bool], ...], list[Extension]] = {}
        for module in self.extensions:
            groups.setdefault(tuple(directives(module.name).items()), []).append(module)
        for chosen, group in groups.items():
            translated = cythonize(
                group,
                language_level=3,
                build_dir=str(C_FOLDER),
                include_path=[str(root) for root in ROOTS],
                nthreads=self.parallel,
                quiet=True,
                compiler_directives=dict(chosen),
            )
            for ours, theirs in zip(group, translated, strict=True):
                assert ours.name == theirs.name
                ours.sources, ours.depends = theirs.sources, theirs.depends
                ours.include_dirs = theirs.include_dirs


def recipe() -> str:
    """How C and modules are made. Headers count, because they are copied beside the C, where one
    that has moved would be found."""
    from Cython import __version__

    headers = sorted(str(path) for root in ROOTS for path in root.rglob("*.h"))
    return repr((__version__, CHECKED, RELEASE, UNCHECKED, HOT, UNLOCKED, flags(), headers))


def drop_other_recipes() -> bool:
    """Whether C was made in another way, and is made anew: Cython compares ages of files only."""
    today, kept = recipe(), C_FOLDER / "recipe"
    if kept.exists() and kept.read_text() == today:
        return False
    shutil.rmtree(C_FOLDER, ignore_errors=True)
    C_FOLDER.mkdir(parents=True)
    kept.write_text(today)
    return True


class ToolsWheel(bdist_wheel):
    """The wheel of Python code for systems without epoll.

    Its tag names the system: under `any` it would also be installed on a Linux for which there is
    no wheel, and be a broker that does not start.
    """

    def finalize_options(self) -> None:
        self.plat_name = self.plat_name or sysconfig.get_platform()
        super().finalize_options()


def say(line: str) -> None:
    """A line for whoever waits."""
    print(f"pynats: {line}", flush=True)


if __name__ == "__main__":  # Cython's workers may import this file once more
    modules = extensions()
    setup(
        ext_modules=modules if LINUX else [],
        cmdclass={
            "build": Build,
            **({"build_ext": BuildModules} if LINUX else {"bdist_wheel": ToolsWheel}),
        },
    )
