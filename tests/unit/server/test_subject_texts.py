"""Subjects of certificates as the real server's monitoring shows them (2.15.1)."""

from __future__ import annotations

import pytest
from pynats_server.tls.subjects import attributes_text

CN, OU, ORG, C, DC = "2.5.4.3", "2.5.4.11", "2.5.4.10", "2.5.4.6", "0.9.2342.19200300.100.1.25"
MAIL, UID, GIVEN = "1.2.840.113549.1.9.1", "0.9.2342.19200300.100.1.1", "2.5.4.42"


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ([], ""),
        ([(CN, "alice"), (OU, "Dev"), (OU, "Ops"), (ORG, "Acme, Inc"), (C, "US")],
         "CN=alice,OU=Dev+OU=Ops,O=Acme\\, Inc,C=US"),
        ([(DC, "io"), (DC, "x"), (OU, "Dev"), (CN, "car+ol")],
         f"CN=car\\+ol,OU=Dev,{DC}=x,{DC}=io"),
        ([(CN, "mv"), (OU, "Dev"), (ORG, "Acme")], "CN=mv,OU=Dev,O=Acme"),
        ([(MAIL, "a@b.c"), (CN, ' lead#;<>"\\=é'), ("2.5.4.8", "ST"), ("2.5.4.7", "L"),
          ("2.5.4.9", "street"), ("2.5.4.17", "123"), ("2.5.4.5", "77")],
         'SERIALNUMBER=77,CN=\\ lead#\\;\\<\\>\\"\\\\=é,POSTALCODE=123,STREET=street,L=L,ST=ST,'
         f"{MAIL}=a@b.c"),
        ([(UID, "uid1"), (CN, "#x "), (GIVEN, "Gi")], f"CN=\\#x\\ ,{GIVEN}=Gi,{UID}=uid1"),
        ([(CN, "one"), (CN, "two"), (ORG, "O1"), (ORG, "O2")], "CN=two,O=O1+O=O2"),
    ],
)  # fmt: skip
def test_a_subject_is_written_as_go_does(attributes: list[tuple[str, str]], text: str) -> None:
    assert attributes_text(attributes) == text
