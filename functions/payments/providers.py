"""Payment providers behind one port: cash on delivery, and a sandbox for cards. A real gateway is one more.

The sandbox's test tokens, each for one thing that can happen:

    tok_visa       accepted
    tok_declined   declined
    tok_timeout    accepted, but the answer comes too late
    tok_flaky      unavailable twice, then accepted
    tok_norefund   accepted; a refund is refused for good
    anything else  declined, as an unknown card
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.decider import WouldAct
from cloudretail.errors import Transient
from cloudretail.money import Money


class ProviderUnavailable(Transient):
    """The provider did not take the request."""


class ProviderTimeout(Transient):
    """The provider may or may not have taken the request: ask `find`."""


@dataclass(frozen=True)
class Accepted:
    """The money is taken (a charge) or on its way back (a refund)."""


@dataclass(frozen=True)
class Refused:
    """The provider says no, for good."""

    reason: str


type Answer = Accepted | Refused


class Provider(Protocol):
    """Whoever moves the money. The same key twice is the same charge once."""

    def charge(self, key: str, amount: Money, token: str | None) -> Answer:
        """Take the money.

        Args:
            key: idempotency key of the attempt.
            amount: to be taken.
            token: stands for the card; None for methods without one.

        Raises:
            ProviderUnavailable: nothing was taken, try again.
            ProviderTimeout: nobody knows, ask `find`.
        """
        ...

    def find(self, key: str) -> Answer | None:
        """What became of the charge or refund with this key; None where the provider has not heard of it."""
        ...

    def refund(self, key: str, charge_key: str, amount: Money) -> Answer:
        """Give the money of the charge `charge_key` back; raises as `charge` does."""
        ...


class ReadOnlyProvider:
    """A Provider for dry runs: what it knows already it answers, and nothing new is asked of it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def find(self, key: str) -> Answer | None:
        return self._provider.find(key)

    def charge(self, key: str, amount: Money, token: str | None) -> Answer:
        del token
        if known := self._provider.find(key):
            return known
        raise WouldAct(f"charge {amount} as {key}")

    def refund(self, key: str, charge_key: str, amount: Money) -> Answer:
        if known := self._provider.find(key):
            return known
        raise WouldAct(f"refund {amount} of {charge_key}")


class CashOnDelivery:
    """Accepted at once, collected by whoever delivers."""

    def charge(self, key: str, amount: Money, token: str | None) -> Answer:  # noqa: ARG002
        return Accepted()

    def find(self, key: str) -> Answer | None:  # noqa: ARG002
        return None

    def refund(self, key: str, charge_key: str, amount: Money) -> Answer:  # noqa: ARG002
        return Refused("cash that was not collected cannot be given back")


class TestToken(StrEnum):
    """See the module's table."""

    __test__ = False

    VISA = "tok_visa"
    DECLINED = "tok_declined"
    TIMEOUT = "tok_timeout"
    FLAKY = "tok_flaky"
    NOREFUND = "tok_norefund"


FLAKY_FAILURES = 2
"""How often a charge with `tok_flaky` is unavailable before it is accepted."""


class Sandbox:
    """A card gateway with a memory of its own: one table, a row for each charge and refund by its key."""

    def __init__(self, table: str) -> None:
        self._table = table

    def charge(self, key: str, amount: Money, token: str | None) -> Answer:
        known = self.find(key)
        if known:
            return known
        if token == TestToken.FLAKY and self._calls(key) <= FLAKY_FAILURES:
            raise ProviderUnavailable("sandbox: unavailable")
        refundable = token != TestToken.NOREFUND
        self._remember(key, amount, refundable=refundable, refused=_objection(token))
        if token == TestToken.TIMEOUT:
            raise ProviderTimeout("sandbox: no answer in time")
        return self._outcome(key)

    def find(self, key: str) -> Answer | None:
        found = aws.dynamodb().get_item(TableName=self._table, Key={"chargeKey": {"S": key}}, ConsistentRead=True)
        return _answer(dynamodb.from_item(found.get("Item", {})))

    def refund(self, key: str, charge_key: str, amount: Money) -> Answer:
        known = self.find(key)
        if known:
            return known
        found = aws.dynamodb().get_item(
            TableName=self._table, Key={"chargeKey": {"S": charge_key}}, ConsistentRead=True
        )
        charge = dynamodb.from_item(found.get("Item", {}))
        if not isinstance(_answer(charge), Accepted):
            reason: str | None = "there is no such charge"
        else:
            reason = None if charge["refundable"] else "this card takes no refunds"
        self._remember(key, amount, refundable=False, refused=reason)
        return self._outcome(key)

    def _calls(self, key: str) -> int:
        """Counts this call, and says the how-manieth it is."""
        updated = aws.dynamodb().update_item(
            TableName=self._table,
            Key={"chargeKey": {"S": key}},
            UpdateExpression="ADD calls :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(dynamodb.from_item(updated["Attributes"])["calls"])

    def _remember(self, key: str, amount: Money, *, refundable: bool, refused: str | None) -> None:
        """The first answer stands: of two calls with the same key, the second finds it."""
        values = {
            ":outcome": "REFUSED" if refused else "ACCEPTED",
            ":amount": amount.amount,
            ":currency": amount.currency,
            ":refundable": refundable,
            ":reason": refused or "",
        }
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key={"chargeKey": {"S": key}},
                UpdateExpression=(
                    "SET outcome = :outcome, amount = :amount, currency = :currency,"
                    " refundable = :refundable, reason = :reason"
                ),
                ConditionExpression="attribute_not_exists(outcome)",
                ExpressionAttributeValues=dynamodb.to_item(values),
            )
        except ClientError as error:
            if not dynamodb.is_condition_failed(error):
                raise

    def _outcome(self, key: str) -> Answer:
        answer = self.find(key)
        if answer is None:
            raise ProviderUnavailable("sandbox: the charge was not kept")
        return answer


def _objection(token: str | None) -> str | None:
    """Why the sandbox declines this card, or None."""
    if token == TestToken.DECLINED:
        return "the card was declined"
    return None if token in set(TestToken) else "the card is unknown"


def _answer(row: dict[str, object]) -> Answer | None:
    match row.get("outcome"):
        case "ACCEPTED":
            return Accepted()
        case "REFUSED":
            return Refused(str(row["reason"]))
        case _:
            return None
