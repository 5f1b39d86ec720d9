"""Adding an event: orders publish `OrderReserved`, and notifications write about it."""

from tests.recipes.copy import Copy

EVENT = '''

class OrderReserved(WholeOrderEvent):
    """All lines of the order are held until `until`; it can be paid."""

    event_type = EventType("orders", "OrderReserved")

    until: datetime
'''

WORDS = """
def _can_be_paid(data: OrderReserved) -> Words:
    return Words(
        subject="is ready to be paid",
        heading="Your items are set aside",
        preview="You can pay now.",
        story=(f"We hold your items for you until {moment(data.until)}.",),
        next_steps=("You can pay on your order's page.",),
    )


TEXTS: """

RULE = """            reserved = \\1
            return Change(reserved, [OrderReserved(**_common(reserved), until=until)])"""


def carry_out(copy: Copy) -> None:
    """The files in the table "Adding an event"."""
    copy.edit("functions/contract/orders.py", r"\Z", EVENT)
    orders = "functions/orders/domain.py"
    copy.import_(orders, "from contract.orders import OrderReserved")
    copy.edit(orders, r"^            return Change\((_moved\(order, OrderStatus.RESERVED[^\n]*\))\)$", RULE)
    notifications = "functions/notifications/domain.py"
    copy.import_(notifications, "from contract.orders import OrderReserved")
    copy.edit(notifications, r"^TEXTS: ", WORDS)
    copy.edit(notifications, r"^    OrderConfirmed: _confirmed,$", "    OrderReserved: _can_be_paid,\n\\g<0>")


TESTS = ("tests/unit/kernel", "tests/unit/notifications", "tests/unit/relay", "tests/unit/operations")
"""Green as they are. Those of the rule itself say another thing now, as does the rule: tests/unit/orders."""
