"""Payment providers behind one port, and a sandbox for cards. A real gateway is one more; cash needs none.

An attempt is made in two steps, so that a row can say whether money may have moved:

    create ──> reference, in the row ──> confirm ──> accepted, refused          money moves here, if anywhere
                                     │   └─> challenged, by the shopper's bank ──> the same, reported later, or never
                                     └─> cancel ───> ended; or what was answered before

The sandbox's test tokens, each for one thing that can happen:

    tok_visa       accepted
    tok_declined   declined
    tok_timeout    accepted, but the answer comes too late
    tok_flaky      unavailable twice, then accepted
    tok_norefund   accepted; a refund is refused for good
    tok_3ds        challenged: the shopper's bank is asked, and agrees, refuses, or never answers
    anything else  declined, as an unknown card
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.breaker import Breaker
from cloudretail.decider import WouldAct
from cloudretail.errors import Held, Transient
from cloudretail.money import Money
from cloudretail.settings import Absent, Settings, load
from cloudretail.telemetry import count


class ProviderUnavailable(Transient):
    """The provider did not take the request."""


class ProviderTimeout(Transient):
    """The provider may or may not have taken the request, now or later."""


@dataclass(frozen=True)
class Accepted:
    """The money is taken (an attempt) or on its way back (a refund)."""


@dataclass(frozen=True)
class Refused:
    """The provider says no, for good."""

    reason: str


@dataclass(frozen=True)
class Ended:
    """The attempt was called off before it was made: it can take no money any more."""


@dataclass(frozen=True)
class Challenged:
    """The shopper's bank wants to be asked first; an answer follows, or never does.

    Attributes:
        challenge: what the browser needs to ask it: a secret of the shopper's.
    """

    challenge: str = field(repr=False)


type Answer = Accepted | Refused | Ended | Challenged


class Provider(Protocol):
    """Whoever moves the money. The first answer to an attempt or a refund stands: it is the answer to any other call.

    A challenge is no answer. Where a challenge was refused, the attempt is alive until it is ended by `cancel`: the
    shopper's browser could ask the bank again.

    Every method raises ProviderUnavailable where nothing was done, and ProviderTimeout where nobody knows.
    """

    def create(self, key: str, amount: Money, token: str) -> str:
        """Take an attempt in; moves no money.

        Args:
            key: idempotency key of the attempt. A provider may forget it after a day (Stripe does): then it makes
                another attempt of it, which takes no money unless it is confirmed.
            amount: to be taken.
            token: stands for the card.

        Returns:
            The provider's name for the attempt, which it does not forget.
        """
        ...

    def confirm(self, reference: str) -> Answer:
        """Take the money of an attempt."""
        ...

    def cancel(self, reference: str) -> Answer:
        """End an attempt, so that neither a `confirm` that is still on its way nor a challenge takes money; or say what
        was answered.
        """
        ...

    def find(self, reference: str) -> Answer | None:
        """What was answered to an attempt, or to a refund by its key; None where nothing was yet."""
        ...

    def key_of(self, reference: str) -> str | None:
        """The idempotency key that an attempt was made with; None where it is none of this shop's."""
        ...

    def refund(self, key: str, reference: str, amount: Money) -> Answer:
        """Give the money of an attempt back.

        Args:
            key: idempotency key of the refund.
            reference: of the attempt.
            amount: to be given back.
        """
        ...


class ReadOnlyProvider:
    """A Provider for dry runs: it is asked what it has answered, and to do nothing."""

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

    def refund(self, key: str, reference: str, amount: Money) -> Answer:
        del key
        raise WouldAct(f"refund {amount} of {reference}")

    def _answered(self, reference: str, otherwise: str) -> Answer:
        """What it would answer again; what was not answered yet, it would be asked to do."""
        if answer := self.find(reference):
            return answer
        raise WouldAct(f"{otherwise} {reference}")


