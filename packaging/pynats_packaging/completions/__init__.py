"""What makes shells complete the words of all programs:
`python -m pynats_packaging.completions FOLDER`.

`pynats` and `pynsc` are asked themselves, because they know names on servers and in stores. The
others have only flags, which stand in the scripts: no program is started for them.
"""

from pynats_packaging.completions.files import completion_files

__all__ = ["completion_files"]
