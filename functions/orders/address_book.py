"""The addresses that an account keeps for its next checkouts. Pure.

A book is one row, so that its limit and its one default hold whatever is sent at once.
"""

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.errors import Conflict, NotFound
from cloudretail.model import Model
from contract.values import Address
from orders.addresses import checked

MAX_ADDRESSES = 20


class SavedAddress(Model):
    """An address under the id that its client chose."""

    address_id: str
    address: Address


class AddressBook(Model):
    """What an account keeps, as it is stored.

    Attributes:
        user_id: whose it is.
        addresses: in the order in which they were first saved.
        default_id: which of them checkout begins with; None exactly where there is none.
    """

    user_id: str
    addresses: tuple[SavedAddress, ...] = ()
    default_id: str | None = None


def save(book: AddressBook, address_id: str, address: Address, *, is_default: bool) -> Decision[AddressBook]:
    """Keep an address, or put it in the place of the one with this id.

    Args:
        book: the account's.
        address_id: chosen by the client, so that a repetition saves nothing twice.
        address: as the shopper gave it.
        is_default: whether checkout begins with it from now on. The first address is the default in any case, and a
            default stays it until another one is.

    Raises:
        InvalidInput: as `orders.addresses.checked`. Whether a courier has to call is for checkout to say.
        Conflict: `address-book-full`.
    """
    saved = SavedAddress(address_id=address_id, address=checked(address, phone_required=False))
    if any(each.address_id == address_id for each in book.addresses):
        addresses = tuple(saved if each.address_id == address_id else each for each in book.addresses)
    elif len(book.addresses) >= MAX_ADDRESSES:
        raise Conflict(
            "address-book-full", f"You can keep {MAX_ADDRESSES} addresses. Please remove one that you no longer need."
        )
    else:
        addresses = (*book.addresses, saved)
    default = address_id if is_default or book.default_id is None else book.default_id
    changed = book.model_copy(update={"addresses": addresses, "default_id": default})
    return Nothing("saved already") if changed == book else Change(changed)


def remove(book: AddressBook, address_id: str) -> Decision[AddressBook]:
    """Keep an address no longer; if it was the default, the oldest one that is left is.

    Raises:
        NotFound: the book has no such address.
    """
    addresses = tuple(each for each in book.addresses if each.address_id != address_id)
    if addresses == book.addresses:
        raise NotFound("address")
    default = book.default_id
    if default == address_id:
        default = addresses[0].address_id if addresses else None
    return Change(book.model_copy(update={"addresses": addresses, "default_id": default}))
