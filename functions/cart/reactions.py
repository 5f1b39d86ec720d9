"""What the cart does when somebody leaves."""

from datetime import datetime

from cart.store import CARTS, CartTableSettings
from cloudretail import aws
from cloudretail.consumer import Consumer, nothing_else
from cloudretail.envelope import Cause
from cloudretail.settings import load
from contract.auth import AccountDeletionRequested, Eraser
from contract.erasure import erasing


def erase(user_id: str, cause: Cause, now: datetime) -> None:
    """Delete a person's cart. Nobody can log in to the account any more, so that no other one is made."""
    del cause, now
    aws.dynamodb().delete_item(TableName=load(CartTableSettings).cart_table, Key={CARTS.key: {"S": user_id}})


CONSUMER: Consumer[None] = Consumer(
    name="cart",
    subscribes_to=(AccountDeletionRequested,),
    react=nothing_else,
    ports=lambda: None,
    read_only=lambda: None,
    effects={AccountDeletionRequested: erasing(Eraser.CART, erase)},
)
handler = CONSUMER.handler
