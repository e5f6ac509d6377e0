"""`max_publish_rate`, `max_publish_bytes` and `publish_limit_action`, and where they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pynats_server.options import Options, PublishLimits
from pynats_server.settings import SettingsError


def load(folder: Path, text: str) -> Options:
    path = folder / "s.conf"
    path.write_text(text)
    return Options.load(path)


def test_users_have_their_own_or_the_usual_limits(tmp_path: Path) -> None:
    options = load(
        tmp_path,
        """
        authorization {
          default_limits { max_publish_rate: 5 }
          users [ { user: g, password: p } ]
        }
        accounts { A {
          limits { max_connections: 3, max_publish_bytes: 10MB, publish_limit_action: refuse }
          default_limits { max_publish_rate: 1k }
          users [
            { user: a, password: p }
            { user: b, password: p, limits { MAX_PUBLISH_BYTES: 7, max_publish_rate: -1 } }
          ]
        } }
        """,
    )
    assert {user.user: user.limits for _, user in options.all_users()} == {
        "g": PublishLimits(5, -1, "throttle"),
        "a": PublishLimits(1000, -1, "throttle"),
        "b": PublishLimits(-1, 7, "throttle"),
    }
    limits = options.accounts["A"].limits
    assert limits.publish == PublishLimits(-1, 10 << 20, "refuse")
    assert limits.max_connections == 3
    assert not PublishLimits().any


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ("{ max_publish_rate: 0 }", "max_publish_rate must be above zero; negative = no limit"),
        ("{ max_publish_bytes: 0 }", "max_publish_bytes must be above zero; negative = no limit"),
        ("{ max_publish_rate: 8589934593 }", "max_publish_rate value is too big"),
        ('{ max_publish_rate: "x" }', "max_publish_rate must be an integer, got a string"),
        ("{ max_publish_bytes: 1.5 }", "max_publish_bytes must be an integer, got a float"),
        (
            "{ publish_limit_action: drop }",
            "publish_limit_action must be 'throttle' or 'refuse'",
        ),
    ],
)
@pytest.mark.parametrize("place", ["user", "usual", "account"])
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, limits: str, complaint: str, place: str
) -> None:
    texts = {
        "user": f"users [ {{ user: a\n limits {limits} }} ]",
        "usual": f"users []\n default_limits {limits}",
        "account": f"users []\n limits {limits}",
    }
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"accounts {{ A {{ {texts[place]} }} }}")
    (line,) = caught.value.errors
    assert line.startswith(f"{tmp_path}/s.conf:2:")
    assert line.endswith(complaint)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("limits: 5", "Expected limits to be a map, got integer"),
        ("limits { max_payload: 5 }", 'Unknown field "max_payload" parsing limits of a user'),
    ],
)
def test_a_user_has_no_other_limits(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"authorization {{ users [ {{ user: a, password: p, {text} }} ] }}")
    assert complaint in caught.value.errors[0]
