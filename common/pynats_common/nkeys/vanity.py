"""Search for a key whose public text begins with chosen letters.

The search compares leading bits of the raw key instead of encoding each candidate. The letter
after the kind shares three bits with the prefix byte, so it can only be A, B, C or D.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

from nacl import bindings

from pynats_common.nkeys.codec import PUBLIC_CHARS, PUBLIC_PREFIXES, Prefix
from pynats_common.nkeys.errors import InvalidPrefixError, NkeyError
from pynats_common.nkeys.keypair import KeyPair
from pynats_common.nkeys.make import from_seed

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BATCH = 20_000
# The last three characters are the checksum; a search for ten would already take too long.
VANITY_CHARS_MAX = PUBLIC_CHARS - 6


def check_vanity(text: str) -> str:
    """Upper-case `text`; raises NkeyError when no key can ever begin with it."""
    text = text.upper()
    if not text or len(text) > VANITY_CHARS_MAX or any(c not in _ALPHABET for c in text):
        raise NkeyError("vanity text must be base32 letters: A-Z and 2-7")
    if text[0] not in "ABCD":
        raise NkeyError("vanity text must begin with A, B, C or D: no key has another letter there")
    return text


def _wanted_bits(text: str) -> tuple[int, int]:
    """Value and number of the leading bits of the raw 32 bytes that `text` fixes."""
    value = 0
    for letter in text:
        value = value << 5 | _ALPHABET.index(letter)
    return value, len(text) * 5 - 3


def _search_batch(prefix: int, value: int, bits: int, tries: int) -> str | None:
    """Seed text of the first hit among `tries` fresh keys (runs in a worker process)."""
    from pynats_common.nkeys.codec import encode_seed

    head_bytes = (bits + 7) // 8
    shift = head_bytes * 8 - bits
    curve = prefix == Prefix.CURVE
    for _ in range(tries):
        raw = secrets.token_bytes(32)
        public = (
            bindings.crypto_scalarmult_base(raw)
            if curve
            else bindings.crypto_sign_seed_keypair(raw)[0]
        )
        if int.from_bytes(public[:head_bytes], "big") >> shift == value:
            return encode_seed(Prefix(prefix), raw)
    return None


def find_vanity_pair(
    prefix: Prefix,
    text: str,
    tries_max: int = 10_000_000,
    workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> KeyPair | None:
    """Pair whose public key has `text` right after its first letter, or None after `tries_max`.

    Uses every CPU unless `workers` says otherwise; `on_progress(tries)` is called per batch.
    """
    if prefix not in PUBLIC_PREFIXES:
        raise InvalidPrefixError("invalid prefix byte: no keys of this kind")
    value, bits = _wanted_bits(check_vanity(text))
    # Short texts are found before a worker process has started.
    first = min(tries_max, _BATCH)
    seed = _search_batch(prefix, value, bits, first)
    if seed is None and tries_max > first:
        seed = _search_parallel((prefix, value, bits), tries_max - first, workers, on_progress)
    return from_seed(seed) if seed is not None else None


def _search_parallel(
    target: tuple[int, int, int],
    tries_max: int,
    workers: int | None,
    on_progress: Callable[[int], None] | None,
) -> str | None:
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

    count = workers or os.cpu_count() or 1
    tries = 0
    pending: set[Future[str | None]] = set()
    with ProcessPoolExecutor(count) as pool:
        while tries < tries_max or pending:
            while tries < tries_max and len(pending) < 2 * count:
                batch = min(_BATCH, tries_max - tries)
                pending.add(pool.submit(_search_batch, *target, batch))
                tries += batch
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                seed = future.result()
                if seed is not None:
                    pool.shutdown(wait=False, cancel_futures=True)
                    return seed
            if on_progress is not None:
                on_progress(tries)
    return None
