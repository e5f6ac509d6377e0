"""JSON schemas of what NATS servers and services say, and whether a document fits one.

The schemas are kept in a short form (`data/*.json`, `notation`), and written out as JSON Schema
draft 7 when they are shown or used.
"""
