"""Stripe behind the port of the providers.

An attempt is a PaymentIntent. It is created with its payment method, under the idempotency key of the attempt, and not
confirmed yet. Its id is the reference. Stripe forgets a key after a day, and never an id. For that day, a key also
brings back a failure of Stripe's own: another intent is then created, and a refund waits, as nobody knows whether it
was made. The shop's keys of attempts and refunds are in the metadata, so that an event of Stripe leads back to them.

    intent.status              last_payment_error    answer
    succeeded                                        accepted
    requires_action                                  challenged, by the client secret
    requires_payment_method    yes                   refused
    canceled                   yes                   refused
    canceled                   no                    ended
    anything else                                    none yet

Only `confirm` makes Stripe ask a bank. Confirming or cancelling an intent that is already confirmed, cancelled or
declined is an `InvalidRequestError` or a `CardError`: then the intent itself is read. Connection errors, rate limits
and failures of Stripe are transient. A wrong key or a missing permission is raised as it is, and never counts as a
declined card.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import stripe

from cloudretail import aws
from cloudretail.errors import Permanent
from cloudretail.money import Money
from payments.providers import (
    Accepted,
    Answer,
    Challenged,
    Ended,
    GivenBack,
    Pending,
    ProviderTimeout,
    ProviderUnavailable,
    RefundAnswer,
    Refused,
    ReportedDispute,
)

TIMEOUT_SECONDS = 10
"""The time-out of one request. Several requests fit into the worker's own time-out."""

_HUNDREDTHS = frozenset({"ISK", "UGX"})
"""Currencies without minor units whose amounts Stripe nevertheless takes in hundredths.

Source: https://docs.stripe.com/currencies#special-cases."""

_TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Currencies with three minor digits, the last of which has to be 0 for Stripe. Source: as above."""

_INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
"""Statuses in which the bank only inquires, and has taken no money. Source: https://docs.stripe.com/api/disputes."""

_DECIDED = {"won": True, "lost": False, "appeal_needs_response": False, "appeal_under_review": False}
"""Whether the shop has won, by the status of a dispute. In any other status it is not decided."""


