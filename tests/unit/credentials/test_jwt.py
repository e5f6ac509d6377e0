"""Claims: byte-equal re-encoding, nothing lost, hostile input, issue levels."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pynats_common import creds, jwt, nkeys
from pynats_common.jwt.record import dump_compact
from pynats_common.jwt.types import Export, Import, ScopedSigner
from pynats_common.nkeys import KeyPair, Prefix

from tests.support.fuzzing import examples

ACCOUNT_SEED = "SAAACXWSQIKJ4L2SEAUZJR3BCNSRCN32V5UJSABCSEP35Q7LQRPV6F4JPI"
DOCUMENTED_CREDS = """-----BEGIN NATS USER JWT-----
eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiI0NUc3MkhIQUVCRFBQV05ZWktMTUhQNUFYWFRSSUVDQlNVQUI2VDZRUjdVM1JZUFZaM05BIiwiaWF0IjoxNjM1Mzc1NTYxLCJpc3MiOiJBRDJNMzRXQk5HUUZZSzM3SURYNTNEUFJHNzRSTExUN0ZGV0JPQk1CVVhNQVZCQ1ZBVTVWS1dJWSIsIm5hbWUiOiJNeVVzZXIiLCJzdWIiOiJVQVdCWExTWlZaSE5ESVVSWTUyRjZXRVRGQ0ZaTFhZVUVGSkFIUlhEVzdEMks0NDQ1SVk0QlZYUCIsIm5hdHMiOnsicHViIjp7fSwic3ViIjp7fSwic3VicyI6LTEsImRhdGEiOi0xLCJwYXlsb2FkIjotMSwidHlwZSI6InVzZXIiLCJ2ZXJzaW9uIjoyfX0.CGymhGYHfdZyhUeucxNs9TthSjy_27LVZikqxvm-pPLili8KNe1xyOVnk_w-xPWdrCx_t3Se2lgXmoy3wBcVCw
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
SUAP2AY6UAWHOXJBWDNRNKJ2DHNC5VA2DFJZTF6C6PMLKUCOS2H2E2BA2E
------END USER NKEY SEED------

*************************************************************
"""


def sign_payload(payload: dict[str, Any], pair: KeyPair) -> str:
    """Token over any payload, as a foreign tool might write it."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    head = part(b'{"typ":"JWT","alg":"ed25519-nkey"}') + "." + part(dump_compact(payload))
    return f"{head}.{part(pair.sign(head.encode()))}"


@pytest.fixture(scope="module")
def operator() -> KeyPair:
    return nkeys.create_pair(Prefix.OPERATOR)


@pytest.fixture(scope="module")
def account() -> KeyPair:
    return nkeys.create_pair(Prefix.ACCOUNT)


def test_documented_creds_reencode_byte_equal() -> None:
    parts = creds.decode_creds(DOCUMENTED_CREDS, Prefix.USER)
    assert creds.encode_creds(parts.jwt, parts.key_pair) == DOCUMENTED_CREDS
    assert "SUAP2AY6" not in repr(parts)
    claims = jwt.decode(parts.jwt)
    assert isinstance(claims, jwt.UserClaims) and claims.name == "MyUser"
    assert claims.compute_id() == claims.jti
    assert jwt.encode(claims, nkeys.from_seed(ACCOUNT_SEED), issued_at=claims.iat) == parts.jwt


@pytest.mark.parametrize(
    "edit", [lambda s: s.replace("\n", "\r\n"), lambda s: s.replace("------", "---")]
)
def test_creds_variants_are_read(edit: Any) -> None:
    assert creds.decode_creds(edit(DOCUMENTED_CREDS)).seed.startswith("SUAP2AY6")


