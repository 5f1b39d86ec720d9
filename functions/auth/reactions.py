"""Counts the services that have erased a person, and deletes the user at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from auth.deletion import Deletion, note
from auth.domain import Users
from auth.identity_provider import CognitoUsers
from auth.store import DeletionSettings, open_deletions
from cloudretail.consumer import Consumer, Delivery, one_by_one
from cloudretail.decider import Decision, Result
from cloudretail.errors import Permanent
from cloudretail.repository import ReadOnly, Repository, transact
from cloudretail.settings import load
from contract.auth import AccountDataErased


@dataclass(frozen=True)
class Ports:
    """What the reaction works on.

    Attributes:
        deletions: by user id.
        users: opens those of the identity provider.
    """

    deletions: Repository[Deletion]
    users: Callable[[], Users | None]


def count_erased(ports: Ports, delivery: Delivery, now: datetime) -> Result[Any]:
    """Note that a service has erased what it kept; with the last one the user goes.

    Raises:
        Permanent: nobody asked for this deletion.
    """
    event = delivery.event
    data = event.data
    assert isinstance(data, AccountDataErased)

    def answer(deletion: Deletion | None) -> Decision[Deletion]:
        if deletion is None:
            raise Permanent("nobody asked for this deletion")
        return note(deletion, data.service)

    settled = transact(ports.deletions, data.user_id, answer, event.cause, now)
    # Also where it was noted before: the function may have ended between the two.
    if settled.state and settled.state.complete and (users := ports.users()):
        users.delete(settled.state.account)
    return settled.decision


@cache
def _settings() -> DeletionSettings:
    return load(DeletionSettings)


def _users() -> Users:
    return CognitoUsers(_settings().user_pool_id)


def _ports() -> Ports:
    return Ports(open_deletions(_settings()), _users)


def _read_only() -> Ports:
    return Ports(ReadOnly(open_deletions(_settings())), lambda: None)


CONSUMER: Consumer[Ports] = Consumer(
    name="auth",
    subscribes_to=(AccountDataErased,),
    react=one_by_one(count_erased),
    ports=_ports,
    read_only=_read_only,
)
handler = CONSUMER.handler
