"""Command lines filled in with what strangers send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynats_cli.screen.translate import TranslateError, translate_body
from pynats_cli.template.errors import TemplateError
from pynats_cli.template.messages import expand_command


def words(command: str, request: str = "", tokens: tuple[str, ...] = ()) -> list[str]:
    return expand_command(command, 0, request, tokens)


@given(st.text(), st.text())
def test_what_is_sent_stays_in_its_word(request: str, token: str) -> None:
    if "\0" in request + token:
        with pytest.raises(TemplateError, match="NUL"):
            words("tool {{1}} {{Request}}", request, ("svc", token))
        return
    made = words("tool --of={{1}} -- {{Request}}", request, ("svc", token))
    assert made == ["tool", f"--of={token}", "--", request]


@pytest.mark.parametrize("sent", ["$(id)", "`id`", "a;id", "a'b", 'a"b', "a\nid", "a|id", "a&id"])
@pytest.mark.parametrize(
    "command",
    [
        "sh -c 'echo {{1}}'",
        'sh -c "echo {{1}}"',
        "sh -c {{1}}",
        "sh -c 'echo {{Request}}'",
        "ssh host 'echo {{Request}}'",
    ],
)
def test_no_shell_gets_what_it_would_obey(command: str, sent: str) -> None:
    with pytest.raises(TemplateError, match="a shell may obey"):
        words(command, sent, ("svc", sent))


def test_scripts_are_filled_in_with_what_is_harmless() -> None:
    made = words("sh -c 'echo {{1}} {{Request}}'", "two words", ("svc", "a-b.c"))
    assert made == ["sh", "-c", "echo a-b.c two words"]


def test_templates_of_a_command_are_whole_and_what_is_sent_is_none() -> None:
    assert words("echo {{if eq .Request `x`}}a b{{else}}c{{end}}", "x") == ["echo", "a", "b"]
    assert words("echo {{1}}", "x", ("svc", "{{Request}}")) == ["echo", "{{Request}}"]
    assert words("echo {{1}} {{0}}", "", ("{{1}}", "z")) == ["echo", "z", "{{1}}"]


def test_a_translation_gets_the_subject_as_one_argument() -> None:
    shown = translate_body(b"", "printf %s {{Subject}}", "a b; 'c", "S")
    assert shown == b"a b; 'c"
    with pytest.raises(TranslateError):
        translate_body(b"", "sh -c 'echo {{Subject}}'", "$(id)", "S")
