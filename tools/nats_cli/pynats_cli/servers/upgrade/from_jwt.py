"""Facts of JWTs: of creds files, of files with one JWT, and of all in nsc's store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pynats_common.creds import decode_text
from pynats_common.files import read_whole
from pynats_common.go.errno import error_text
from pynats_common.jwt import AccountClaims, Issue, JwtError, decode, validate
from pynats_common.jwt.opening import open_token
from pynats_common.jwt.record import load_object

from pynats_cli.errors import CliError
from pynats_cli.servers.upgrade.facts import Grant, Share, Source

_JWT = re.compile(r"eyJ[\w\-]+\.[\w\-]+\.[\w\-]+={0,2}")


def sources_of_store(folder: str) -> list[Source]:
    """One for each JWT below a folder. Raises CliError if there are none."""
    files = sorted(Path(folder).rglob("*.jwt"))
    if not files:
        raise CliError(f"{folder} has no JWTs")
    return [source_of_jwt(str(file)) for file in files]


def source_of_jwt(file: str) -> Source:
    """Of the first JWT in a file; a seed in it is not looked at. Raises CliError."""
    try:
        text = decode_text(read_whole(file))
    except OSError as error:
        raise CliError(f"open {file}: {error_text(error)}") from None
    found = _JWT.search(text)
    if found is None:
        raise CliError(f"{file} holds no JWT")
    try:
        claims = decode(found[0])
        body = load_object(open_token(found[0]).payload, "claims")
    except JwtError as error:
        raise CliError(f"{file}: {error}") from None
    source = Source(file)
    who = f"{claims.claim_type} {claims.name or claims.sub}"
    nats = body.get("nats") or {}
    source.grants += _grants(file, who, nats)
    source.grants += _grants(file, f"{who} default permissions", nats.get("default_permissions"))
    for key in nats.get("signing_keys") or ():
        if isinstance(key, dict):
            role = f"{who} role {key.get('role') or key.get('key', '')}"
            source.grants += _grants(file, role, key.get("template"))
    source.shares += _shares(file, who, nats)
    if isinstance(claims, AccountClaims):
        issues = validate(claims)
        source.problems += [
            (file, f"{who}: {issue.description}") for issue in issues if _is_map(issue)
        ]
    return source


def _is_map(issue: Issue) -> bool:
    return issue.blocking and "mapping" in issue.description.lower()


def _grants(file: str, who: str, body: Any) -> Iterator[Grant]:
    if not isinstance(body, dict):
        return
    for key, verb in (("pub", "publish"), ("sub", "subscribe")):
        lists = body.get(key) or {}
        for name in ("allow", "deny"):
            subjects = tuple(
                str(each).split()[0] for each in lists.get(name) or () if str(each).split()
            )
            if subjects:
                yield Grant(file, who, verb, subjects, denies=name == "deny")


def _shares(file: str, who: str, body: dict[str, Any]) -> Iterator[Share]:
    for key, what in (("exports", "export"), ("imports", "import")):
        for item in body.get(key) or ():
            for name in ("subject", "local_subject", "to"):
                if item.get(name):
                    yield Share(file, f"{what} of {who}", str(item[name]))
    for subject in body.get("mappings") or ():
        yield Share(file, f"mapping of {who}", str(subject))
