"""The use case of stock: over a port, without HTTP. The API and the simulation call the same function."""

from typing import Protocol

from cloudretail.errors import Contention, InvalidInput, LostRace
from cloudretail.repository import MAX_RACES, pause_before_retry
from inventory.movements import Command, Levels, Movement, Request, content_of, move


class Warehouse(Protocol):
    """The counters of products, and the movements by which staff changed them."""

    def look(self, product_id: str, movement_id: str) -> tuple[Levels, Movement | None]:
        """The counters as they are now, and the movement with this id, if there is one; a consistent read.

        Raises:
            NotFound: the catalogue has no such product.
        """
        ...

    def book(self, movement: Movement) -> None:
        """Record a movement and change the counters, both or neither.

        Raises:
            LostRace: the counters have changed since the read, or the movement is recorded already.
        """
        ...


def change_stock(warehouse: Warehouse, command: Command, request: Request) -> Movement:
    """Change the stock of a product, once for each request.

        read 5 available    an order takes one        5 does not hold: LostRace, read 4
        read no movement    the same request arrives  it is there already: LostRace, read it

    Args:
        warehouse: counters and movements.
        command: what staff do.
        request: who does it, and to which product.

    Returns:
        The movement, whether this call or an earlier one booked it. One that changes nothing is not recorded.

    Raises:
        InvalidInput: as `move`, or the id belongs to a movement with another content.
        Conflict: as `move`.
        NotFound: the catalogue has no such product.
        Contention: too many lost races in a row, against orders for the same product.
    """
    for race in range(MAX_RACES):
        levels, booked = warehouse.look(request.product_id, request.movement_id)
        if booked:
            return _repeated(booked, command)
        movement = move(levels, command, request)
        if movement.before == movement.after:
            return movement
        try:
            warehouse.book(movement)
        except LostRace:
            pause_before_retry(race)
        else:
            return movement
    raise Contention(f"{request.product_id}: lost {MAX_RACES} races in a row")


def _repeated(booked: Movement, command: Command) -> Movement:
    if content_of(command) != (booked.kind, booked.delta, booked.note):
        raise InvalidInput(
            "Idempotency-Key",
            "was used for another movement",
            type="idempotency-key-reused",
            detail=f"This Idempotency-Key was used for another movement: {booked.kind} of {booked.delta:+}.",
        )
    return booked