def test_unknown_fields_and_their_order_survive_an_edit(operator: KeyPair) -> None:
    public = nkeys.create_pair(Prefix.ACCOUNT).public_key
    body = {
        "future": {"z": 1, "a": [None]},
        "limits": {"subs": -1, "conn": 7, "future_limit": 3},
        "exports": [{"name": "x", "subject": "x", "type": "service", "novel": True}],
        "authorization": {"auth_users": None},
        "default_permissions": {"pub": {}, "sub": {}},
        "type": "account",
        "version": 2,
    }
    payload = {"iss": operator.public_key, "sub": public, "iat": 5, "vendor": "v", "nats": body}
    claims = jwt.decode_as(jwt.AccountClaims, sign_payload(payload, operator))
    assert dump_compact(claims.to_json()) == dump_compact(payload)
    claims.nats.limits.leaf = 9
    claims.nats.exports[0].description = "d"
    again = jwt.peek(jwt.encode(claims, operator))
    assert again["vendor"] == "v" and again["nats"]["future"] == body["future"]
    assert again["nats"]["limits"] == {"subs": -1, "conn": 7, "leaf": 9, "future_limit": 3}
    assert again["nats"]["exports"][0]["novel"] is True
    assert again["nats"]["authorization"] == {"auth_users": None}


def test_every_kind_round_trips(operator: KeyPair, account: KeyPair) -> None:
    user, server = nkeys.create_pair(Prefix.USER), nkeys.create_pair(Prefix.SERVER)
    cases: list[tuple[jwt.Claims, KeyPair]] = [
        (jwt.OperatorClaims(sub=operator.public_key, name="O"), operator),
        (jwt.new_account(account.public_key, "A"), operator),
        (jwt.new_user(user.public_key, "U"), account),
        (jwt.ActivationClaims(sub=account.public_key, name="a"), account),
        (jwt.AuthorizationRequestClaims(sub="x"), server),
        (jwt.AuthorizationResponseClaims(sub=user.public_key, aud="x"), account),
        (jwt.GenericClaims(sub="anything", nats={"a": {"<": ">"}}), operator),
    ]
    for claims, signer in cases:
        token = jwt.encode(claims, signer)
        back = jwt.decode(token)
        assert type(back) is type(claims)
        assert jwt.encode(back, signer, issued_at=back.iat) == token


def test_issuer_rules_hold_for_encoding_and_decoding(operator: KeyPair, account: KeyPair) -> None:
    user = nkeys.create_pair(Prefix.USER)
    with pytest.raises(jwt.IssuerError):
        jwt.encode(jwt.new_user(user.public_key), operator)
    with pytest.raises(jwt.IssuerError):
        jwt.encode(jwt.new_account(account.public_key), user)
    good = jwt.new_user(user.public_key)
    jwt.encode(good, account)
    with pytest.raises(jwt.IssuerError):
        jwt.decode(sign_payload({**good.to_json(), "iss": operator.public_key}, operator))
    with pytest.raises(jwt.SignatureError):
        jwt.decode(sign_payload({**good.to_json(), "iss": account.public_key}, user))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_field = st.sampled_from(
    ["pub", "sub", "resp", "src", "times", "limits", "exports", "imports", "signing_keys",
     "revocations", "mappings", "authorization", "trace", "tags", "subs", "type", "version"]
)  # fmt: skip


@settings(max_examples=examples(150))
@example("account", {"pub": None, "limits": None})
@given(
    st.sampled_from(["user", "account", "operator", "activation", "authorization_response", ""]),
    st.dictionaries(_field, _json, max_size=5),
)
def test_signed_hostile_bodies_give_claims_or_a_jwt_error(kind: str, body: dict[str, Any]) -> None:
    signer = nkeys.from_seed(ACCOUNT_SEED)
    payload = {
        "iss": signer.public_key,
        "sub": signer.public_key,
        "nats": {"type": kind, "version": 2, **body},
    }
    try:
        claims = jwt.decode(sign_payload(payload, signer))
    except jwt.JwtError:
        return
    jwt.validate(claims)
    assert json.loads(dump_compact(claims.to_json())) == json.loads(dump_compact(payload))


@given(st.one_of(st.text(max_size=200), st.from_regex(r"[\w-]{1,20}\.[\w-]{1,20}\.[\w-]{1,9}")))
def test_any_text_decodes_or_raises_a_jwt_error(text: str) -> None:
    with pytest.raises(jwt.JwtError):
        jwt.decode(text)


@pytest.mark.parametrize("nats", [None, [], 3, "x", {}, {"type": 3}, {"type": "user"}])
def test_missing_or_wrong_nats_bodies_are_no_claims(nats: object) -> None:
    signer = nkeys.from_seed(ACCOUNT_SEED)
    payload = {"iss": signer.public_key, "sub": "x", "nats": nats}
    try:
        assert isinstance(jwt.decode(sign_payload(payload, signer)), jwt.GenericClaims)
    except jwt.JwtError:
        pass


