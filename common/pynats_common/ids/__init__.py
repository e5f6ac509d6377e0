"""Ids in the letters of a NUID."""
