"""Payment providers behind one port, and a sandbox for cards. A real gateway is one more; cash needs none.

An attempt is made in two steps, so that a row can say whether money may have moved:

    create ──> reference, in the row ──> confirm ──> accepted, refused          money moves here, if anywhere
                                     │   └─> challenged, by the shopper's bank ──> the same, reported later, or never
                                     └─> cancel ───> ended; or what was answered before

The sandbox's test tokens, each for one thing that can happen:

    tok_visa                accepted
    tok_declined            declined
    tok_timeout             accepted, but the answer comes too late
    tok_flaky               unavailable twice, then accepted
    tok_norefund            accepted; a refund is refused for good
    tok_refund_fails_later  accepted; a refund is done, and ten seconds later it has failed after all
    tok_3ds                 challenged: the shopper's bank is asked, and agrees, refuses, or never answers
    tok_3ds_late            likewise, but what the bank has said is reported ten seconds later
    tok_dispute             accepted, and then disputed by the shopper's bank, which never decides
    tok_dispute_won         likewise, and the shop is right ten seconds later
    tok_dispute_lost        likewise, and the shop loses the money
    anything else           declined, as an unknown card
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.breaker import Breaker
from cloudretail.decider import WouldAct
from cloudretail.envelope import Event
from cloudretail.errors import Held, Transient
from cloudretail.money import Money
from cloudretail.settings import Absent, Settings, load
from cloudretail.telemetry import count
from cloudretail.tracing import root
from contract.payments import AttemptReported


class ProviderUnavailable(Transient):
    """The provider did not accept the request."""


class ProviderTimeout(Transient):
    """The provider may have received the request, or may still receive it."""


@dataclass(frozen=True)
class Accepted:
    """The money of an attempt was charged.

    Attributes:
        amount: how much; None if the provider does not say.
    """

    amount: Money | None = field(default=None, compare=False)


@dataclass(frozen=True)
class GivenBack:
    """The refund was made.

    Attributes:
        amount: minor units.
    """

    amount: int


@dataclass(frozen=True)
class Pending:
    """The refund is not decided yet, or cannot be made at present. A report follows."""


@dataclass(frozen=True)
class Refused:
    """The provider refuses for good."""

    reason: str


@dataclass(frozen=True)
class Ended:
    """The attempt was cancelled before it was made. It can take no money any more."""


@dataclass(frozen=True)
class Challenged:
    """The shopper's bank has to be asked first. An answer may follow or not.

    Attributes:
        challenge: what the browser needs to ask the bank. Only the shopper may see it.
    """

    challenge: str = field(repr=False)


type Answer = Accepted | Refused | Ended | Challenged

type RefundAnswer = GivenBack | Refused | Pending


@dataclass(frozen=True)
class ReportedDispute:
    """A dispute about an attempt, in its present state at the provider.

    Attributes:
        dispute_id: the provider's id of it.
        amount: what the shopper's bank has taken back for now.
        won: whether the shop has won; None while it is not decided.
        reason: in the provider's words.
    """

    dispute_id: str
    amount: Money
    won: bool | None
    reason: str


class Provider(Protocol):
    """Moves the money. The first answer to an attempt is final: later calls return the same answer. So is the answer to
    a refund, unless the refund fails later: then a report follows, and the answer is a refusal from then on.

    A challenge is not an answer. After a refused challenge, the attempt stays open until `cancel` ends it, since the
    shopper's browser could ask the bank again.

    Every method raises ProviderUnavailable if nothing was done, and ProviderTimeout if that is not known.
    """

    def create(self, key: str, amount: Money, token: str) -> str:
        """Create an attempt, without moving money.

        Args:
            key: idempotency key of the attempt. A provider may forget it after a day, as Stripe does. Then it creates
                a second attempt, which takes no money unless it is confirmed.
            amount: to charge.
            token: stands for the card.

        Returns:
            The provider's id of the attempt, which it does not forget.
        """
        ...

    def confirm(self, reference: str) -> Answer:
        """Charge the money of an attempt."""
        ...

    def cancel(self, reference: str) -> Answer:
        """End an attempt, so that neither a late `confirm` nor a challenge takes money. If the attempt was answered
        before, return that answer.
        """
        ...

    def find(self, reference: str) -> Answer | None:
        """The answer to an attempt; None if there is none yet."""
        ...

    def key_of(self, reference: str) -> str | None:
        """The idempotency key of an attempt; None if the attempt is not this shop's."""
        ...

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        """Refund money of an attempt.

        Args:
            key: idempotency key of the refund.
            reference: of the attempt.
            amount: to refund.
        """
        ...

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        """The answer to the refund of an attempt with this key; None if the provider never received it."""
        ...

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        """The disputes about an attempt that took money back, decided ones too."""
        ...


