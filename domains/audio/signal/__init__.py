"""Signals: arrays in, arrays out; no file is known here."""
