"""The list of payment providers for cards."""

from collections.abc import Callable, Mapping

from cloudretail.settings import Absent, Settings, load
from payments.providers import SANDBOX, STRIPE, Provider, open_sandbox


class StripeSettings(Settings):
    """What Stripe needs.

    Attributes:
        stripe_key_arn: of the secret with the account's key; None on a stage without Stripe.
    """

    stripe_key_arn: Absent[str] = None


def _open_stripe() -> Provider | None:
    key_arn = load(StripeSettings).stripe_key_arn
    if key_arn is None:
        return None
    # Its package takes long to import, and only the functions that ask Stripe have its layer.
    from payments.stripe_gateway import open_stripe

    return open_stripe(key_arn)


GATEWAYS: Mapping[str, Callable[[], Provider | None]] = {
    SANDBOX: open_sandbox,
    STRIPE: _open_stripe,
}
"""Opens each provider from a function's environment, by name; None on a stage without it.

The stage's setting `CARD_GATEWAY` says which one gets new attempts. Each is asked about the attempts that it has.
"""
