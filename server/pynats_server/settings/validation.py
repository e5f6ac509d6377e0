"""Rules between settings, checked after file and command line were read."""

from __future__ import annotations

import os
import re
from itertools import chain

from pynats_common.commandline.suggest import did_you_mean
from pynats_common.go.durations import format_duration_s

from pynats_server.options import GLOBAL_ACCOUNT, SYSTEM_ACCOUNT, Options, User
from pynats_server.settings.blocks.auth_callout import (
    fault_of_auth_callout,
    warnings_of_auth_callout,
)
from pynats_server.settings.blocks.authorization import duplicate, fault_of_user
from pynats_server.settings.blocks.monitoring import fault_of_http_auth
from pynats_server.settings.blocks.oidc import fault_of_oidc
from pynats_server.settings.blocks.proxies import fault_of_proxies
from pynats_server.settings.operators import settle_operators
from pynats_server.settings.texts import is_text, split_host_port

LARGE_PAYLOAD = 8 * 1024 * 1024  # bytes; above it there is a warning
FILE_NAME_MAX = 255  # bytes
_BCRYPT = ("$2a$", "$2b$", "$2x$", "$2y$")


def validate(options: Options) -> None:
    """Raises `ValueError` if a server cannot run with `options`. It begins with the place of the
    key in the file, where it has one. Operators name the system account, if nobody else does."""
    if options.lame_duck_grace_period >= options.lame_duck_duration > 0:
        grace = format_duration_s(options.lame_duck_grace_period)
        raise _wrong(
            options,
            "lame_duck_grace_period lame_duck_duration",
            f"lame duck grace period ({grace}) should be strictly lower than "
            f"lame duck duration ({format_duration_s(options.lame_duck_duration)})",
        )
    if options.max_payload > options.max_pending:
        raise _wrong(
            options,
            "max_payload max_pending",
            f"max_payload ({options.max_payload}) cannot be higher than "
            f"max_pending ({options.max_pending})",
        )
    if " " in options.server_name:
        raise _wrong(options, "server_name", "server name cannot contain spaces")
    _validate_names(options)
    _validate_ports(options)
    _validate_monitoring(options)
    settle_operators(options)
    _validate_no_auth_user(options)
    _validate_users(options)
    _validate_deciders(options)
    _validate_accounts(options)
    _validate_jetstream_domain(options)


def validate_start(options: Options) -> None:
    """Raises `ValueError` for what the real server's check of a file passes, but no start."""
    tls = options.tls
    if tls is not None and tls.checks_revocation and not tls.requires_certificates:
        raise ValueError(
            "OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled"
        )


def _wrong(options: Options, keys: str, message: str) -> ValueError:
    """The complaint, at the place of the first of the `keys` that the file has."""
    places = [options.places[key] for key in keys.split() if key in options.places]
    return ValueError(f"{places[0]}: {message}" if places else message)


def _validate_names(options: Options) -> None:
    """Checks the texts that INFO shows, from command line or file."""
    for key in ("server_name", "client_advertise", "host"):
        if not is_text(getattr(options, key)):
            raise _wrong(options, key, f"{key} is not valid UTF-8")
    advertise = options.client_advertise
    if ":" in advertise:
        split = split_host_port(advertise)
        # int() would also accept other scripts' digits, and underscores.
        if split is None or not re.fullmatch(r"[+-]?[0-9]{1,18}|", split[1]):
            raise _wrong(
                options,
                "client_advertise",
                f'client_advertise must be a host or host:port, got "{advertise}"',
            )


def _validate_jetstream_domain(options: Options) -> None:
    domain = options.jetstream.domain
    if any(char in domain for char in ".*>"):
        raise _wrong(options, "jetstream", "invalid domain name: may not contain ., * or >")
    if any(char in domain for char in " \t\r\n\f"):
        raise _wrong(
            options,
            "jetstream",
            f'invalid domain name: derived "$JS.{domain}.API.>" is not a valid subject',
        )


def _validate_ports(options: Options) -> None:
    for name in ("port", "http_port", "https_port"):
        value = getattr(options, name)
        if not -1 <= value <= 65535:
            raise _wrong(options, name, f"{name} must be a port between -1 and 65535, got {value}")


