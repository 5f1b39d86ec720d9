"""The carriers that the shop knows, and the address of each carrier's tracking page."""

from collections.abc import Mapping
from urllib.parse import quote

CARRIERS: Mapping[str, str] = {
    "SingPost": "https://www.singpost.com/track-items?trackNums={number}",
    "Ninja Van": "https://www.ninjavan.co/en-sg/tracking?id={number}",
    "DHL": "https://www.dhl.com/en/express/tracking.html?AWB={number}",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr={number}",
    "UPS": "https://www.ups.com/track?tracknum={number}",
}
"""The tracking page's address, with a place for the tracking number, by the carrier's name."""


def tracking_url(carrier: str, number: str) -> str | None:
    """The tracking page of a parcel; None for a carrier that is not in the list."""
    template = CARRIERS.get(carrier)
    return template.format(number=quote(number, safe="")) if template else None
