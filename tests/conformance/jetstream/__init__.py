"""JetStream over the wire: the same requests to the reference and to pynats-server, same answers.

A case (case.py) is data; play.py sends it, normalise.py makes two servers' answers comparable,
cases_*.py are the cases, gaps.py lists those we do not pass yet.
"""
