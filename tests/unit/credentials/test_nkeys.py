"""NKeys: known vectors, strict decoding, signing and sealing."""

import base64

import nkeys as reference
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_common import nkeys
from pynats_common.nkeys import Prefix, codec

VECTORS = [
    (
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
    ),
    (
        "SOAJ3JDZBE6JKJO277CQP5RIAA7I7HBI44RDCMTIV3TQRYQX35OTXSMHAE",
        "ODSWWTKZLRDFBPXNMNAY7XB2BIJ45SV756BHUT7GX6JQH6W7AHVAFX6C",
    ),
    (
        "SAAACXWSQIKJ4L2SEAUZJR3BCNSRCN32V5UJSABCSEP35Q7LQRPV6F4JPI",
        "AD2M34WBNGQFYK37IDX53DPRG74RLLT7FFWBOBMBUXMAVBCVAU5VKWIY",
    ),
]


@pytest.mark.parametrize(("seed", "public"), VECTORS)
def test_documented_seeds_yield_their_public_keys(seed: str, public: str) -> None:
    pair = nkeys.from_seed(seed)
    assert (pair.public_key, pair.seed) == (public, seed)
    assert seed not in repr(pair)


@pytest.mark.parametrize("prefix", [p for p in codec.PUBLIC_PREFIXES if p is not Prefix.CURVE])
def test_signatures_agree_with_the_reference_library(prefix: Prefix) -> None:
    pair = nkeys.create_pair(prefix)
    other = reference.from_seed(pair.seed.encode())
    assert pair.sign(b"nonce") == other.sign(b"nonce")
    assert pair.private_key.encode() == bytes(other.private_key)
    nkeys.from_public_key(pair.public_key).verify(b"nonce", pair.sign(b"nonce"))
    with pytest.raises(nkeys.InvalidSignatureError):
        pair.verify(b"other", pair.sign(b"nonce"))


def test_every_prefix_round_trips_and_shows_its_letter() -> None:
    for prefix in codec.PUBLIC_PREFIXES:
        pair = nkeys.create_pair(prefix)
        assert pair.public_key[0] == prefix.letter and pair.seed[:2] == "S" + prefix.letter
        assert nkeys.from_seed(pair.seed) == pair
        assert nkeys.prefix_of(pair.public_key) is prefix
        assert nkeys.prefix_of(pair.seed) is Prefix.SEED
        assert nkeys.prefix_of(pair.private_key) is Prefix.PRIVATE


def test_wipe_erases_the_seed_only() -> None:
    pair = nkeys.create_pair(Prefix.USER)
    signature = pair.sign(b"x")
    pair.wipe()
    with pytest.raises(nkeys.WipedKeyError):
        pair.sign(b"x")
    pair.verify(b"x", signature)
    with pytest.raises(nkeys.PublicKeyOnlyError):
        nkeys.from_public_key(pair.public_key).sign(b"x")


def test_sealed_boxes_open_for_the_recipient_only() -> None:
    a, b, c = (nkeys.create_pair(Prefix.CURVE) for _ in range(3))
    box = a.seal(b"hello", b.public_key)
    assert box.startswith(b"xkv1") and b.open(box, a.public_key) == b"hello"
    for bad in (box[:-1], box[:20], b"xkv2" + box[4:], box[:-1] + bytes([box[-1] ^ 1])):
        with pytest.raises(nkeys.CannotOpenError):
            b.open(bad, a.public_key)
    with pytest.raises(nkeys.CannotOpenError):
        c.open(box, a.public_key)


def test_all_zero_curve_keys_are_refused() -> None:
    zero = nkeys.encode_public(Prefix.CURVE, bytes(32))
    pair = nkeys.create_pair(Prefix.CURVE)
    box = pair.seal(b"x", pair.public_key)
    # By us: what a library makes of such a key is its own affair.
    with pytest.raises(nkeys.CannotSealError, match="all zero"):
        pair.seal(b"x", zero)
    with pytest.raises(nkeys.CannotOpenError, match="all zero"):
        pair.open(box, zero)


def test_a_key_with_another_sum_is_none() -> None:
    public = nkeys.create_pair(Prefix.USER).public_key
    raw = base64.b32decode(public + "=" * (-len(public) % 8))
    for wrong in (raw[:-2] + bytes(2), raw[:-1] + bytes([raw[-1] ^ 1]), raw[:5] + b"x" + raw[6:]):
        text = base64.b32encode(wrong).rstrip(b"=").decode()
        with pytest.raises(nkeys.InvalidChecksumError):
            nkeys.decode_public(text)


def test_kinds_do_not_mix() -> None:
    curve, user = nkeys.create_pair(Prefix.CURVE), nkeys.create_pair(Prefix.USER)
    with pytest.raises(nkeys.CannotSignError):
        curve.sign(b"x")
    with pytest.raises(nkeys.CannotSealError):
        user.seal(b"x", curve.public_key)
    with pytest.raises(nkeys.InvalidPrefixError):
        curve.seal(b"x", user.public_key)


@given(st.text(max_size=130))
def test_any_text_gives_a_key_or_an_nkey_error(text: str) -> None:
    try:
        pair = nkeys.from_text(text)
    except nkeys.NkeyError:
        return
    assert text in (pair.public_key, pair.has_seed and pair.seed)


@pytest.mark.parametrize("length", range(0, 60))
def test_valid_checksums_over_wrong_lengths_are_refused(length: int) -> None:
    if length == 32:
        return
    text = codec._encode_text(bytes([Prefix.ACCOUNT]) + bytes(length))
    with pytest.raises(nkeys.NkeyError):
        nkeys.from_public_key(text)


def test_vanity_text_follows_the_kind_letter() -> None:
    pair = nkeys.find_vanity_pair(Prefix.ACCOUNT, "ca", workers=1)
    assert pair is not None and pair.public_key.startswith("ACA")
    with pytest.raises(nkeys.NkeyError, match="must begin with"):
        nkeys.find_vanity_pair(Prefix.ACCOUNT, "Z")
    assert nkeys.find_vanity_pair(Prefix.ACCOUNT, "CABDEF7777", tries_max=10) is None
