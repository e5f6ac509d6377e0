"""What the log says about JetStream when it starts."""

from __future__ import annotations

from pynats_common.go.durations import format_duration_s

from pynats_server.jetstream.capacity import JetStreamLimits
from pynats_server.options import JetStreamOptions
from pynats_server.version import API_LEVEL

_CIPHERS = {"chacha": "ChaCha20-Poly1305", "aes": "AES-GCM"}
_RULE = "-------------------------------------------"


def human_size(size: int) -> str:
    """Bytes in units of 1024 with two digits, as the real server shows them."""
    if size < 1024:
        return f"{size} B"
    power = min((size.bit_length() - 1) // 10, 6)
    return f"{size / 1024**power:.2f} {' KMGTPE'[power]}B"


def banner_lines(options: JetStreamOptions, limits: JetStreamLimits) -> list[str]:
    """The lines in the order and wording of the real server, and one on durability."""
    lines = ["---------------- JETSTREAM ----------------"]
    if options.strict:
        lines.append("  Strict:          true")
    lines += [
        f"  Max Memory:      {human_size(limits.max_memory)}",
        f"  Max Storage:     {human_size(limits.max_file)}",
        f'  Store Directory: "{limits.store_dir / "jetstream"}"',
    ]
    if options.domain:
        lines.append(f"  Domain:          {options.domain}")
    if options.key:
        lines.append(f"  Encryption:      {_CIPHERS[options.cipher]}")
    lines += [
        f"  API Level:       {API_LEVEL}",
        f"  Durability:      {_durability(options)}",
        _RULE,
    ]
    return lines


def _durability(options: JetStreamOptions) -> str:
    if options.sync_interval <= 0:
        return "acknowledged after fsync (sync_interval always)"
    return f"acknowledged after write, fsync every {format_duration_s(options.sync_interval)}"
