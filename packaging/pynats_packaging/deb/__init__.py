"""The Debian packages `pynats` and `pynats-server`, built without debian/rules: files are laid out
in a folder for each, `dpkg-deb` packs it. `python -m pynats_packaging.deb OUTDIR` does it all.

Why it carries its own environment: packaging/README.md.
"""
