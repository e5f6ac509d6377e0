"""Measuring how long messages take from one server to another."""
