"""Writes to shoppers: what became of their order, once each."""
