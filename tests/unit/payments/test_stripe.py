"""Stripe does what every provider does, and what only Stripe does becomes one of the port's answers."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe

from cloudretail.errors import Permanent
from cloudretail.money import Money
from payments.providers import (
    Accepted,
    Challenged,
    Ended,
    GivenBack,
    Pending,
    Provider,
    ProviderTimeout,
    ProviderUnavailable,
    Refused,
)
from payments.stripe_gateway import Stripe, money_of, units_of
from tests.support.examples import sgd
from tests.support.local_stripe import KEY, Wire, a_dispute, local_stripe
from tests.unit.payments.test_providers import ProviderContract, charge

UNREACHABLE = stripe.APIConnectionError("no route")  # type: ignore[no-untyped-call]

CARDS = {"visa": "4242424242424242", "declined": "4000000000000341", "challenge": "4000002760003184"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_stripe() as address:
        yield address


@pytest.fixture
def wire(address: str) -> Iterator[Wire]:
    wire = Wire(address)
    yield wire
    wire.close()


@pytest.fixture
def client(address: str, wire: Wire) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, http_client=wire, max_network_retries=0, base_addresses={"api": address})


class Cards:
    """Makes a new payment method of a card each time that it is named, as the browser does."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._methods = client.v1.payment_methods

    def __getitem__(self, name: str) -> str:
        card: Any = {"number": CARDS[name], "exp_month": 12, "exp_year": 2035, "cvc": "123"}
        return self._methods.create({"type": "card", "card": card}).id


@pytest.fixture
def cards(client: stripe.StripeClient) -> Cards:
    return Cards(client)


