"""Everything that a release consists of, as far as this machine can build it, and the proof that it
works: `python -m pynats_packaging.release` (`make release`).

The source distribution is made of what is committed; everything else is made of the source
distribution. The C code that Cython makes is the same for all Pythons and made once.
"""
