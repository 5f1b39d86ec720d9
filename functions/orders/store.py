"""Orders in DynamoDB, and what checkout reads of the cart, the catalogue and the stock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cloudretail import aws, dynamodb
from cloudretail.decider import Change
from cloudretail.envelope import Cause
from cloudretail.errors import LostRace, Transient
from cloudretail.money import Currency
from cloudretail.outbox import Aggregate, Row
from cloudretail.repository import MAX_TRIES, DynamoDBRepository, batch_get, conditional_put, pause_before_retry
from cloudretail.settings import Settings
from orders.address_book import AddressBook
from orders.domain import (
    MAX_LINES,
    Account,
    Basket,
    Cart,
    Held,
    HoldingLimits,
    Listed,
    Look,
    Order,
    ReturnPolicy,
    cart_changed,
)
from orders.rates import CURRENT, Rates

ORDERS = Aggregate("orders", "orderId", Order)

RATES = Aggregate("rates", "ratesId", Rates)
"""An aggregate with one row, which publishes nothing."""


ADDRESS_BOOKS = Aggregate("addresses", "userId", AddressBook)
"""An aggregate that publishes nothing: a book for each account."""


class OrderSettings(Settings):
    """What a function needs to read orders."""

    orders_table: str


class AccountSettings(OrderSettings):
    """What a function needs besides to change orders."""

    limits_table: str


class RatesSettings(Settings):
    """What a function needs to read and change the rates."""

    rates_table: str
    currency: Currency


class AddressSettings(Settings):
    """What the addresses of accounts need."""

    addresses_table: str


class CheckoutSettings(AccountSettings, RatesSettings, AddressSettings):
    """What checkout needs besides the three above."""

    cart_table: str
    products_table: str
    inventory_table: str
    open_orders_limit: int
    open_pieces_limit: int
    open_cash_limit: int
    return_days: int
    return_shipping: bool

    @property
    def returns(self) -> ReturnPolicy:
        return ReturnPolicy(self.return_days, shipping_refunded=self.return_shipping)

    @property
    def limits(self) -> HoldingLimits:
        return HoldingLimits(orders=self.open_orders_limit, pieces=self.open_pieces_limit, cash=self.open_cash_limit)


class DynamoDBOrders(DynamoDBRepository[Order]):
    """Orders. An order's write also updates what its account holds.

        order RESERVED, version 4            end: order CANCELLED, version 5, and the account lets go of it: one write
        account {version: 9, ord_1: ...}     the same end again: version = 4 does not hold, nothing is taken off twice

    Args:
        settings: the tables.
    """

    def __init__(self, settings: AccountSettings) -> None:
        super().__init__(settings.orders_table, ORDERS)
        self._orders = settings.orders_table
        self._limits = settings.limits_table

    def commit(
        self, key: str, read: Row[Order] | None, change: Change[Order], cause: Cause, now: datetime
    ) -> Row[Order]:
        if read is None or read.state.held is None or change.state.held is not None:
            return super().commit(key, read, change, cause, now)
        row = ORDERS.after(key, read, change, cause, now)
        transaction: list[Any] = [
            {"Put": conditional_put(self._orders, ORDERS, row)},
            {"Update": self._let_go(change.state)},
        ]
        try:
            aws.dynamodb().transact_write_items(TransactItems=transaction)
        except ClientError as error:
            codes = {reason.get("Code", "None") for reason in dynamodb.cancellation_reasons(error) or ()}
            if codes & (dynamodb.CONFLICTS | {dynamodb.CONDITION_FAILED}):
                raise LostRace(f"{ORDERS.name} {key}") from error
            raise
        return row

    def _let_go(self, order: Order) -> dict[str, object]:
        # REMOVE is idempotent: it is no error if the attribute, or the whole row, does not exist.
        return {
            "TableName": self._limits,
            "Key": {"userId": {"S": order.user_id}},
            "UpdateExpression": "REMOVE #order ADD #version :one",
            "ExpressionAttributeNames": {"#order": order.order_id, "#version": "version"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }


class OwnedOrders:
    """The orders of one user. An order of another user is not found.

    Args:
        settings: the tables.
        user_id: the owner, who is part of the condition of every read.
    """

    def __init__(self, settings: AccountSettings, user_id: str) -> None:
        self._table = settings.orders_table
        self._user_id = user_id
        self._rows = DynamoDBOrders(settings)

    def load(self, key: str) -> Row[Order] | None:
        found = aws.dynamodb().query(
            TableName=self._table,
            KeyConditionExpression="orderId = :order",
            FilterExpression="userId = :user",
            ExpressionAttributeValues={":order": {"S": key}, ":user": {"S": self._user_id}},
            ConsistentRead=True,
        )["Items"]
        return ORDERS.from_item(dynamodb.from_item(found[0])) if found else None

    def commit(
        self, key: str, read: Row[Order] | None, change: Change[Order], cause: Cause, now: datetime
    ) -> Row[Order]:
        return self._rows.commit(key, read, change, cause, now)

    def history(
        self, limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """The newest orders first.

        Args:
            limit: how many at most.
            after: `orderId` and `createdAt` of the last order of the previous page.

        Returns:
            The index's items, and the position of the next page; None at the end.
        """
        start = {"ExclusiveStartKey": dynamodb.to_item({**after, "userId": self._user_id})} if after else {}
        page = aws.dynamodb().query(
            TableName=self._table,
            IndexName="userId-createdAt",
            KeyConditionExpression="userId = :user",
            ExpressionAttributeValues={":user": {"S": self._user_id}},
            ScanIndexForward=False,
            Limit=limit,
            **start,  # type: ignore[arg-type]
        )
        last = dynamodb.from_item(page["LastEvaluatedKey"]) if "LastEvaluatedKey" in page else None
        position = {"orderId": last["orderId"], "createdAt": last["createdAt"]} if last else None
        return [dynamodb.from_item(item) for item in page["Items"]], position


class EveryonesOrders(DynamoDBOrders):
    """The orders of all shoppers, found by the indexes that staff search."""

    def newest(
        self, wanted: tuple[str, str], limit: int, after: Mapping[str, Any] | None
    ) -> tuple[list[Row[Order]], dict[str, Any] | None]:
        """The newest orders first.

        Args:
            wanted: name and value of an attribute that has an index, or `orderId` and an id for that one order.
            limit: how many at most.
            after: `orderId` and `createdAt` of the last order of the previous page.

        Returns:
            The orders as they are now, and the position of the next page; None at the end.
        """
        name, value = wanted
        if name == ORDERS.key:
            row = self.load(value)
            return [row] if row else [], None
        return self.page(f"{name}-createdAt", wanted, "createdAt", limit, after, descending=True)


class CheckoutStore:
    """`Checkouts` on DynamoDB: what one checkout reads and writes, in three round trips.

    Args:
        settings: the tables.
        user_id: whose cart and orders.
    """

    def __init__(self, settings: CheckoutSettings, user_id: str) -> None:
        self._settings = settings
        self._user_id = user_id

    def look(self, order_id: str) -> Look:
        """Read the state that a checkout begins with.

        Each read is consistent, but BatchGetItem is not a snapshot: the order may be placed between two of them.
        """
        orders, cart, limits = self._settings.orders_table, self._settings.cart_table, self._settings.limits_table
        rates = self._settings.rates_table
        mine = {"Keys": [{"userId": {"S": self._user_id}}], "ConsistentRead": True}
        found = batch_get(
            {
                orders: {"Keys": [{"orderId": {"S": order_id}}], "ConsistentRead": True},
                cart: mine,
                limits: mine,
                rates: {"Keys": [{"ratesId": {"S": CURRENT}}], "ConsistentRead": True},
            }
        )
        row = found[limits][0] if found[limits] else {}
        held = {order: Held.model_validate(each) for order, each in row.items() if isinstance(each, dict)}
        return Look(
            self._own(found[orders]),
            Cart.model_validate(found[cart][0]) if found[cart] else Cart(),
            Account(held, self._settings.limits, row.get("version", 0)),
            RATES.from_item(found[rates][0]).state if found[rates] else Rates(),
        )

    def order(self, order_id: str) -> Order | None:
        """The order that a request with this key has placed; None if there is none."""
        orders = self._settings.orders_table
        found = batch_get({orders: {"Keys": [{"orderId": {"S": order_id}}], "ConsistentRead": True}})
        return self._own(found[orders])

    def _own(self, found: Sequence[Mapping[str, Any]]) -> Order | None:
        # The id is derived from the owner's id, so no other user's order can have it. The condition makes sure.
        own = [item for item in found if item["userId"] == self._user_id]
        return ORDERS.from_item(own[0]).state if own else None

    def basket(self, cart: Cart) -> Basket:
        """Today's prices and stock of what is in `cart`, by consistent reads.

        A product that is not listed, or has a price in another currency than the shop's, is not sold. The cart's page
        has the same rule.
        """
        products, inventory = self._settings.products_table, self._settings.inventory_table
        # `place` refuses a longer cart. The keys of MAX_LINES products in both tables fit into one BatchGetItem.
        ids = [{"productId": {"S": line.product_id}} for line in cart.items[:MAX_LINES]]
        keys = {"Keys": ids, "ConsistentRead": True}
        found = batch_get({products: keys, inventory: keys}) if ids else {}
        return Basket(
            cart,
            {
                item["productId"]: Listed.model_validate(item)
                for item in found.get(products, [])
                if item["listed"] and item["price"]["currency"] == self._settings.currency
            },
            {item["productId"]: item["availableQty"] for item in found.get(inventory, [])},
            self._settings.returns,
        )

    def place(self, change: Change[Order], cart_version: int, account: Account, cause: Cause, now: datetime) -> None:
        """Put the order, empty the cart and add the order to the account's open orders, all or nothing.

            read cart at version 4    another tab changes it to 5    our transaction: version = 4 does not hold
            read: no such order       the same click arrives twice   our transaction: the order is there already
            read account at 9         another order takes the room   our transaction: version = 9 does not hold

        Raises:
            LostRace: a request with the same key has placed the order since the read, or the account's open orders have
                changed.
            Conflict: the cart has changed since the read.
            Transient: other transactions kept colliding with this one.
        """
        row = ORDERS.after(change.state.order_id, None, change, cause, now)
        transaction: list[Any] = [
            {"Put": conditional_put(self._settings.orders_table, ORDERS, row)},
            {"Update": self._emptied_cart(cart_version, now)},
            {"Update": self._taken_hold(change.state, account.version)},
        ]
        for attempt in range(MAX_TRIES):
            try:
                aws.dynamodb().transact_write_items(TransactItems=transaction)
            except ClientError as error:
                _refused(error, change.state.order_id)
                pause_before_retry(attempt)
            else:
                return
        raise Transient("checkout collides with other writes")

    def _taken_hold(self, order: Order, version: int) -> dict[str, object]:
        held = order.held
        assert held, "a new order is open"
        values: dict[str, object] = {":held": held.model_dump(), ":next": version + 1}
        return {
            "TableName": self._settings.limits_table,
            "Key": {"userId": {"S": self._user_id}},
            "UpdateExpression": "SET #order = :held, #version = :next",
            "ConditionExpression": "#version = :seen" if version else "attribute_not_exists(#version)",
            "ExpressionAttributeNames": {"#order": order.order_id, "#version": "version"},
            "ExpressionAttributeValues": dynamodb.to_item(values | ({":seen": version} if version else {})),
        }

    def _emptied_cart(self, version: int, now: datetime) -> dict[str, object]:
        return {
            "TableName": self._settings.cart_table,
            "Key": {"userId": {"S": self._user_id}},
            "UpdateExpression": "SET #items = :none, #version = :next, #updatedAt = :now",
            "ConditionExpression": "#version = :seen",
            "ExpressionAttributeNames": {"#items": "items", "#version": "version", "#updatedAt": "updatedAt"},
            "ExpressionAttributeValues": dynamodb.to_item(
                {":none": [], ":next": version + 1, ":seen": version, ":now": now.isoformat()}
            ),
        }


def _refused(error: ClientError, order_id: str) -> None:
    """Raise what a refused transaction means; return if the same transaction may succeed later."""
    if dynamodb.is_transient(error):
        return
    reasons = dynamodb.cancellation_reasons(error)
    if not reasons:
        raise error
    order, cart, account = (reason.get("Code", "None") for reason in reasons)
    if order == dynamodb.CONDITION_FAILED:
        raise LostRace(f"orders {order_id}") from error
    if {order, cart, account} & (dynamodb.CONFLICTS | dynamodb.THROTTLES):
        # Whether the order exists is not known here. If it does, it is what changed the cart.
        return
    if cart == dynamodb.CONDITION_FAILED:
        raise cart_changed() from error
    if account == dynamodb.CONDITION_FAILED:
        raise LostRace(f"the account of {order_id}") from error
    raise error
