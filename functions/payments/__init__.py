"""Payments: each order has one payment, by a provider behind one port."""