class ReadOnlyProvider:
    """A Provider for dry runs: it is only asked for answers that it has given before."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def create(self, key: str, amount: Money, token: str) -> str:
        del token
        raise WouldAct(f"charge {amount} as {key}")

    def confirm(self, reference: str) -> Answer:
        return self._answered(reference, "charge")

    def cancel(self, reference: str) -> Answer:
        return self._answered(reference, "call off")

    def find(self, reference: str) -> Answer | None:
        return self._provider.find(reference)

    def key_of(self, reference: str) -> str | None:
        return self._provider.key_of(reference)

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        del key
        raise WouldAct(f"refund {amount} of {reference}")

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        return self._provider.find_refund(key, reference)

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        return self._provider.disputes(reference)

    def _answered(self, reference: str, otherwise: str) -> Answer:
        """The answer that the provider has given before; without one, raises WouldAct."""
        if answer := self.find(reference):
            return answer
        raise WouldAct(f"{otherwise} {reference}")


class GuardedProvider:
    """A Provider behind a breaker: every method raises Held while the provider is known to be unavailable.

    Only calls that move money, or end an attempt, prove that it is available again.

    Args:
        provider: is called.
        breaker: of that provider.
    """

    def __init__(self, provider: Provider, breaker: Breaker) -> None:
        self._provider = provider
        self._breaker = breaker

    def create(self, key: str, amount: Money, token: str) -> str:
        return self._call(lambda: self._provider.create(key, amount, token), proves=False)

    def confirm(self, reference: str) -> Answer:
        return self._call(lambda: self._provider.confirm(reference))

    def cancel(self, reference: str) -> Answer:
        return self._call(lambda: self._provider.cancel(reference))

    def find(self, reference: str) -> Answer | None:
        return self._call(lambda: self._provider.find(reference), proves=False)

    def key_of(self, reference: str) -> str | None:
        return self._call(lambda: self._provider.key_of(reference), proves=False)

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        return self._call(lambda: self._provider.refund(key, reference, amount))

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        return self._call(lambda: self._provider.find_refund(key, reference), proves=False)

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        return self._call(lambda: self._provider.disputes(reference), proves=False)

    def _call[T](self, ask: Callable[[], T], *, proves: bool = True) -> T:
        try:
            return self._breaker.call(ask, proves=proves)
        except Held:
            count("ProviderAway")
            raise


SANDBOX = "sandbox"
"""The provider that moves no real money."""

STRIPE = "stripe"
"""The provider that takes cards for real."""


class TestToken(StrEnum):
    """The test tokens of the table in this module's docstring."""

    __test__ = False

    VISA = "tok_visa"
    DECLINED = "tok_declined"
    TIMEOUT = "tok_timeout"
    FLAKY = "tok_flaky"
    NOREFUND = "tok_norefund"
    REFUND_FAILS_LATER = "tok_refund_fails_later"
    CHALLENGE = "tok_3ds"
    CHALLENGE_LATE = "tok_3ds_late"
    DISPUTE = "tok_dispute"
    DISPUTE_WON = "tok_dispute_won"
    DISPUTE_LOST = "tok_dispute_lost"


FLAKY_FAILURES = 2
"""How often the sandbox is unavailable for a charge with `tok_flaky` before it accepts it."""

SOON = timedelta(seconds=2)
"""After how long the sandbox reports a dispute."""

LATER = timedelta(seconds=10)
"""After how long it reports what comes late: an answer, a failed refund, or the decision of a dispute."""

CHALLENGES = frozenset({TestToken.CHALLENGE.name, TestToken.CHALLENGE_LATE.name})

DISPUTES: Mapping[str, bool | None] = {
    TestToken.DISPUTE.name: None,
    TestToken.DISPUTE_WON.name: True,
    TestToken.DISPUTE_LOST.name: False,
}
"""Whether the shop wins the dispute, by the effect of the card; None if it is never decided."""

type Report = Callable[[str, timedelta], None]
"""Reports after some time that an attempt, by its reference, has an outcome; raises Transient if that fails."""


def _report_nothing(reference: str, after: timedelta) -> None:
    del reference, after


