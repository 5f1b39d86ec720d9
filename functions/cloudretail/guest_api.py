"""Routes for accounts that guests use too.

    GET /api/cart          with an ID token, which API Gateway has verified    ─┐
    GET /api/guest/cart    with a guest's session, which is verified here      ─┴─> the same function: `api.shopper_id`

The path says which of the two is asked for. So a request with both is never about the wrong one, and API Gateway can
verify the tokens of the first kind. What a guest may do is what `open_to_guests` stands in front of.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from cloudretail import guests
from cloudretail.browsers import BrowserSettings, cookies
from cloudretail.errors import Problem
from cloudretail.guests import Guest, GuestSettings, Visit, guest_of, visit_of
from cloudretail.http import Api, caller_in

GUESTS = "/api/guest"
"""What the paths of guests begin with, and the path of their cookies."""

SESSION, VISIT = "guest", "guest-order"
"""The names of the cookies: of a guest's session, and of what a link in a mail leads to."""


class GuestApiSettings(GuestSettings, BrowserSettings):
    """What a function needs whose routes guests use."""


class GuestApi(Api):
    """The routes of a service of which guests may use some.

    Args:
        settings: reads those of the function's environment.
    """

    def __init__(self, settings: Callable[[], GuestApiSettings]) -> None:
        self._settings = settings
        self._declared: dict[Callable[..., Any], tuple[str, Any, tuple[Any, ...], dict[str, Any]]] = {}
        super().__init__()

    def route(self, rule: str, method: Any, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """As in Powertools; it remembers what it was called with."""
        register = super().route(rule, method, *args, **kwargs)

        def declare[F: Callable[..., Any]](function: F) -> F:
            self._declared[function] = (rule, method, args, kwargs)
            register(function)
            return function

        return declare

    def open_to_guests[F: Callable[..., Any]](self, function: F) -> F:
        """Answer a route for guests as well: `/api/cart` at `/api/guest/cart`. It stands above the route."""
        rule, method, args, kwargs = self._declared[function]

        @wraps(function)
        def as_guest(*given: Any, **named: Any) -> Any:
            return function(*given, **named)

        as_guest.__name__ = f"{function.__name__}_as_guest"
        self.route(rule.replace("/api", GUESTS, 1), method, *args, **kwargs)(as_guest)
        return function

    def refusal(self, event: Mapping[str, Any]) -> Problem | None:
        """As in Api; pages of other sites may not use a guest's cookie."""
        if refused := super().refusal(event):
            return refused
        return self._settings().refusal(event) if _is_for_guests(event) else None

    @property
    def is_for_guests(self) -> bool:
        """Whether the request is on a guest's path."""
        return _is_for_guests(self.current_event.raw_event)

    @property
    def guest(self) -> Guest:
        """The guest whose session the request has; raises a Problem with status 401 if it has none."""
        if found := self.guest_if_any():
            return found
        raise Problem(HTTPStatus.UNAUTHORIZED, "guest-session-over", "Please check out again, or log in.")

    def guest_if_any(self) -> Guest | None:
        """The guest whose session the request has; None if it has none that is valid."""
        tokens = self._cookies(SESSION)
        return next((found for each in tokens if (found := guest_of(each, guests.keys()))), None)

    @property
    def shopper_id(self) -> str:
        """The user id of whose things the request is about: of the caller, or on a guest's path of the guest."""
        event = self.current_event.raw_event
        return self.guest.guest_id if _is_for_guests(event) else caller_in(event).user_id

    def owner_of(self, order_id: str) -> str:
        """As `shopper_id`, for what the link in a mail about this order may be used for."""
        visit = self.visit(order_id)
        return visit.guest_id if visit else self.shopper_id

    def visit(self, order_id: str) -> Visit | None:
        """The link by which the request comes to this order; None where it is of the order's own guest, or account."""
        if not self.is_for_guests:
            return None
        visits = (visit_of(each, guests.keys()) for each in self._cookies(VISIT))
        found = next((each for each in visits if each and each.order_id == order_id), None)
        guest = self.guest_if_any() if found else None
        return None if found and guest and guest.guest_id == found.guest_id else found

    def _cookies(self, name: str) -> list[str]:
        return cookies(self.current_event.raw_event, self._settings().named(name))


def _is_for_guests(event: Mapping[str, Any]) -> bool:
    # The path by which Powertools finds the route, without a stage in front of it.
    path = APIGatewayProxyEventV2(dict(event)).path
    return path == GUESTS or path.startswith(f"{GUESTS}/")
