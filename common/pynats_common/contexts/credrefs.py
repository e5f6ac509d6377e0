"""References to secrets: paths, `file://`, `env://`, `data:;base64,`, `op://` and `nsc://`.

A context file or a flag says where a secret lives; this module fetches it when it is needed.
Nothing here puts a secret, or the output of a helper program, into an error message.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pynats_common.files import SECRET_MAX, read_whole

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_HELPER_TIMEOUT_S = 60
SCHEMES = ("file", "env", "data", "op", "nsc")


class CredentialError(ValueError):
    """A secret that cannot be fetched; the message names the reference, never the secret."""


@dataclass(frozen=True)
class NscProfile:
    """What `nsc generate profile` says about a user: creds file and server list."""

    creds_path: str
    servers: str


def scheme_of(reference: str) -> str:
    """Lower-case scheme, or "" for a plain path or value (drive letters are not schemes)."""
    match = _SCHEME.match(reference)
    name = match[1].lower() if match else ""
    return name if name in SCHEMES or reference[len(name) : len(name) + 3] == "://" else ""


def expand_path(text: str) -> str:
    """The path with `$NAME`, `${NAME}` (empty if unset) and a leading `~` expanded."""
    expanded = _VARIABLE.sub(lambda m: os.environ.get(m[1] or m[2] or "", ""), text)
    return str(Path(expanded).expanduser()) if expanded.startswith("~") else expanded


def file_path(reference: str) -> str:
    """Path of a plain or `file://` reference. Raises CredentialError for other schemes."""
    scheme = scheme_of(reference)
    if scheme not in ("", "file"):
        raise CredentialError(f'scheme "{scheme}" is not supported here, only files are')
    return expand_path(reference[7:] if scheme == "file" else reference)


def read_reference(reference: str) -> bytes:
    """The bytes that a reference names; plain text is a path."""
    scheme = scheme_of(reference)
    if scheme in ("", "file"):
        path = file_path(reference)
        try:
            return read_whole(path, SECRET_MAX)
        except OSError as error:
            raise CredentialError(f"cannot read {path}: {error.strerror}") from None
    fetch = {"env": _from_environment, "data": _from_data, "op": _from_op, "nsc": _from_nsc}
    if scheme not in fetch:
        raise CredentialError(f'unknown credential scheme "{scheme}"')
    return fetch[scheme](reference)


def read_literal(value: str) -> str:
    """The value itself, or the secret it names if it starts with a known scheme."""
    if scheme_of(value) not in SCHEMES:
        return value
    try:
        return read_reference(value).decode().strip()
    except UnicodeDecodeError:
        raise CredentialError("the secret is not text") from None


def embed(reference: str) -> str:
    """The content of a file reference as `data:;base64,…`; other schemes stay unchanged."""
    if not reference or scheme_of(reference) not in ("", "file"):
        return reference
    return "data:;base64," + base64.b64encode(read_reference(reference)).decode()


def nsc_profile(reference: str) -> NscProfile:
    """Asks `nsc`, or `pynsc` where only that is installed, for the profile of
    `nsc://Operator/Account/User`."""
    path = reference[6:] if scheme_of(reference) == "nsc" else reference
    program = "pynsc" if not shutil.which("nsc") and shutil.which("pynsc") else "nsc"
    output = _run([program, "generate", "profile", f"nsc://{path}"])
    try:
        profile = json.loads(output)
        creds = profile.get("user_creds", "")
        servers = ",".join(profile.get("operator", {}).get("service", []))
    except (ValueError, AttributeError, TypeError):
        raise CredentialError("could not parse nsc output") from None
    return NscProfile(creds, servers)


def _from_environment(reference: str) -> bytes:
    name = reference[len("env://") :]
    value = os.environ.get(name, "")
    if not value:
        raise CredentialError(f'environment variable "{name}" is not set or empty')
    return value.encode()


def _from_data(reference: str) -> bytes:
    header, comma, payload = reference[len("data:") :].partition(",")
    if not comma or "base64" not in (part.strip() for part in header.split(";")):
        raise CredentialError("data: reference must be of the form data:;base64,<payload>")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error:
        raise CredentialError("data: reference has invalid base64") from None


def _from_op(reference: str) -> bytes:
    return _run(["op", "read", "op://" + reference[len("op://") :]])


def _from_nsc(reference: str) -> bytes:
    profile = nsc_profile(reference)
    if not profile.creds_path:
        raise CredentialError("nsc output did not include user_creds")
    return read_reference(profile.creds_path)


def _run(command: list[str]) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_HELPER_TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise CredentialError(f"cannot find '{command[0]}' in PATH") from None
    except subprocess.TimeoutExpired:
        raise CredentialError(f"'{command[0]}' did not answer in time") from None
    if done.returncode != 0:
        raise CredentialError(f"'{command[0]}' failed with exit code {done.returncode}")
    return done.stdout