@pytest.mark.parametrize("length", [0, 1, 10, 31, 55, 56, 57, 60])
def test_truncated_issuers_are_refused(length: int, account: KeyPair) -> None:
    payload = {"iss": (account.public_key * 2)[:length] if length != 56 else "A" * 56,
               "sub": "x", "nats": {"type": "user", "version": 2}}  # fmt: skip
    with pytest.raises(jwt.JwtError):
        jwt.decode(sign_payload(payload, account))


def test_revocation_counts_from_its_second_and_for_everyone(account: KeyPair) -> None:
    body = jwt.new_account(account.public_key).nats
    body.revocations = {"UABC": 100}
    assert body.is_revoked("UABC", 100) and not body.is_revoked("UABC", 101)
    assert not body.is_revoked("UXYZ", 50)
    body.revocations["*"] = 60
    assert body.is_revoked("UXYZ", 60) and not body.is_revoked("UXYZ", 61)


def test_import_tokens_must_bind_importer_subject_and_issuer(account: KeyPair) -> None:
    importer = nkeys.create_pair(Prefix.ACCOUNT)
    stranger = nkeys.create_pair(Prefix.ACCOUNT)
    token = jwt.ActivationClaims(sub=importer.public_key)
    token.nats.subject, token.nats.import_kind = "private.*", "stream"

    def issues(signer: KeyPair, subject: str, owner: KeyPair = importer) -> list[str]:
        claims = jwt.new_account(owner.public_key)
        claims.nats.imports = [
            Import(subject=subject, account=account.public_key, type="stream",
                   token=jwt.encode(token, signer))
        ]  # fmt: skip
        return [issue.description for issue in jwt.validate(claims) if issue.blocking]

    assert issues(account, "private.a") == []
    assert "doesn't match import" in issues(account, "other.a")[0]
    assert "doesn't match account for import" in issues(stranger, "private.a")[0]
    assert "it is being included in" in issues(account, "private.a", stranger)[0]


def test_a_url_is_no_activation_token(account: KeyPair) -> None:
    claims = jwt.new_account(account.public_key)
    claims.nats.imports = [
        Import(subject="a", account=account.public_key, type="stream", token="http://host/a.jwt")
    ]
    (fault,) = (issue.description for issue in jwt.validate(claims) if issue.blocking)
    assert fault == 'import "a" contains an invalid activation token'


def test_times_are_issues_of_their_own_level(operator: KeyPair) -> None:
    claims = jwt.OperatorClaims(sub=operator.public_key, exp=100, nbf=10)
    assert [issue.level for issue in jwt.validate(claims, now=200)] == [jwt.Level.TIME]
    assert [issue.level for issue in jwt.validate(claims, now=5)] == [jwt.Level.TIME]
    assert jwt.validate(claims, now=50) == []


def test_accounts_report_overlaps_and_bad_parts(account: KeyPair) -> None:
    claims = jwt.new_account(account.public_key)
    claims.nats.exports = [
        Export(subject="a.*", type="service"),
        Export(subject="a.b", type="service"),
        Export(subject="c d", type="stream"),
    ]
    claims.nats.signing_keys = ["nokey", ScopedSigner(key=account.public_key, role="r")]
    text = " | ".join(issue.description for issue in jwt.validate(claims))
    assert "service export subject" in text and "cannot have spaces" in text
    assert '"nokey" is not a valid account signing key' in text


@pytest.mark.parametrize(
    ("member", "limits"),
    [
        ({}, (-1, -1, -1)),
        ({"template": None}, (-1, -1, -1)),
        ({"template": {}}, (-1, -1, -1)),
        ({"template": {"subs": None, "payload": 4}}, (-1, -1, 4)),
        ({"template": {"subs": 0, "data": 0, "PAYLOAD": 0}}, (0, 0, 0)),
    ],
)
def test_a_limit_that_a_template_does_not_name_is_none(
    member: dict[str, Any], limits: tuple[int, ...]
) -> None:
    signer = ScopedSigner.from_json({"kind": "user_scope", "key": "A", "role": "r"} | member)
    template = signer.template
    assert (template.subs, template.data, template.payload) == limits
    again = ScopedSigner.from_json(signer.to_json()).template
    assert (again.subs, again.data, again.payload) == limits