def _now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A card gateway with a table of its own, which has a row for each attempt and refund by its key.

    An attempt's reference is its key. The table stores the effect of a card, and never its token. For effects that come
    later, it stores the time of the answer before them.

    Args:
        table: its name.
        report: sends a report to the shop.
        clock: returns the time, aware.
    """

    def __init__(self, table: str, report: Report = _report_nothing, clock: Callable[[], datetime] = _now) -> None:
        self._table = table
        self._report = report
        self._clock = clock

    def create(self, key: str, amount: Money, token: str) -> str:
        values = {
            ":amount": amount.amount,
            ":currency": amount.currency,
            ":effect": TestToken(token).name if token in set(TestToken) else "UNKNOWN",
        }
        self._update(
            key,
            "SET amount = if_not_exists(amount, :amount), currency = if_not_exists(currency, :currency),"
            " effect = if_not_exists(effect, :effect)",
            values,
        )
        return key

    def confirm(self, reference: str) -> Answer:
        row = self._row(reference)
        effect = row.get("effect")
        if known := _answer(row):
            self._report_dispute(reference, effect, known)
            return known  # This includes an open challenge, which stays the same.
        if effect == TestToken.FLAKY.name and self._calls(reference) <= FLAKY_FAILURES:
            raise ProviderUnavailable("sandbox: unavailable")
        if effect in CHALLENGES:
            values = {":challenge": f"{reference}/{secrets.token_urlsafe(16)}"}
            row = self._update(reference, "SET challenge = if_not_exists(challenge, :challenge)", values)
            return _answer(row) or Challenged(row["challenge"])
        answer = self._answered(reference, _decision(effect))
        if effect == TestToken.TIMEOUT.name:
            raise ProviderTimeout("sandbox: no answer in time")
        self._report_dispute(reference, effect, answer)
        return answer

    def cancel(self, reference: str) -> Answer:
        return self._answered(reference, Ended())

    def answer_challenge(self, reference: str, challenge: str, *, agreed: bool) -> bool:
        """Store the answer of the shopper's bank. After a refusal, the bank can be asked again.

        Returns:
            Whether the attempt still waited for it; False if it has ended, or never had this challenge.
        """
        expression = "SET outcome = :outcome, reason = :reason" if agreed else "SET refusal = :reason"
        values = {":challenge": challenge, ":reason": "" if agreed else "your bank did not agree"}
        values |= {":outcome": "ACCEPTED"} if agreed else {}
        try:
            self._update(reference, expression, values, "challenge = :challenge AND attribute_not_exists(outcome)")
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise
            return False
        return True

    def key_of(self, reference: str) -> str | None:
        return reference if self._row(reference) else None

    def find(self, reference: str) -> Answer | None:
        return _answer(self._row(reference))

    def is_late(self, reference: str) -> bool:
        """Whether the bank's answer to an attempt is reported late."""
        return self._row(reference).get("effect") == TestToken.CHALLENGE_LATE.name

    def refund(self, key: str, reference: str, amount: Money) -> RefundAnswer:
        charge = self._row(reference)
        known = self.find_refund(key, reference)
        if known is None and any(dispute.won is not True for dispute in self.disputes(reference)):
            return Pending()
        effect = charge.get("effect")
        if effect == TestToken.REFUND_FAILS_LATER.name:
            self._report(reference, LATER)
            self._report(reference, LATER)
        if known:
            return known
        decision: Answer = Accepted()
        if not isinstance(_answer(charge), Accepted):
            decision = Refused("there is no such charge")
        elif effect == TestToken.NOREFUND.name:
            decision = Refused("this card takes no refunds")
        self._update(
            key,
            "SET amount = if_not_exists(amount, :amount), currency = if_not_exists(currency, :currency),"
            " effect = if_not_exists(effect, :effect)",
            {":amount": amount.amount, ":currency": amount.currency, ":effect": effect or "UNKNOWN"},
        )
        self._answered(key, decision)
        return self.find_refund(key, reference) or Pending()

    def find_refund(self, key: str, reference: str) -> RefundAnswer | None:
        del reference
        row = self._row(key)
        match _answer(row):
            case Accepted() if row.get("effect") == TestToken.REFUND_FAILS_LATER.name and self._is_later(row):
                return Refused("the card did not take the refund after all")
            case Accepted():
                return GivenBack(row["amount"])
            case Refused() as refused:
                return refused
            case _:
                return None

    def disputes(self, reference: str) -> tuple[ReportedDispute, ...]:
        row = self._row(reference)
        if row.get("effect") not in DISPUTES or not isinstance(_answer(row), Accepted):
            return ()
        amount = Money(amount=row["amount"], currency=row["currency"])
        won = DISPUTES[row["effect"]] if self._is_later(row) else None
        return (ReportedDispute(f"dispute of {reference}", amount, won, "fraudulent"),)

    def _is_later(self, row: Mapping[str, Any]) -> bool:
        """Whether the time of the card's later effect has come."""
        return self._clock() >= datetime.fromisoformat(row["answeredAt"]) + LATER

    def _report_dispute(self, reference: str, effect: object, answer: Answer) -> None:
        if not isinstance(answer, Accepted) or effect not in DISPUTES:
            return
        self._report(reference, SOON)
        if effect != TestToken.DISPUTE.name:
            self._report(reference, LATER)

    def _row(self, key: str) -> dict[str, Any]:
        found = aws.dynamodb().get_item(TableName=self._table, Key={"chargeKey": {"S": key}}, ConsistentRead=True)
        return dynamodb.from_item(found.get("Item", {}))

    def _calls(self, key: str) -> int:
        """Count this call; returns its number, from 1."""
        return int(self._update(key, "ADD calls :one", {":one": 1})["calls"])

    def _answered(self, key: str, decision: Answer) -> Answer:
        """Store an answer. The first one is final: of two calls about the same key, both get the same answer.

        confirm: nothing answered    cancel: ENDED, a tombstone    confirm: ACCEPTED if none: no, ENDED
        """
        values = {
            ":outcome": type(decision).__name__.upper(),
            ":reason": decision.reason if isinstance(decision, Refused) else "",
            ":now": self._clock().isoformat(),
        }
        row = self._update(
            key,
            "SET outcome = if_not_exists(outcome, :outcome), reason = if_not_exists(reason, :reason),"
            " answeredAt = if_not_exists(answeredAt, :now)",
            values,
        )
        return _answer(row) or decision

    def _update(self, key: str, expression: str, values: dict[str, Any], condition: str = "") -> dict[str, Any]:
        """The row as it is afterwards."""
        conditions: Any = {"ConditionExpression": condition} if condition else {}
        updated = aws.dynamodb().update_item(
            TableName=self._table,
            Key={"chargeKey": {"S": key}},
            UpdateExpression=expression,
            ExpressionAttributeValues=dynamodb.to_item(values),
            ReturnValues="ALL_NEW",
            **conditions,
        )
        return dynamodb.from_item(updated["Attributes"])


