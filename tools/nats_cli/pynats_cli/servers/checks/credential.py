"""A credentials file: whether it holds a user's token, and until when that is valid."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pynats_common import jwt
from pynats_common.creds import decode_text, extract_jwt
from pynats_common.files import SECRET_MAX, read_whole
from pynats_common.go.durations import SECOND_NS, human_duration_ns
from pynats_common.go.errno import error_text
from pynats_common.go.times import format_time_s

from pynats_cli.servers.checks.result import Result, go_time, seconds
from pynats_cli.servers.checks.thresholds import Thresholds

_FILE_BYTES_MAX = 1_000_000


@dataclass(kw_only=True)
class CredentialExpectation:
    """What is expected of the token. Durations in nanoseconds; None = not checked."""

    validity_warn: int | None = None
    validity_critical: int | None = None
    require_expiry: bool = True


def check_credential(
    path: Path, expected: CredentialExpectation, result: Result, now_s: float | None = None
) -> None:
    """Reads the file and judges its token. The seed in it is not read."""
    try:
        data = read_whole(path, SECRET_MAX)
    except OSError as error:
        result.critical(f"credential not accessible: stat {path}: {error_text(error)}")
        return
    try:
        claims = jwt.decode(extract_jwt(decode_text(data)))
    except (ValueError, jwt.JwtError) as error:
        result.critical(f"invalid credential: {error}")
        return
    judge_expiry(claims.exp, expected, result, time.time() if now_s is None else now_s)


def judge_expiry(
    expires_s: int, expected: CredentialExpectation, result: Result, now_s: float
) -> None:
    """Judges the end of validity, in seconds since 1970; 0 = none."""
    if not expires_s:
        if expected.require_expiry:
            result.critical("never expires")
        else:
            result.ok("never expires")
        return
    left_s = expires_s - int(now_s)
    result.measured(
        "expiry", left_s, "Expiry time in seconds",
        warning=seconds(expected.validity_warn), critical=seconds(expected.validity_critical),
        unit="s",
    )  # fmt: skip
    until = go_time(format_time_s(expires_s))
    wanted = Thresholds(expected.validity_warn, expected.validity_critical)
    left_ns = left_s * SECOND_NS
    if left_s <= 0:
        result.critical(f"expired {until}")
    elif wanted.critical is not None and left_ns <= wanted.critical:
        result.critical(f"expires sooner than {human_duration_ns(int(wanted.critical))}")
    elif wanted.warning is not None and left_ns <= wanted.warning:
        result.warn(f"expires sooner than {human_duration_ns(int(wanted.warning))}")
    else:
        result.ok(f"expires in {until}")
