"""Adding a route: a paid order's receipt, whose sample needs an order that is paid already."""

from tests.recipes.copy import Copy

IMPORTS = (
    "from typing import Annotated",
    "from pydantic import Field",
    "from cloudretail.errors import Conflict",
    "from cloudretail.model import RequestModel",
)

ROUTE = '''class ReceiptRequest(RequestModel):
    """In which language the receipt is wanted."""

    language: Annotated[str, Field(pattern="^[a-z]{2}$")]


class Receipt(Model):
    """What was paid."""

    order_id: str
    language: str
    total: Money


@api.post(
    "/api/orders/<order_id>/receipt",
    summary="The receipt of a paid order",
    tags=["Orders"],
    responses=answers(HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def write_receipt(order_id: IdInPath, request: ReceiptRequest) -> Receipt:
    row = _orders_of(api.caller).load(order_id)
    if row is None:
        raise NotFound("order")
    if row.state.status != "CONFIRMED":
        raise Conflict("not-paid", "This order is not paid.")
    return Receipt(order_id=order_id, language=request.language, total=row.state.total)


'''

STORY = """\
        paid = self._confirmed("recorded-receipt")
        self._keep_rows(paid)
        receipt = f"/orders/{paid}/receipt"
        self.http("write-receipt", "POST", receipt, {"language": "en"}, who=SHOPPER)
        self.http("bad-language", "POST", receipt, {"language": "English"}, who=SHOPPER)
"""


def carry_out(copy: Copy) -> None:
    """The files in the table "Adding a route"."""
    api = "functions/orders/api.py"
    copy.edit(api, r'@api\.post\(\n    "/api/orders/<order_id>/cancel"', f"{ROUTE}\\g<0>")
    copy.import_(api, *IMPORTS)
    route = "          /api/orders/{orderId}/receipt: {post: *ordersSignedIn}"
    copy.edit("template.yaml", r"^ +/api/orders/\{orderId\}/cancel: [^\n]*$", f"\\g<0>\n{route}")
    story = "ops/retail_ops/recording/story.py"
    copy.edit(story, r"^        self\.http\(\"bad-carrier\"", f"{STORY}\\g<0>")


TESTS = ("tests/unit/orders", "tests/unit/ops")
