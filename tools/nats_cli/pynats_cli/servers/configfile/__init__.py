"""Configuration files of servers as texts: with their comments, in any form they can have.

`tree` is the file, `nats_reading`, `toml_form` and `yaml_form` read it, `nats_writing` lays it
out, `lint` says what is wrong in it. Nothing here needs a server.
"""
