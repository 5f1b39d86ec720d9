"""The worker's handler with Stripe on this machine: a layer of a shop that a test starts, and of no other."""

import os

import stripe
from local_stripe import Wire  # type: ignore[import-not-found] # It is beside this file in the layer.

from payments import stripe_gateway


def _local(key: str) -> stripe.StripeClient:
    address = os.environ["LOCAL_STRIPE"]
    return stripe.StripeClient(key, http_client=Wire(address), max_network_retries=0, base_addresses={"api": address})


stripe_gateway.client_of = _local

from payments.worker import handler  # noqa: E402 # After Stripe has its address.

__all__ = ["handler"]
