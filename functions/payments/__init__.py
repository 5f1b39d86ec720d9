"""Payments: each order has one, through a provider behind one port."""