class SandboxSettings(Settings):
    """What the sandbox needs.

    Attributes:
        sandbox_reports_queue: address of the queue for its reports; None in a function that causes no later reports.
    """

    sandbox_charges_table: Absent[str] = None
    sandbox_reports_queue: Absent[str] = None


def open_sandbox() -> Sandbox | None:
    """The sandbox, by this function's environment; None on a stage that does not have it."""
    settings = load(SandboxSettings)
    if not settings.sandbox_charges_table:
        return None
    report = (
        partial(report_later, settings.sandbox_reports_queue) if settings.sandbox_reports_queue else _report_nothing
    )
    return Sandbox(settings.sandbox_charges_table, report)


def report_later(queue: str, reference: str, after: timedelta) -> None:
    """Put a report of the sandbox into the worker's queue, where it becomes visible after some time.

    Args:
        queue: its address.
        reference: of the attempt.
        after: at most 15 minutes.
    """
    now = datetime.now(UTC)
    event_id = f"{SANDBOX}:{reference}:after {after.total_seconds():.0f} s"
    report = AttemptReported(provider=SANDBOX, reference=reference)
    put_report(queue, Event(event_id, now, event_id, root(event_id), report), after)


def put_report(queue: str, report: Event, after: timedelta) -> None:
    """As `report_later`, with a given report."""
    aws.sqs().send_message(QueueUrl=queue, MessageBody=report.to_json(), DelaySeconds=int(after.total_seconds()))


def _decision(effect: object) -> Answer:
    """The sandbox's answer to an attempt with a card of this effect."""
    if effect == TestToken.DECLINED.name:
        return Refused("the card was declined")
    return Accepted() if effect in TestToken.__members__ else Refused("the card is unknown")


def _answer(row: dict[str, Any]) -> Answer | None:
    match row.get("outcome"):
        case "ACCEPTED":
            return Accepted()
        case "REFUSED":
            return Refused(row["reason"])
        case "ENDED":
            return Ended()
        case _ if "refusal" in row:
            return Refused(row["refusal"])
        case _ if "challenge" in row:
            return Challenged(row["challenge"])
        case _:
            return None
