"""Fulfilment: the parcel of an order, and what comes back of it."""
