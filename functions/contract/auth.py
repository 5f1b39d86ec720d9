"""The events about an account that is to be deleted."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from cloudretail.event import EventData, EventType
from contract.values import UserId


class Eraser(StrEnum):
    """A service that keeps something of a person, and erases it when they leave."""

    CART = "cart"
    ORDERS = "orders"
    PAYMENTS = "payments"
    FULFILMENT = "fulfilment"
    NOTIFICATIONS = "notifications"
    OPERATIONS = "operations"


class AccountEvent(EventData):
    """The data of an event about an account."""

    user_id: UserId

    @property
    def subject(self) -> str:
        return self.user_id

    @property
    def keys(self) -> Mapping[str, str]:
        return {"user_id": self.user_id}


class AccountDeletionRequested(AccountEvent):
    """Somebody has left: nobody can log in to the account any more, and none of its orders waits for anything."""

    event_type = EventType("auth", "AccountDeletionRequested")

    requested_at: datetime


class AccountDataErased(AccountEvent):
    """A service has erased what it kept of the person. Each of them publishes it, under this name of auth's."""

    event_type = EventType("auth", "AccountDataErased")

    service: Eraser