class TestStripe(ProviderContract):
    @pytest.fixture
    def provider(self, client: stripe.StripeClient) -> Provider:
        return Stripe(client)

    @pytest.fixture
    def token(self, cards: Cards) -> str:
        return cards["visa"]

    @pytest.fixture
    def declined(self, cards: Cards) -> str:
        return cards["declined"]

    def test_what_this_account_does_not_know_is_for_a_person(self, provider: Provider) -> None:
        for ask in (provider.find, provider.key_of, provider.confirm, provider.cancel):
            with pytest.raises(Permanent, match="pi_elsewhere in this account and mode"):
                ask("pi_elsewhere")

    def test_an_intent_of_somebody_else_in_this_account_is_none_of_the_shops(
        self, provider: Provider, client: stripe.StripeClient
    ) -> None:
        params: Any = {"amount": 1990, "currency": "sgd", "payment_method_types": ["card"]}
        other = client.v1.payment_intents.create(params)

        assert provider.key_of(other.id) is None

    def test_the_attempt_is_in_the_metadata(self, provider: Provider, token: str) -> None:
        assert provider.key_of(provider.create("pay_1:1", sgd(1990), token)) == "pay_1:1"

    def test_what_was_taken_is_told(self, provider: Provider, token: str) -> None:
        answer = charge(provider, token)

        assert isinstance(answer, Accepted)
        assert answer.amount == sgd(1990)

    def test_a_made_up_payment_method_is_a_card_that_is_declined(self, provider: Provider) -> None:
        reference = provider.create("pay_1:1", sgd(1990), "pm_made_up")

        assert isinstance(provider.confirm(reference), Refused)
        assert provider.cancel(reference) == Ended()

    def test_a_failure_that_stripe_repeats_for_a_day_is_in_the_way_of_no_attempt(
        self, provider: Provider, wire: Wire, token: str
    ) -> None:
        wire.failing = [(500, {"error": {"type": "api_error"}})]
        with pytest.raises(ProviderTimeout):
            provider.create("pay_1:1", sgd(1990), token)

        reference = provider.create("pay_1:1", sgd(1990), token)

        assert provider.key_of(reference) == "pay_1:1"
        assert provider.confirm(reference) == Accepted()

    def test_a_refund_of_which_stripe_has_lost_track_is_not_made_under_another_key(
        self, provider: Provider, wire: Wire, token: str
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        provider.confirm(reference)
        wire.failing = [(500, {"error": {"type": "api_error"}})]

        for _ in range(2):
            with pytest.raises(ProviderTimeout):
                provider.refund("pay_1:refund", reference, sgd(1990))
        assert provider.find_refund("pay_1:refund", reference) is None

    def test_a_challenge_is_the_browsers_secret(self, provider: Provider, cards: Cards) -> None:
        asked = charge(provider, cards["challenge"])

        assert isinstance(asked, Challenged)
        assert "_secret_" in asked.challenge
        assert asked.challenge not in repr(asked)

    @pytest.mark.parametrize("agreed, answer", [(True, Accepted()), (False, Refused)])
    def test_what_the_bank_says_to_a_challenge_is_found(
        self, provider: Provider, cards: Cards, address: str, agreed: bool, answer: Any
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), cards["challenge"])
        asked = provider.confirm(reference)
        assert isinstance(asked, Challenged)
        said = {"client_secret": asked.challenge, "success": str(agreed).lower()}
        httpx.post(f"{address}/v1/payment_intents/{reference}/_authenticate", data=said, auth=(KEY, ""))

        found = provider.find(reference)

        assert found == answer if agreed else isinstance(found, Refused)

    def test_a_challenge_that_is_called_off_ends(self, provider: Provider, cards: Cards) -> None:
        reference = provider.create("pay_1:1", sgd(1990), cards["challenge"])
        provider.confirm(reference)

        assert provider.cancel(reference) == provider.find(reference) == Ended()

    @pytest.mark.parametrize(
        "status, answer",
        [
            ("succeeded", GivenBack(1990)),
            ("pending", Pending()),
            ("requires_action", Pending()),
            ("failed", Refused("the card did not take it: expired_or_canceled_card")),
            ("canceled", Refused("the card did not take it: expired_or_canceled_card")),
        ],
    )
    def test_a_refund_is_what_stripe_says_of_it_today(
        self, provider: Provider, wire: Wire, token: str, status: str, answer: object
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        provider.confirm(reference)
        wire.refund = {"status": status, "failure_reason": "expired_or_canceled_card"}

        assert provider.refund("pay_1:refund", reference, sgd(1990)) == answer
        assert provider.find_refund("pay_1:refund", reference) == answer

    @pytest.mark.parametrize(
        "status, won",
        [
            ("needs_response", None),
            ("under_review", None),
            ("won", True),
            ("lost", False),
            ("appeal_under_review", False),
        ],
    )
    def test_a_dispute_holds_refunds_back(
        self, provider: Provider, wire: Wire, token: str, status: str, won: bool | None
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        provider.confirm(reference)
        wire.disputes[reference] = [a_dispute(status)]

        (dispute,) = provider.disputes(reference)

        assert (dispute.amount, dispute.won, dispute.reason) == (sgd(1990), won, "fraudulent")
        assert provider.refund("pay_1:refund", reference, sgd(1990)) == Pending()

    @pytest.mark.parametrize(
        "status", ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"]
    )
    def test_a_bank_that_only_asks_has_taken_nothing(
        self, provider: Provider, wire: Wire, token: str, status: str
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        wire.disputes[reference] = [a_dispute(status)]

        assert provider.disputes(reference) == ()

    @pytest.mark.parametrize(
        "failure, error",
        [
            (UNREACHABLE, ProviderTimeout),
            ((429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}}), ProviderUnavailable),
            ((409, {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}), ProviderUnavailable),
            ((500, {"error": {"type": "api_error"}}), ProviderTimeout),
            ((503, {"error": {"type": "api_error"}}), ProviderTimeout),
            ((401, {"error": {"type": "invalid_request_error", "message": "bad key"}}), stripe.AuthenticationError),
        ],
    )
    def test_what_may_pass_is_transient_and_a_wrong_key_declines_no_card(
        self, provider: Provider, wire: Wire, token: str, failure: Any, error: type[Exception]
    ) -> None:
        reference = provider.create("pay_1:1", sgd(1990), token)
        for ask in (
            lambda: provider.create("pay_1:2", sgd(1990), token),
            lambda: provider.confirm(reference),
            lambda: provider.cancel(reference),
            lambda: provider.find(reference),
            lambda: provider.refund("pay_1:refund", reference, sgd(1990)),
            lambda: provider.find_refund("pay_1:refund", reference),
            lambda: provider.disputes(reference),
        ):
            wire.failing = [failure]
            with pytest.raises(error):
                ask()


@pytest.mark.parametrize(
    "money, units",
    [
        (Money(amount=1990, currency="SGD"), 1990),
        (Money(amount=500, currency="JPY"), 500),
        (Money(amount=5120, currency="KWD"), 5120),
        (Money(amount=5, currency="ISK"), 500),
        (Money(amount=5, currency="UGX"), 500),
    ],
)
def test_amounts_are_counted_as_stripe_counts_each_currency(money: Money, units: int) -> None:
    assert units_of(money) == units
    assert money_of(units, money.currency.lower()) == money


def test_an_amount_that_stripe_cannot_take_exactly_is_not_rounded_in_silence() -> None:
    with pytest.raises(Permanent, match="in steps of 10"):
        units_of(Money(amount=5124, currency="KWD"))
