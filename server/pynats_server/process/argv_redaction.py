"""Taking secrets out of the command line of the running process, as `ps` shows it."""

from __future__ import annotations

import os
import re
import sys

from pynats_server.clients.trace import MASK, redact_url

_SECRET = re.compile(r"--?(user|pass|auth)(=.*)?", re.DOTALL)
_URL = re.compile(r"--?(routes|cluster|cluster_listen)(=.*)?", re.DOTALL)


def redact_args(args: list[str]) -> list[str]:
    """A copy of `args` with user, password, token and credentials in URLs masked."""
    masked = list(args)
    for index, arg in enumerate(args):
        for shape, mask in ((_SECRET, _mask), (_URL, _mask_urls)):
            if not shape.fullmatch(arg):
                continue
            name, equals, value = arg.partition("=")
            if equals:
                masked[index] = f"{name}={mask(value)}"
            elif index + 1 < len(args):
                masked[index + 1] = mask(args[index + 1])
    return masked


def _mask(value: str) -> str:
    return MASK


def _mask_urls(value: str) -> str:
    return ",".join(map(redact_url, value.split(",")))


def redact_process_title() -> bool:
    """Mask secrets in `sys.argv` and, on Linux, in what other processes see.

    The kernel shows the memory where the arguments were put at the start; it is overwritten in
    place. Returns whether that worked (elsewhere, or under a strict security policy, it cannot).
    """
    sys.argv[:] = redact_args(sys.argv)
    sys.orig_argv[:] = redact_args(sys.orig_argv)
    try:
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123 - kernel files, plain bytes
            # The program's name, in parentheses, may hold spaces; fields count after it.
            fields = stat.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:  # noqa: PTH123
            memory.seek(start)
            old = memory.read(end - start)
            words = [os.fsdecode(word) for word in old.rstrip(b"\0").split(b"\0")]
            new = b"\0".join(os.fsencode(word) for word in redact_args(words))
            if new == old.rstrip(b"\0"):
                return True
            memory.seek(start)
            memory.write(new[: len(old) - 1].ljust(len(old), b"\0"))
    except (OSError, ValueError, IndexError):
        return False
    return True
