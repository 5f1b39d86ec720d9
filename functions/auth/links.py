"""Links in the mails to guests. Each works once, in the browser that has followed it first."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from botocore.exceptions import ClientError

from auth.domain import LinkRefused
from cloudretail import aws, dynamodb, guests
from cloudretail.guests import LINK_LASTS, Keys, Visit

USED = "This link was used before. Please follow the one in our newest e-mail about your order."
VOID = "This link does not work, or no longer. Please follow the one in our newest e-mail about your order."
ADOPTED = "This order is in an account now. Please log in to see it."


class UsedLinks(Protocol):
    """Remembers which links were used."""

    def use(self, link: str) -> bool:
        """Use a link; False if it was used before."""
        ...


def exchange(
    link: str,
    known: Sequence[str],
    keys: Keys,
    used: UsedLinks,
    owner_of: Callable[[str], str | None],
) -> Visit:
    """What the link of a mail leads to, once.

    Args:
        link: the token in it.
        known: tokens that the browser has got for links. One that used this link before may do so again.
        keys: that have signed it.
        used: the links that were used.
        owner_of: reads whose order it is now.

    Raises:
        LinkRefused: it was used in another browser, is not the shop's, is for another purpose, or has run out; or the
            order is no longer the guest's.
    """
    visit = guests.linked(link, keys)
    if visit is None:
        raise LinkRefused(VOID)
    owner = owner_of(visit.order_id)
    if owner != visit.guest_id:
        raise LinkRefused(ADOPTED if owner else VOID)
    if not used.use(link) and visit not in [guests.visit_of(token, keys) for token in known]:
        raise LinkRefused(USED)
    return visit


class DynamoDBUsedLinks:
    """Used links in the table of attempts, as hashes.

    Args:
        table: with the partition key `counter`, and `expiresAt` for its time to live.
        clock: seconds since 1970.
    """

    def __init__(self, table: str, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def use(self, link: str) -> bool:
        # By what is signed: the signature's last character has spare bits, so that one link has several spellings.
        key = hashlib.sha256("\0".join(("link", link.rpartition(".")[0])).encode()).hexdigest()
        # Until then the link itself has run out.
        expires_at = int(self._clock() + LINK_LASTS.total_seconds())
        try:
            aws.dynamodb().put_item(
                TableName=self._table,
                Item={"counter": {"S": key}, "expiresAt": {"N": str(expires_at)}},
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": "counter"},
            )
        except ClientError as error:
            if dynamodb.is_condition_failed(error):
                return False
            raise
        return True
