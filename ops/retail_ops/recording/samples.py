"""The sample invocations in events/: a folder for each function, recorded by `cloudretail events record`.

events/<function>/<case>.json   the payload of one invocation; the name of a refused one begins with bad-
events/index.json               the outcome of each when it was recorded
events/rows.json                the orders and carts that they are about, as they were then
events/stripe/<type>.json       an event of Stripe's as the rules of the template get it; no function does
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from retail_ops.errors import OpsError
from retail_ops.stack.shop import PROJECT, Shop

EVENTS = PROJECT / "events"
INDEX = EVENTS / "index.json"
ROWS = EVENTS / "rows.json"
STRIPE = EVENTS / "stripe"

REPORTED = "PaymentWorkerReactions"
"""The function that gets what the rules make of Stripe's events."""

STRIPE_CASE = "bad-stripe-{}"
"""The case of that; the shop that it is tried in has no such payment, and mostly no account at Stripe."""

type Item = dict[str, Any]
"""A row in DynamoDB's own form."""


@dataclass(frozen=True)
class Sample:
    """A recorded invocation.

    Attributes:
        function: logical id.
        case: the name of the case, as in the file's name.
        answer: for an HTTP function the status; for a queue's consumer the indexes of the refused messages in the
            batch; None for a function without an answer.
    """

    function: str
    case: str
    answer: int | Sequence[int] | None

    @property
    def name(self) -> str:
        return f"{folder_of(self.function)}/{self.case}"

    @property
    def path(self) -> Path:
        return EVENTS / f"{self.name}.json"

    @property
    def event(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_text())
        return content

    @property
    def is_bad(self) -> bool:
        """Whether its name says that it is refused, as a whole or in part."""
        return self.case.startswith("bad-")


def folder_of(function: str) -> str:
    """The folder in events/ of a function's samples: `orders` for OrdersReactions, `orders-api` for OrdersApi."""
    return kebab(function.removesuffix("Reactions"))


def kebab(name: str) -> str:
    """`OrderPlaced` as `order-placed`, and SOLD_OUT as `sold-out`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).replace("_", "-").lower()


def load() -> list[Sample]:
    """All of them, in the order in which they were recorded."""
    return [Sample(**entry) for entry in json.loads(INDEX.read_text())]


def outcome(event: Mapping[str, Any], answer: Any) -> int | Sequence[int] | None:
    """The outcome of an invocation, in the form of a sample's `answer`.

    Args:
        event: the payload.
        answer: of the function.
    """
    match answer:
        case {"statusCode": int(status)}:
            return status
        case {"batchItemFailures": list(failures)}:
            failed = {failure["itemIdentifier"] for failure in failures}
            return [n for n, record in enumerate(event["Records"]) if record["messageId"] in failed]
        case _:
            return None


def of_file(function: str, event: str) -> Sample | None:
    """The sample that a file is; None if it is not a sample of this function.

    Args:
        function: logical id.
        event: path of the file.
    """
    path = Path(event).resolve()
    return next((sample for sample in load() if sample.function == function and sample.path == path), None)


def kind_of(event: Any) -> str | None:
    """The kind of an invocation's payload, in words; None for an unknown kind."""
    match event:
        case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
            return "a batch of a queue"
        case {"Records": [{"eventSource": "aws:dynamodb"}, *_]}:
            return "a batch of a table's stream"
        case {"Records": [{"eventSource": "aws:s3"}, *_]}:
            return "a notification of a bucket"
        case {"requestContext": {"http": _}}:
            return "an HTTP request"
        case {"triggerSource": _}:
            return "a trigger of a user pool"
        case _:
            return None


def require_kind(function: str, event: Any) -> None:
    """Make sure that a function takes such a payload, by its recorded samples.

    Args:
        function: logical id.
        event: the payload. A payload of unknown kind is accepted.

    Raises:
        OpsError: the function takes another kind.
    """
    own = [sample for sample in load() if sample.function == function]
    taken = {kind for sample in own if (kind := kind_of(sample.event))}
    given = kind_of(event)
    if given and taken and given not in taken:
        raise OpsError(
            f"This is {given}, and {function} takes {' or '.join(sorted(taken))}. "
            f"Samples of it are in {own[0].path.parent.relative_to(PROJECT)}/."
        )


@cache
def rows() -> Mapping[str, Sequence[Item]]:
    """The rows that samples are about, by logical id of the table."""
    content: dict[str, list[Item]] = json.loads(ROWS.read_text())
    return content


def rows_of(text: str) -> list[tuple[str, Item]]:
    """The rows that an invocation is about, each with its table's logical id.

    Args:
        text: the payload, as JSON.
    """
    return [(table, item) for table, items in rows().items() for item in items if _is_about(text, item)]


def _is_about(text: str, item: Item) -> bool:
    """Whether the payload names the order that the row belongs to, or the row's own key."""
    order_id = item.get("orderId", {}).get("S")
    return _key(item) in text or (order_id is not None and order_id in text)


def _key(item: Item) -> str:
    """The recorded rows have their key first."""
    key: str = next(iter(item.values()))["S"]
    return key


def put_rows(shop: Shop, text: str) -> list[str]:
    """Put the rows that an invocation is about into a shop, where it does not have them yet.

    They have no outbox, so no event is published about an order that was never placed there.

    Args:
        shop: a local one.
        text: the payload, as JSON.

    Returns:
        The keys of the rows that were put.
    """
    if shop.endpoint is None:
        raise OpsError("Recorded rows belong into local shops only.")
    put = []
    for table, item in rows_of(text):
        key = next(iter(item))
        try:
            shop.dynamodb.put_item(
                TableName=shop.tables[table],
                Item=item,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key},
            )
        except shop.dynamodb.exceptions.ConditionalCheckFailedException:
            continue
        put.append(_key(item))
    return put


def in_own_pool(shop: Shop, text: str) -> str:
    """A trigger's payload as the shop's own user pool would send it, about the user there with the same address.

    Args:
        shop: in which the function is to be tried.
        text: any payload, as JSON; one that is no trigger's is returned as it is.
    """
    event = json.loads(text)
    if "triggerSource" not in event:
        return text
    event["userPoolId"] = shop.output("UserPoolId")
    email = event["request"]["userAttributes"]["email"]
    found = shop.cognito.list_users(UserPoolId=event["userPoolId"], Filter=f'email = "{email}"')["Users"]
    if found:
        event["userName"] = found[0]["Username"]
    return json.dumps(event)
