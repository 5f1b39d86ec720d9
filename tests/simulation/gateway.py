"""A card gateway as the worker sees it, and the money that moved."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudretail.money import Money
from payments.providers import (
    FLAKY_FAILURES,
    Accepted,
    Answer,
    ProviderTimeout,
    ProviderUnavailable,
    Refused,
    TestToken,
)
from tests.simulation.schedule import Violation

FORGETS_AFTER = timedelta(days=1)
"""How long a key protects from a second charge. The sandbox never forgets; real gateways do (Stripe: 24 hours)."""


@dataclass
class Charge:
    """One request for money that the gateway took.

    Attributes:
        key: idempotency key.
        at: when.
        refused: why no money moved; None where it did.
        refundable: whether the card takes the money back.
        refunded: whether it has it back.
    """

    key: str
    at: datetime
    refused: str | None
    refundable: bool
    refunded: bool = False

    @property
    def kept(self) -> bool:
        return self.refused is None and not self.refunded

    @property
    def answer(self) -> Answer:
        return Accepted() if self.refused is None else Refused(self.refused)


@dataclass(frozen=True)
class Refund:
    """One request for the money back."""

    key: str
    at: datetime
    answer: Answer


class Gateway:
    """A Provider with a memory by key that fades, and requests that arrive after their answer was given up.

    Args:
        hook: called with the point and the key before and after each request; what it raises is what the worker gets.
        clock: the time.

    Attributes:
        charges: all, oldest first.
        refunds: likewise.
        underway: by key, requests that the worker has given up and that the gateway has not taken yet.
    """

    def __init__(self, hook: Callable[[str, str], None], clock: Callable[[], datetime]) -> None:
        self._hook = hook
        self._clock = clock
        self._unavailable: dict[str, int] = {}
        self.charges: list[Charge] = []
        self.refunds: list[Refund] = []
        self.underway: dict[str, Callable[[], object]] = {}

    def charge(self, key: str, amount: Money, token: str | None) -> Answer:
        self._ask("charge", key, lambda: self._charged(key, token))
        if token == TestToken.FLAKY and self._unavailable.get(key, 0) < FLAKY_FAILURES:
            self._unavailable[key] = self._unavailable.get(key, 0) + 1
            raise ProviderUnavailable("unavailable")
        known = len(self.charges)
        charge = self._charged(key, token)
        self._hook("charged", key)
        if token == TestToken.TIMEOUT and len(self.charges) > known:
            raise ProviderTimeout("no answer in time")
        return charge.answer

    def find(self, key: str) -> Answer | None:
        self._hook("find", key)
        answers = [charge.answer for charge in self.charges if charge.key == key]
        answers += [refund.answer for refund in self.refunds if refund.key == key]
        return answers[-1] if answers else None

    def refund(self, key: str, charge_key: str, amount: Money) -> Answer:
        self._ask("refund", key, lambda: self._refunded(key, charge_key))
        refund = self._refunded(key, charge_key)
        self._hook("refunded", key)
        return refund.answer

    def land(self, key: str) -> None:
        """What was underway arrives."""
        self.underway.pop(key)()

    def kept(self, payment_id: str) -> list[Charge]:
        """The charges of a payment whose money the shop has."""
        return [charge for charge in self.charges if charge.kept and charge.key.startswith(f"{payment_id}:")]

    def _forgotten(self, at: datetime) -> bool:
        return self._clock() - at > FORGETS_AFTER

    def _ask(self, what: str, key: str, request: Callable[[], object]) -> None:
        try:
            self._hook(what, key)
        except Late:
            self.underway[key] = request
            raise ProviderTimeout("no answer in time") from None

    def _charged(self, key: str, token: str | None) -> Charge:
        """The charge with this key, made now where none is remembered."""
        known = [charge for charge in self.charges if charge.key == key and not self._forgotten(charge.at)]
        if known:
            return known[-1]
        objection = None if token in set(TestToken) - {TestToken.DECLINED} else "declined"
        charge = Charge(key, self._clock(), objection, refundable=token != TestToken.NOREFUND)
        self.charges.append(charge)
        payment_id = key.partition(":")[0]
        if len(self.kept(payment_id)) > 1:
            raise Violation("charged twice", f"{payment_id} by {[each.key for each in self.kept(payment_id)]}")
        return charge

    def _refunded(self, key: str, charge_key: str) -> Refund:
        """The refund with this key, made now where none is remembered."""
        known = [refund for refund in self.refunds if refund.key == key and not self._forgotten(refund.at)]
        if not known:
            known = [Refund(key, self._clock(), self._give_back(charge_key))]
            self.refunds += known
        return known[-1]

    def _give_back(self, charge_key: str) -> Answer:
        kept = [charge for charge in self.charges if charge.key == charge_key and charge.kept]
        if not kept:
            return Refused("there is no such charge, or its money was given back")
        if not kept[0].refundable:
            return Refused("this card takes no refunds")
        kept[0].refunded = True
        return Accepted()


class Late(Exception):
    """The request will arrive, but after its answer was given up."""