def test_activation_hash_id_matches_the_documented_one() -> None:
    claims = jwt.ActivationClaims(
        iss="ADETPT36WBIBUKM3IBCVM4A5YUSDXFEJPW4M6GGVBYCBW7RRNFTV5NGE",
        sub="AAM46E3YF5WOZSE5WNYWHN3YYISVZOSI6XHTF2Q64ECPXSFQZROJMP2H",
    )
    claims.nats.subject = f"private.abc.{claims.sub}"
    assert claims.hash_id() == "GWIS5YCSET4EXEOBXVMQKXAR4CLY4IIXFV4MEMRUXPSQ7L4YTZ4Q===="
    assert jwt.clean_subject("*.a") == "_" and jwt.clean_subject("a.*.b") == "a"


V1_ACTIVATION = "eyJ0eXAiOiJqd3QiLCJhbGciOiJlZDI1NTE5In0.eyJqdGkiOiJIS1FPQU9aQkVKS1JYNFJRUVhXS0xYSVBVTlNOSkRRTkxXUFBTSTQ3NkhCVVNYT0paVFFRIiwiaWF0IjoxNTc1NTU1OTczLCJpc3MiOiJBREVUUFQzNldCSUJVS00zSUJDVk00QTVZVVNEWEZFSlBXNE02R0dWQllDQlc3UlJORlRWNU5HRSIsIm5hbWUiOiJwcml2YXRlLmFiYy5BQU00NkUzWUY1V09aU0U1V05ZV0hOM1lZSVNWWk9TSTZYSFRGMlE2NEVDUFhTRlFaUk9KTVAySCIsInN1YiI6IkFBTTQ2RTNZRjVXT1pTRTVXTllXSE4zWVlJU1ZaT1NJNlhIVEYyUTY0RUNQWFNGUVpST0pNUDJIIiwidHlwZSI6ImFjdGl2YXRpb24iLCJuYXRzIjp7InN1YmplY3QiOiJwcml2YXRlLmFiYy5BQU00NkUzWUY1V09aU0U1V05ZV0hOM1lZSVNWWk9TSTZYSFRGMlE2NEVDUFhTRlFaUk9KTVAySCIsInR5cGUiOiJzdHJlYW0ifX0.yD2HWhRQYUFy5aQ7zNV0YjXzLIMoTKnnsBB_NsZNXP-Qr5fz7nowyz9IhoP7UszkN58m__ovjIaDKI9ml0l9DA"  # noqa: E501


def test_version_1_tokens_are_read_as_version_2() -> None:
    claims = jwt.decode(V1_ACTIVATION)
    assert isinstance(claims, jwt.ActivationClaims) and jwt.is_version_1(V1_ACTIVATION)
    assert claims.nats.import_kind == "stream" and claims.nats.version == 2
    assert claims.hash_id() == "GWIS5YCSET4EXEOBXVMQKXAR4CLY4IIXFV4MEMRUXPSQ7L4YTZ4Q===="
    head, body, signature = V1_ACTIVATION.split(".")
    with pytest.raises(jwt.JwtError):
        jwt.decode(f"{head}.{body}.{'A' + signature[1:]}")


def test_two_spellings_of_the_issuer_are_refused(account: KeyPair) -> None:
    victim = nkeys.create_pair(Prefix.ACCOUNT)
    body = {"type": "user", "version": 2}
    user = nkeys.create_pair(Prefix.USER).public_key
    for names in (("iss", "ISS"), ("ISS", "iss"), ("Iss", "iSS")):
        payload = {"sub": user, "nats": body}
        payload |= dict(zip(names, (account.public_key, victim.public_key), strict=True))
        with pytest.raises(jwt.JwtError):
            jwt.decode(sign_payload(payload, account))


def test_sealed_boxes_agree_with_plain_nacl() -> None:
    from nacl.public import Box, PrivateKey, PublicKey

    a, b = nkeys.create_pair(Prefix.CURVE), nkeys.create_pair(Prefix.CURVE)
    sealed = a.seal(b"hello", b.public_key)
    _, raw = nkeys.decode_seed(b.seed)
    box = Box(PrivateKey(raw), PublicKey(a.raw_public_key))
    assert box.decrypt(sealed[28:], sealed[4:28]) == b"hello"
