"""Which scripts there are, under the names that shells look for."""

from __future__ import annotations

from pynats_common.commandline.shellscripts import completion_script

from pynats_packaging.completions.bash import bash_script
from pynats_packaging.completions.fish import fish_script
from pynats_packaging.completions.zsh import zsh_script
from pynats_packaging.programs import flag_programs

_ASKED = ("pynats", "pynsc")  # these complete their words themselves
_NAMES = {"bash": "bash/{}", "zsh": "zsh/_{}", "fish": "fish/{}.fish"}
_WRITTEN = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}


def completion_files() -> dict[str, str]:
    """Every script by the file it belongs into."""
    files = {}
    for shell, name in _NAMES.items():
        for program in _ASKED:
            files[name.format(program)] = completion_script(shell, program)
        for described in flag_programs():
            files[name.format(described.name)] = _WRITTEN[shell](described)
    return files