def _validate_monitoring(options: Options) -> None:
    fault = fault_of_http_auth(options.http_auth) if options.http_auth is not None else ""
    if fault:
        raise _wrong(options, "http_auth", fault)
    if options.metrics.max_series < 0:
        raise _wrong(options, "metrics", "max_series value can not be negative")


def _validate_no_auth_user(options: Options) -> None:
    name = options.no_auth_user
    if not name:
        return
    users = [user for _, user in options.all_users()]
    if not users:
        raise _wrong(
            options,
            "no_auth_user",
            f'no_auth_user: "{name}" present, but users/nkeys are not defined',
        )
    if all(user.name != name for user in users):
        raise _wrong(
            options,
            "no_auth_user",
            f'no_auth_user: "{name}" not present as user or nkey in authorization block '
            "or account configuration",
        )


def _validate_users(options: Options) -> None:
    known: dict[str, User] = {}
    for _, user in options.all_users():
        if fault := fault_of_user(user):
            raise _wrong(options, "accounts authorization", fault)
        if user.name in known:
            raise _wrong(options, "accounts authorization", duplicate(user, known[user.name]))
        known[user.name] = user
    if fault := fault_of_proxies(options.proxies):
        raise _wrong(options, "proxies", fault)


def _validate_deciders(options: Options) -> None:
    if fault := fault_of_auth_callout(options) or fault_of_oidc(options):
        raise _wrong(options, "authorization", fault)


def _validate_accounts(options: Options) -> None:
    if GLOBAL_ACCOUNT in options.accounts:
        raise _wrong(options, "accounts", f'"{GLOBAL_ACCOUNT}" is a Reserved Account')
    name = options.system_account_name
    if name == GLOBAL_ACCOUNT:
        raise _wrong(
            options,
            "system_account",
            f'the global account "{name}" can not be the system account',
        )
    known = name in options.accounts or options.operator.enabled  # by its JWT, at the start
    if options.system_account and name != SYSTEM_ACCOUNT and not known:
        similar = did_you_mean(name, options.accounts)
        raise _wrong(
            options,
            "system_account",
            f'error resolving system account: "{name}" is not among the accounts{similar}',
        )
    if options.jetstream.enabled:
        _validate_streams_of_accounts(options)


def _validate_streams_of_accounts(options: Options) -> None:
    for name, account in options.accounts.items():
        if account.jetstream is None:
            continue
        if name == options.system_account_name:
            raise _wrong(options, "accounts", "jetstream can not be enabled on the system account")
        if not _is_folder_name(name):
            raise _wrong(
                options, "accounts", f'the streams of account "{name}" need a folder of that name'
            )


def _is_folder_name(name: str) -> bool:
    # Names with a leading dot belong to the store, such as `.snap-staging`.
    good = name and not name.startswith(".") and not any(char in name for char in "/\0")
    return bool(good) and len(os.fsencode(name)) <= FILE_NAME_MAX


def startup_warnings(options: Options) -> list[str]:
    """Warnings for the log when a server starts with `options`."""
    warnings: list[str] = []
    auth = options.authorization
    secrets = [auth.password, auth.token]
    if options.http_auth is not None:
        secrets += [options.http_auth.password, options.http_auth.token]
    secrets = [each for each in secrets if each]
    # A user without a password counts: everybody can be it. Unless only certificates can.
    mapped = options.tls is not None and options.tls.verify_and_map
    users = (
        user.password
        for _, user in options.all_users()
        if not user.nkey and (user.password or not mapped)
    )
    if any(not secret.startswith(_BCRYPT) for secret in chain(secrets, users)):
        warnings.append("Plaintext passwords detected, use nkeys or bcrypt")
    warnings += warnings_of_auth_callout(options)
    if options.max_payload > LARGE_PAYLOAD:
        warnings.append(
            "Maximum payloads over 8.00 MB are generally discouraged "
            "and could lead to poor performance"
        )
    cache = options.ocsp_cache
    if cache is not None and cache.type == "local" and cache.local_store is not None:
        warnings.append(
            "ocsp_cache: answers of authorities are kept in memory only, local_store is not used"
        )
    return warnings