class Stripe:
    """A card gateway that takes real money.

    Args:
        client: of one account, in its test or live mode.
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        self._intents = client.v1.payment_intents
        self._refunds = client.v1.refunds
        self._disputes = client.v1.disputes

    def create(self, key: str, amount: Money, token: str) -> str:
        params: Any = {
            "amount": units_of(amount),
            "currency": amount.currency.lower(),
            "payment_method_types": ["card"],
            "metadata": {"attempt": key},
        }
        try:
            intent = _asked(lambda: self._new_intent(params | {"payment_method": token}, key))
        except (stripe.CardError, stripe.InvalidRequestError):
            # A payment method that is used up or invented counts as a declined card. As for any other card, that shows
            # when it is confirmed.
            intent = _asked(lambda: self._new_intent(params, f"{key}:without"))
        return str(intent.id)

    def confirm(self, reference: str) -> Answer:
        refusal = None
        try:
            intent = _asked(lambda: self._intents.confirm(reference, {"use_stripe_sdk": True}))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            refusal = Refused(error.user_message or "the card was declined")
            intent = self._intent(reference)
        answer = _answer(intent) or refusal
        if answer is None:
            raise ProviderTimeout(f"Stripe has not decided yet: {intent.status}")
        return answer

    def cancel(self, reference: str) -> Answer:
        try:
            intent = _asked(lambda: self._intents.cancel(reference))
        except stripe.InvalidRequestError:
            intent = self._intent(reference)
        answer = _answer(intent)
        if answer is None or isinstance(answer, Challenged):
            raise ProviderTimeout(f"Stripe does not end it yet: {intent.status}")
        return answer

    def find(self, reference: str) -> Answer | None:
        return _answer(self._intent(reference))

    def key_of(self, reference: str) -> str | None:
        return _tag(self._intent(reference).metadata, "attempt")

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        params: Any = {"payment_intent": reference, "amount": units_of(amount), "metadata": {"refund": key}}
        try:
            return _refund_answer(_asked(lambda: self._refunds.create(params, {"idempotency_key": key})))
        except stripe.InvalidRequestError as error:
            if error.code == "charge_disputed":
                return Pending()
            return Refused(error.user_message or str(error))

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        found = _asked(lambda: self._refunds.list({"payment_intent": reference, "limit": 100}))
        for refund in found.data:
            if _tag(refund.metadata, "refund") == key:
                return _refund_answer(refund)
        return None

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        found = _asked(lambda: self._disputes.list({"payment_intent": reference, "limit": 100}))
        return tuple(
            ReportedDispute(
                str(dispute.id),
                money_of(dispute.amount, dispute.currency),
                _DECIDED.get(dispute.status),
                dispute.reason,
            )
            for dispute in found.data
            if dispute.status not in _INQUIRIES
        )

    def _new_intent(self, params: Any, key: str) -> stripe.PaymentIntent:
        """Create an intent. If Stripe only repeats an earlier failure for this key, create one without it: of two
        intents, only the one that is in the row is ever confirmed.
        """
        try:
            return self._intents.create(params, {"idempotency_key": key})
        except stripe.APIError as error:
            if not _is_repeated(error):
                raise
            return self._intents.create(params)

    def _intent(self, reference: str) -> stripe.PaymentIntent:
        """The intent of an attempt; raises Permanent if this account has none in this mode, which needs an operator."""
        try:
            return _asked(lambda: self._intents.retrieve(reference))
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                raise Permanent(f"Stripe knows no {reference} in this account and mode") from error
            raise


def units_of(money: Money) -> int:
    """An amount in Stripe's units.

    Raises:
        Permanent: Stripe cannot charge exactly this amount.
    """
    if money.currency in _TENS and money.amount % 10:
        raise Permanent(f"Stripe takes {money.currency} in steps of 10, and not {money}")
    return money.amount * 100 if money.currency in _HUNDREDTHS else money.amount


def money_of(units: int, currency: str) -> Money:
    """The amount in an answer of Stripe; `currency` is in lower case."""
    currency = currency.upper()
    return Money(amount=units // 100 if currency in _HUNDREDTHS else units, currency=currency)


def _asked[T](request: Callable[[], T]) -> T:
    """Stripe's answer to a request. Transient errors are raised as errors of the port."""
    try:
        return request()
    except stripe.RateLimitError as error:
        raise ProviderUnavailable(f"Stripe: {type(error).__name__}") from error
    except stripe.APIConnectionError as error:
        raise ProviderTimeout(f"Stripe: {type(error).__name__}") from error
    except stripe.APIError as error:
        if error.http_status == HTTPStatus.CONFLICT:  # Another delivery is making the same request.
            raise ProviderUnavailable("Stripe: asked twice at once") from error
        raise ProviderTimeout(f"Stripe: HTTP {error.http_status}") from error


def _is_repeated(error: stripe.APIError) -> bool:
    """Whether Stripe has stored this failure with the key. Source: https://docs.stripe.com/api/idempotent_requests."""
    return (error.headers or {}).get("Idempotent-Replayed") == "true"


def _tag(metadata: stripe.StripeObject | Mapping[str, str] | None, name: str) -> str | None:
    """The value that the shop has stored under a name in the metadata; None if there is none."""
    return metadata[name] if metadata and name in metadata else None


def _answer(intent: stripe.PaymentIntent) -> Answer | None:
    error = intent.last_payment_error
    refusal = Refused(error.message or "the card was declined") if error else None
    match intent.status:
        case "succeeded":
            return Accepted(money_of(intent.amount_received, intent.currency))
        case "requires_action":
            return Challenged(intent.client_secret or "")
        case "requires_payment_method":
            return refusal
        case "canceled":
            return refusal or Ended()
        case _:
            return None


def _refund_answer(refund: stripe.Refund) -> RefundAnswer:
    match refund.status:
        case "succeeded":
            return GivenBack(money_of(refund.amount, refund.currency).amount)
        case "failed" | "canceled":
            return Refused(f"the card did not take it: {refund.failure_reason or refund.status}")
        case _:
            return Pending()


def open_stripe(key_arn: str) -> Stripe:
    """Stripe with the key in the secret of this ARN, which is read here, once a process."""
    return Stripe(client_of(aws.secrets().get_secret_value(SecretId=key_arn)["SecretString"].strip()))


def client_of(key: str) -> stripe.StripeClient:
    """A client without retries: a failed request is retried with its message."""
    return stripe.StripeClient(key, max_network_retries=0, http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS))
