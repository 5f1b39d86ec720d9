"""Staff at a running shop, by the back office's API."""

from typing import Any

import httpx

from retail_ops.stack.api import Api
from retail_ops.stack.seed import STAFF, create_accounts
from retail_ops.stack.shop import Shop
from tests.support.shoppers import eventually


class Staff:
    """Who packs, ships, takes back and pays by hand.

    Args:
        shop: a running one; the account is made, unless it is there.
    """

    def __init__(self, shop: Shop) -> None:
        create_accounts(shop, [STAFF])
        self.api = Api(shop.api_url)
        self.api.login(STAFF.email, STAFF.password)

    def does(self, order_id: str, action: str, **body: Any) -> httpx.Response:
        """Do something with an order, its parcel or a return, once the shop knows of it.

        Args:
            order_id: of the order.
            action: the end of the route, such as `ship` or `returns/ret_1/receive`.
            body: of the request.
        """

        def done() -> httpx.Response | None:
            answer = self.api.call("POST", f"/admin/orders/{order_id}/{action}", body, accept=(404, 409, 422))
            # Not yet there: its events are on their way.
            return None if answer.status_code == httpx.codes.NOT_FOUND else answer

        answer = eventually(done)
        assert answer is not None
        return answer

    def shipment(self, order_id: str) -> dict[str, Any]:
        """The parcel of an order."""
        found: dict[str, Any] = self.api.call("GET", f"/admin/shipments/{order_id}").json()
        return found
