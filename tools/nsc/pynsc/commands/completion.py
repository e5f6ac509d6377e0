"""`completion` scripts for bash, zsh, fish and powershell."""

from __future__ import annotations

from pynats_common.commandline.shellscripts import completion_script

from pynsc.cli import Options
from pynsc.core.session import Session


def bash(session: Session, options: Options) -> None:
    session.report.output = completion_script("bash", "pynsc")


def zsh(session: Session, options: Options) -> None:
    session.report.output = completion_script("zsh", "pynsc")


def fish(session: Session, options: Options) -> None:
    session.report.output = completion_script("fish", "pynsc")


def powershell(session: Session, options: Options) -> None:
    session.report.output = completion_script("powershell", "pynsc")
