"""Stripe on this machine: `localstripe`, a stateful Stripe in a process of its own, and what it lacks.

It knows no idempotency keys and no disputes, and leaves out some of what Stripe tells. That is added on the way, as
Stripe documents it. What its Stripe.js lacks is added to it likewise.
"""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlparse
from urllib.request import urlopen

import stripe

KEY = "sk_test_local"


@contextmanager
def local_stripe() -> Iterator[str]:
    """The address of a Stripe that begins empty."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError), urlopen(f"{address}/js.stripe.com/v3/"):  # noqa: S310 # It is on this machine.
                break
            assert time.monotonic() < deadline, "localstripe does not start"
            time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.wait()


STRIPE_JS = "https://js.stripe.com/v3/"
API = "https://api.stripe.com"

_MISSING = """
((localstripe) => {
  window.Stripe = (key) => {
    const stripe = localstripe(key);
    return {
      ...stripe,
      elements: () => {
        const elements = stripe.elements();
        const create = elements.create.bind(elements);
        return Object.assign(elements, {
          create(type, options) {
            const card = create(type, options);
            const on = card.on.bind(card);
            card.on = (event, handler) => on(event, () => handler({}));
            return card;
          },
        });
      },
      async createPaymentMethod({ type, card }) {
        if (!card.value) return { error: { message: 'Your card number is incomplete.' } };
        const body = new URLSearchParams({ key, type });
        for (const [name, value] of Object.entries(card.value.card)) body.append(`card[${name}]`, value);
        const answer = await fetch(`${LOCALSTRIPE_BASE_API}/v1/payment_methods`, { method: 'POST', body });
        const made = await answer.json();
        return made.error ? { error: made.error } : { paymentMethod: made };
      },
      handleNextAction: ({ clientSecret }) => stripe.confirmCardPayment(clientSecret),
    };
  };
})(Stripe);
"""
"""Its `createPaymentMethod` is empty, it has no `handleNextAction`, and its events say nothing to their handlers.

Sources: https://docs.stripe.com/js/payment_methods/create_payment_method and
https://docs.stripe.com/js/payment_intents/handle_next_action.
"""


def stripe_js(address: str) -> str:
    """localstripe's Stripe.js for pages that load it from Stripe's own address, and send to Stripe's own API.

    Args:
        address: of localstripe.
    """
    with urlopen(f"{address}/js.stripe.com/v3/") as answer:  # noqa: S310 # It is on this machine.
        script: str = answer.read().decode()
    found = re.compile(r"const LOCALSTRIPE_BASE_API = .*?^[}][)][(][)];$", re.MULTILINE | re.DOTALL)
    addressed, times = found.subn(f"const LOCALSTRIPE_BASE_API = '{API}';", script)
    assert times == 1, "localstripe looks for its address in another way"
    return addressed + _MISSING


class Wire(stripe.HTTPClient):
    """Between the adapter and localstripe.

    Attributes:
        asked: method and path of each request.
        disputes: that Stripe knows of, by reference.
        refund: fields of a refund that are other than localstripe has them, such as its status.
        failing: what is raised in place of the next requests, in order; None lets one through.
    """

    name = "wire"

    def __init__(self, address: str) -> None:
        super().__init__()
        self._through = stripe.RequestsClient()
        self._address = address
        self._remembered: dict[str, Any] = {}
        self.asked: list[tuple[str, str]] = []
        self.disputes: dict[str, list[dict[str, Any]]] = {}
        self.refund: dict[str, Any] = {}
        self.failing: list[Exception | tuple[int, dict[str, Any]] | None] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Any]:
        path = urlparse(url).path
        key = (headers or {}).get("Idempotency-Key", "")
        self.asked.append((method, path))
        if self.failing and (failure := self.failing.pop(0)):
            if isinstance(failure, Exception):
                raise failure
            answer: tuple[str, int, Any] = json.dumps(failure[1]), failure[0], {}
            if method == "post" and key and failure[0] >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self._remembered[key] = answer
            return answer
        if key in self._remembered:
            body, status, _ = self._remembered[key]
            return body, status, {"Idempotent-Replayed": "true"}
        answer = self._answer(method, url, headers, post_data)
        # Stripe remembers what it has begun to carry out, and a POST only.
        if method == "post" and key and answer[1] != HTTPStatus.CONFLICT:
            self._remembered[key] = answer
        return answer

    def close(self) -> None:
        self._through.close()  # type: ignore[no-untyped-call]

    def _answer(self, method: str, url: str, headers: Any, post_data: Any) -> tuple[str, int, Any]:
        path, query = urlparse(url).path, parse_qs(urlparse(url).query)
        if path == "/v1/disputes":
            return json.dumps({"object": "list", "data": self.disputes.get(query["payment_intent"][0], [])}), 200, {}
        form = parse_qs(post_data or "")
        if path == "/v1/refunds" and method == "post":
            intent = self._get(f"/v1/payment_intents/{form['payment_intent'][0]}", headers)
            if self.disputes.get(form["payment_intent"][0]):
                return _error("charge_disputed", "This charge is disputed."), 400, {}
            if intent.get("status") != "succeeded":
                return _error("", "This PaymentIntent does not have a successful charge to refund."), 400, {}
        if path.endswith("/confirm"):
            post_data = None
        body, status, sent = self._through.request(method, url, headers, post_data)
        text = body.decode() if isinstance(body, bytes) else body
        return self._completed(json.loads(text), status), status, sent

    def _get(self, path: str, headers: Any) -> dict[str, Any]:
        body, _, _ = self._through.request("get", f"{self._address}{path}", headers)
        found: dict[str, Any] = json.loads(body)
        return found

    def _completed(self, body: dict[str, Any], status: int) -> str:
        """What localstripe says, with what it leaves out."""
        if status == HTTPStatus.NOT_FOUND:
            return _error("resource_missing", "No such object")
        for each in [body, *(body.get("data") or [])] if isinstance(body.get("data", []), list) else [body]:
            if each.get("object") == "payment_intent":
                each["amount_received"] = each["amount"] if each["status"] == "succeeded" else 0
            if each.get("object") == "refund":
                each.update(self.refund)
        return json.dumps(body)


def _error(code: str, message: str) -> str:
    return json.dumps({"error": {"type": "invalid_request_error", "code": code or None, "message": message}})


def a_dispute(status: str, amount: int = 1990, currency: str = "sgd") -> dict[str, Any]:
    """As Stripe documents it: https://docs.stripe.com/api/disputes/object."""
    return {
        "id": "du_1MtJUT2eZvKYlo2CNaw2HvEv",
        "object": "dispute",
        "amount": amount,
        "currency": currency,
        "reason": "fraudulent",
        "status": status,
        "metadata": {},
        "livemode": False,
    }