class GuardedProvider:
    """A Provider behind a breaker; every method raises Held where it is known to be away.

    Only what moves money, or ends that, proves that it is back.

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

    def refund(self, key: str, reference: str, amount: Money) -> Answer:
        return self._call(lambda: self._provider.refund(key, reference, amount))

    def _call[T](self, ask: Callable[[], T], *, proves: bool = True) -> T:
        try:
            return self._breaker.call(ask, proves=proves)
        except Held:
            count("ProviderAway")
            raise


SANDBOX = "sandbox"
"""The provider that moves no real money."""


class TestToken(StrEnum):
    """See the module's table."""

    __test__ = False

    VISA = "tok_visa"
    DECLINED = "tok_declined"
    TIMEOUT = "tok_timeout"
    FLAKY = "tok_flaky"
    NOREFUND = "tok_norefund"
    CHALLENGE = "tok_3ds"


FLAKY_FAILURES = 2
"""How often a charge with `tok_flaky` is unavailable before it is accepted."""


class Sandbox:
    """A card gateway with a memory of its own: one table, a row for each attempt and refund by its key.

    An attempt's reference is its key. What a card does is kept, never its token.
    """

    def __init__(self, table: str) -> None:
        self._table = table

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
        if known := _answer(row):
            return known  # A challenge included: it is still the same one.
        effect = row.get("effect")
        if effect == TestToken.FLAKY.name and self._calls(reference) <= FLAKY_FAILURES:
            raise ProviderUnavailable("sandbox: unavailable")
        if effect == TestToken.CHALLENGE.name:
            values = {":challenge": f"{reference}/{secrets.token_urlsafe(16)}"}
            row = self._update(reference, "SET challenge = if_not_exists(challenge, :challenge)", values)
            return _answer(row) or Challenged(row["challenge"])
        answer = self._answered(reference, _decision(effect))
        if effect == TestToken.TIMEOUT.name:
            raise ProviderTimeout("sandbox: no answer in time")
        return answer

    def cancel(self, reference: str) -> Answer:
        return self._answered(reference, Ended())

    def answer_challenge(self, reference: str, challenge: str, *, agreed: bool) -> bool:
        """The shopper's bank answers: it agrees, or refuses, after which it can be asked again.

        Returns:
            Whether that was still of any use; False for an attempt that has ended or was never challenged so.
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

    def refund(self, key: str, reference: str, amount: Money) -> Answer:
        if known := self.find(key):
            return known
        charge = self._row(reference)
        decision: Answer = Accepted()
        if not isinstance(_answer(charge), Accepted):
            decision = Refused("there is no such charge")
        elif charge.get("effect") == TestToken.NOREFUND.name:
            decision = Refused("this card takes no refunds")
        self._update(
            key,
            "SET amount = if_not_exists(amount, :amount), currency = if_not_exists(currency, :currency)",
            {":amount": amount.amount, ":currency": amount.currency},
        )
        return self._answered(key, decision)

    def _row(self, key: str) -> dict[str, Any]:
        found = aws.dynamodb().get_item(TableName=self._table, Key={"chargeKey": {"S": key}}, ConsistentRead=True)
        return dynamodb.from_item(found.get("Item", {}))

    def _calls(self, key: str) -> int:
        """Counts this call, and says which one it is, from 1."""
        return int(self._update(key, "ADD calls :one", {":one": 1})["calls"])

    def _answered(self, key: str, decision: Answer) -> Answer:
        """The first answer stands: of two calls about the same key, the second gets what the first got.

        confirm: nothing answered    cancel: ENDED, a tombstone    confirm: ACCEPTED if none: no, ENDED
        """
        values = {
            ":outcome": type(decision).__name__.upper(),
            ":reason": decision.reason if isinstance(decision, Refused) else "",
        }
        row = self._update(
            key, "SET outcome = if_not_exists(outcome, :outcome), reason = if_not_exists(reason, :reason)", values
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
    """What the sandbox needs."""

    sandbox_charges_table: Absent[str] = None


def open_sandbox() -> Sandbox | None:
    """The sandbox of this function's environment; None on a stage that does not have it."""
    table = load(SandboxSettings).sandbox_charges_table
    return Sandbox(table) if table else None


def _decision(effect: object) -> Answer:
    """What the sandbox makes of an attempt with a card of this effect."""
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
