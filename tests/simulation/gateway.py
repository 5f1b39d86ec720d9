"""A card gateway as the worker sees it, and the money that moved."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudretail.money import Money
from payments.providers import (
    FLAKY_FAILURES,
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
    TestToken,
)
from tests.simulation.schedule import Violation

FORGETS_AFTER = timedelta(days=1)
"""How long a key protects from a second attempt or refund. The sandbox never forgets; real gateways do (Stripe: 24
hours). What it has a reference for, it never forgets."""


@dataclass
class Attempt:
    """An attempt that the gateway knows.

    Attributes:
        key: idempotency key.
        reference: the gateway's own name for it.
        at: when it was created.
        token: of the card.
        amount: minor units.
        answers: that were given, the latest last; more than one only where the gateway did not keep its word.
        refunded: minor units that the card has back.
        disputed: minor units that the shopper's bank has taken back; 0 where it never did.
        won: whether the shop was right about that; None while it is not decided.
        unavailable: how often a confirmation was not accepted.
        challenged: whether the shopper's bank wants to be asked first.
        refused: whether it was asked, and did not agree; it can be asked again.
    """

    key: str
    reference: str
    at: datetime
    token: str
    amount: int
    answers: tuple[Answer, ...] = ()
    refunded: int = 0
    disputed: int = 0
    won: bool | None = None
    unavailable: int = 0
    challenged: bool = False
    refused: bool = False

    @property
    def answer(self) -> Answer | None:
        return self.answers[-1] if self.answers else None

    @property
    def reported(self) -> Answer | None:
        """What the gateway says of it."""
        if self.answer or not self.challenged:
            return self.answer
        return Refused("the bank did not agree") if self.refused else Challenged(f"secret of {self.reference}")

    @property
    def kept(self) -> int:
        """Minor units of it that the shop has."""
        return self.amount - self.refunded - self.lost if self.answer == Accepted() else 0

    @property
    def lost(self) -> int:
        """Minor units of it that the shopper's bank has, for now or for good."""
        return 0 if self.won else self.disputed

    @property
    def turned(self) -> bool:
        return len(self.answers) > 1


@dataclass
class Refund:
    """One request for the money back, whose answer becomes another one where it fails later."""

    key: str
    reference: str
    at: datetime
    answer: RefundAnswer


