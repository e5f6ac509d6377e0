"""The dashboard, `/ui`: static files, which a browser runs, and the lists that it asks for.

The files are read when somebody first asks for one. What the other endpoints tell already is asked
of them; `lists` has pages of accounts, streams and consumers, whichever accounts they are of, as
the answers of the real server have no such pages.
"""
