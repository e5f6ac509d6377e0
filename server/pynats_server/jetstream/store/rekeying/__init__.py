"""Bringing a stream's folder under the key that is configured now, before it is opened.

`ring` has the keys that may open something; `blocks` and `documents` change one file after the
other, so that after a crash anywhere the same steps run again; `folder` says in which order.
"""