class Gateway:
    """A Provider with a memory by key that fades, and requests that arrive after their answer was given up.

    Args:
        hook: called with the point and the key or reference before and after each request; what it raises is what the
            worker gets.
        clock: the time.

    Attributes:
        attempts: all, oldest first.
        refunds: likewise.
        underway: requests that the worker has given up and that the gateway has not received yet.
        news: references of attempts of which the gateway has an answer that it has not reported to the shop yet.
    """

    def __init__(self, hook: Callable[[str, str], None], clock: Callable[[], datetime]) -> None:
        self._hook = hook
        self._clock = clock
        self.attempts: list[Attempt] = []
        self.refunds: list[Refund] = []
        self.underway: dict[str, Callable[[], object]] = {}
        self.news: list[str] = []

    def create(self, key: str, amount: Money, token: str) -> str:
        self._ask("create", key, lambda: self._created(key, token, amount))
        attempt = self._created(key, token, amount)
        self._hook("created", attempt.reference)
        return attempt.reference

    def confirm(self, reference: str) -> Answer:
        self._ask("confirm", reference, lambda: self._confirmed(reference))
        attempt = self.named(reference)
        if attempt.token == TestToken.FLAKY and not attempt.answer and attempt.unavailable < FLAKY_FAILURES:
            attempt.unavailable += 1
            raise ProviderUnavailable("unavailable")
        first = attempt.answer is None
        answer = self._confirmed(reference)
        self._hook("confirmed", reference)
        if attempt.token == TestToken.TIMEOUT and first:
            raise ProviderTimeout("no answer in time")
        return answer

    def cancel(self, reference: str) -> Answer:
        self._ask("cancel", reference, lambda: self._answered(reference, Ended()))
        answer = self._answered(reference, Ended())
        self._hook("cancelled", reference)
        return answer

    def find(self, reference: str) -> Answer | None:
        self._hook("find", reference)
        return self.named(reference).reported

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        self._hook("find", reference)
        answers = [refund.answer for refund in self.refunds if refund.key == key]
        return answers[-1] if answers else None

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        self._ask("refund", key, lambda: self._refunded(key, reference, amount))
        answer = self._refunded(key, reference, amount)
        self._hook("refunded", key)
        return answer

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        self._hook("find", reference)
        attempt = self.named(reference)
        if not attempt.disputed:
            return ()
        amount = Money(amount=attempt.disputed, currency="SGD")
        return (ReportedDispute(f"dispute of {reference}", amount, attempt.won, "fraudulent"),)

    def key_of(self, reference: str) -> str | None:
        self._hook("find", reference)
        return self.named(reference).key

    def ask_bank(self, reference: str, *, agreed: bool) -> bool:
        """The shopper answers a challenge, from whatever tab it is open in; False where it was of no use any more."""
        attempt = self.named(reference)
        if attempt.answer is not None:
            return False
        if agreed:
            attempt.answers = (Accepted(),)
            self._charged_once(reference)
        else:
            attempt.refused = True
        self.news.append(reference)
        return True

    def open_dispute(self, reference: str) -> bool:
        """The shopper's bank takes back what the shop has of an attempt, once; False where that is nothing."""
        attempt = self.named(reference)
        if attempt.disputed or not attempt.kept:
            return False
        attempt.disputed = attempt.kept
        self.news += [reference, reference]
        return True

    def decide_dispute(self, reference: str, *, won: bool) -> bool:
        """The shopper's bank decides; False where there is nothing to decide."""
        attempt = self.named(reference)
        if not attempt.disputed or attempt.won is not None:
            return False
        attempt.won = won
        self.news.append(reference)
        return True

    def bounce(self, key: str) -> bool:
        """The card does not take a refund after all; False where there is no such refund that was done."""
        done = [refund for refund in self.refunds if refund.key == key and isinstance(refund.answer, GivenBack)]
        for refund in done:
            assert isinstance(refund.answer, GivenBack), "it was done"
            attempt = self.named(refund.reference)
            attempt.refunded -= refund.answer.amount
            refund.answer = Refused("the card did not take it after all")
            self.news += [attempt.reference, attempt.reference]
        return bool(done)

    def land(self, request: str) -> None:
        """What was underway arrives."""
        self.underway.pop(request)()

    def turn(self, reference: str) -> bool:
        """Take the money of an attempt after all that was refused or ended: no gateway may, and one day one does.

        Its report tells the shop. False where the attempt is not such.
        """
        attempt = self.named(reference)
        if attempt.answer and attempt.answer != Accepted() and not attempt.turned:
            attempt.answers += (Accepted(),)
            self.news.append(reference)
            return True
        return False

    def named(self, reference: str) -> Attempt:
        """The attempt that the gateway knows by this reference."""
        return next(attempt for attempt in self.attempts if attempt.reference == reference)

    def kept(self, payment_id: str) -> list[Attempt]:
        """The attempts of a payment whose money the shop has."""
        return [attempt for attempt in self.attempts if attempt.kept and attempt.key.startswith(f"{payment_id}:")]

    def answers(self, key: str) -> list[Answer]:
        """What was ever answered to attempts with this key."""
        return [answer for attempt in self.attempts if attempt.key == key for answer in attempt.answers]

    def _forgotten(self, at: datetime) -> bool:
        return self._clock() - at > FORGETS_AFTER

    def _ask(self, what: str, key: str, request: Callable[[], object]) -> None:
        try:
            self._hook(what, key)
        except Late:
            self.underway[f"{what}:{key}"] = request
            raise ProviderTimeout("no answer in time") from None

    def _created(self, key: str, token: str, amount: Money) -> Attempt:
        """The attempt with this key, made now where none is remembered; no money moves."""
        known = [attempt for attempt in self.attempts if attempt.key == key and not self._forgotten(attempt.at)]
        if known:
            return known[-1]
        attempt = Attempt(key, f"{key}/{len(self.attempts) + 1}", self._clock(), token, amount.amount)
        self.attempts.append(attempt)
        return attempt

    def _confirmed(self, reference: str) -> Answer:
        accepted = self.named(reference).token in set(TestToken) - {TestToken.DECLINED}
        if self.named(reference).token == TestToken.CHALLENGE:
            return self._challenged(reference)
        answer = self._answered(reference, Accepted() if accepted else Refused("declined"))
        self._charged_once(reference)
        return answer

    def _charged_once(self, reference: str) -> None:
        payment_id = reference.partition(":")[0]
        kept = [attempt for attempt in self.kept(payment_id) if not attempt.turned]
        if len(kept) > 1:
            raise Violation("charged twice", f"{payment_id} by {[attempt.reference for attempt in kept]}")

    def _challenged(self, reference: str) -> Answer:
        attempt = self.named(reference)
        attempt.challenged = True
        return attempt.reported or Ended()

    def _answered(self, reference: str, answer: Answer) -> Answer:
        """The first answer stands."""
        attempt = self.named(reference)
        if attempt.answer is None:
            attempt.answers = (answer,)
        return attempt.answers[-1]

    def _refunded(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        """What became of the refund with this key, made now where none is remembered."""
        known = [refund for refund in self.refunds if refund.key == key and not self._forgotten(refund.at)]
        if not known:
            answer = self._give_back(reference, amount.amount)
            if isinstance(answer, Pending):
                return answer  # A charge that is disputed takes no refund in.
            known = [Refund(key, reference, self._clock(), answer)]
            self.refunds += known
        return known[-1].answer

    def _give_back(self, reference: str, amount: int) -> RefundAnswer:
        attempt = self.named(reference)
        if attempt.lost and (attempt.won is None or attempt.kept < amount):
            return Pending()
        if attempt.kept < amount:
            return Refused("there is no such charge, or less of it is left")
        if attempt.token == TestToken.NOREFUND:
            return Refused("this card takes no refunds")
        attempt.refunded += amount
        return GivenBack(amount)


class Late(Exception):
    """The request will arrive, but after its answer was given up."""
