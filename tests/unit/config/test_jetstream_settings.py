"""JetStream in the configuration: typed values, rules of a reload, limits and start-up lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.jetstream.banner import banner_lines, human_size
from pynats_server.jetstream.capacity import JetStreamLimits
from pynats_server.options import JetStreamOptions, Options
from pynats_server.settings import SettingsError, diff, validate
from pynats_server.settings.load import load_file


def _load(tmp_path: Path, text: str) -> JetStreamOptions:
    path = tmp_path / "a.conf"
    path.write_text(text)
    return load_file(path).jetstream


def test_block_is_typed(tmp_path: Path) -> None:
    got = _load(
        tmp_path,
        'jetstream {store: "/x", max_mem: "2G", max_file: -1, sync: "10s", cipher: AES, ek: k1}',
    )
    assert (got.enabled, got.store_dir, got.cipher, got.key) == (True, Path("/x"), "aes", "k1")
    assert (got.max_memory, got.max_file, got.sync_interval) == (2 << 30, None, 10.0)
    assert "k1" not in repr(got)


@pytest.mark.parametrize("text", ["always", '"0s"', '"-1s"'])
def test_sync_before_every_acknowledgement(tmp_path: Path, text: str) -> None:
    assert _load(tmp_path, f"jetstream {{sync_interval: {text}}}").sync_interval == 0.0


def test_tpm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match='"tpm" is not supported'):
        _load(tmp_path, "jetstream {tpm: {}}")


@pytest.mark.parametrize("domain", ["a.b", "*", ">", "a b"])
def test_domain_is_one_token(domain: str) -> None:
    with pytest.raises(ValueError, match="invalid domain name"):
        validate(Options(jetstream=JetStreamOptions(domain=domain)))


@pytest.mark.parametrize(
    ("old", "new", "reloadable"),
    [(1, 2, True), (2, 1, False), (None, 2, False), (2, None, False)],
)
def test_sizes_may_only_grow(old: int | None, new: int | None, reloadable: bool) -> None:
    (change,) = diff(
        Options(jetstream=JetStreamOptions(enabled=True, max_file=old)),
        Options(jetstream=JetStreamOptions(enabled=True, max_file=new)),
    )
    assert change.reloadable is reloadable


def test_secrets_stay_out_of_refusals() -> None:
    (change,) = diff(
        Options(jetstream=JetStreamOptions(enabled=True)),
        Options(jetstream=JetStreamOptions(enabled=True, key="secret")),
    )
    assert not change.reloadable
    assert "secret" not in change.refusal


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (100, "100 B"), (2047, "2.00 KB"), (1500 * 1000**2, "1.40 GB")],
)
def test_human_size(size: int, shown: str) -> None:
    assert human_size(size) == shown


def test_banner_states_the_durability() -> None:
    limits = JetStreamLimits(100, 2047, Path("/x"))
    lines = banner_lines(JetStreamOptions(), limits)
    assert "  Durability:      acknowledged after fsync (sync_interval always)" in lines
    lines = banner_lines(JetStreamOptions(sync_interval=120.0), limits)
    assert "  Durability:      acknowledged after write, fsync every 2m0s" in lines
