"""Shipping rates that tests go by."""

from cloudretail.money import MAX_MINOR_UNITS
from orders.rates import Method, Rates, Zone
from tests.support.examples import sgd

STANDARD = Method(method_id="standard", name="Standard delivery", price=sgd(0), earliest_days=1, latest_days=3)

FREE = Rates(zones=(Zone(name="Singapore", countries=("SG",), methods=(STANDARD,), cash_up_to=sgd(MAX_MINOR_UNITS)),))
"""Nothing is added: for tests of something else."""

PHONE = "+6581234567"
"""A number that nobody has to have: its form is right."""
