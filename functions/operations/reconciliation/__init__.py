"""Reconciliation of the tables: the rules, and the job that reads the tables part by part."""
