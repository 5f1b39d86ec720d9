"""How an account is deleted. Pure.

    requested ──> signed out ──tokens' life over, nothing awaited──> published ──every service has erased──> complete
        │           nobody can log in any more           │                                            │
    the request itself                     every minute: AccountDeletionRequested          the user is deleted

Whoever has a token of before can use it for some minutes. Only after that is it published: what a service erases,
nobody makes again. An order that waits for something keeps its person until then: a parcel needs an address, a refund
an owner.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import computed_field

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.model import Model
from contract.auth import AccountDeletionRequested, Eraser

OPEN = "OPEN"
"""Partition key of the index of deletions that are not published yet."""


class Deletion(Model):
    """The deletion of an account, as it is stored: it never says whose it was.

    Attributes:
        username: the identity provider's name of the account, where that is not the user id: of a restored pool.
        signed_out_at: when its sessions were ended, and it was disabled; None before.
        published_at: when the event was published; None before.
        erased: the services that have erased what they kept.
    """

    user_id: str
    username: str | None = None
    requested_at: datetime
    signed_out_at: datetime | None = None
    published_at: datetime | None = None
    erased: tuple[Eraser, ...] = ()

    @property
    def account(self) -> str:
        """What the identity provider calls the account."""
        return self.username or self.user_id

    @property
    def complete(self) -> bool:
        """Whether every service has erased what it kept."""
        return set(self.erased) == set(Eraser)

    @computed_field
    def open_as(self) -> str | None:
        """The key of the index; None once it is published."""
        return OPEN if self.published_at is None else None


def request(deletion: Deletion | None, user_id: str, now: datetime, username: str | None = None) -> Decision[Deletion]:
    """Somebody wants to leave."""
    if deletion:
        return Nothing("the deletion was requested")
    return Change(Deletion(user_id=user_id, username=username, requested_at=now))


def sign_out(deletion: Deletion, now: datetime) -> Decision[Deletion]:
    """Nobody can log in to it from now on."""
    if deletion.signed_out_at:
        return Nothing("the account is signed out")
    return Change(deletion.model_copy(update={"signed_out_at": now}))


def publish(deletion: Deletion, token_life: timedelta, now: datetime) -> Decision[Deletion]:
    """Tell the services, once nobody has a token any more.

    Args:
        deletion: of an account that waits for nothing.
        token_life: how long an ID token lives.
        now: aware.
    """
    if deletion.published_at:
        return Nothing("the event was published")
    if deletion.signed_out_at is None or now < deletion.signed_out_at + token_life:
        return Nothing("a token may still be used")
    event = AccountDeletionRequested(user_id=deletion.user_id, requested_at=deletion.requested_at)
    return Change(deletion.model_copy(update={"published_at": now}), [event])


def note(deletion: Deletion, eraser: Eraser) -> Decision[Deletion]:
    """A service has erased what it kept."""
    if eraser in deletion.erased:
        return Nothing("this was noted")
    return Change(deletion.model_copy(update={"erased": (*deletion.erased, eraser)}))


class WaitReason(StrEnum):
    """Why a deletion waits for an order.

    ORDER: it is on its way, or being returned. REFUND: money is on its way back. RETURN_PERIOD: it can be sent back.
    """

    ORDER = "ORDER"
    REFUND = "REFUND"
    RETURN_PERIOD = "RETURN_PERIOD"


class AwaitedOrder(Model):
    """What a deletion waits for.

    Attributes:
        number: of the order, as people call it.
        until: when it is over at the latest; None where nobody knows.
    """

    order_id: str
    number: str
    reason: WaitReason
    until: datetime | None = None


class OrderNow(Model):
    """What has to be known of an order."""

    order_id: str
    number: str
    status: str
    open_as: str | None = None
    delivered_at: datetime | None = None
    return_days: int = 0


def waits(orders: Iterable[OrderNow], payments: Mapping[str, Mapping[str, Any]], now: datetime) -> list[AwaitedOrder]:
    """What the deletion of an account waits for.

    Args:
        orders: of the account.
        payments: rows by order id.
        now: aware.
    """
    found = []
    for order in orders:
        reason, until = None, None
        if order.open_as:
            reason = WaitReason.REFUND if order.open_as.startswith("REFUND") else WaitReason.ORDER
        elif "openRefunds" in payments.get(order.order_id, {}):
            reason = WaitReason.REFUND
        elif order.delivered_at and order.status == "DELIVERED":
            until = order.delivered_at + timedelta(days=order.return_days)
            reason = WaitReason.RETURN_PERIOD if now <= until else None
        if reason:
            found.append(AwaitedOrder(order_id=order.order_id, number=order.number, reason=reason, until=until))
    return found
