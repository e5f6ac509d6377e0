"""Do the packages do what they promise? In a fresh Debian, with the real systemd.

`python -m pynats_packaging.deb.check`, as root, with debootstrap and systemd-nspawn. Nothing of it
touches this machine's own system; the network inside is loopback alone.
"""
