"""A client of the shop's HTTP API."""

import time
from types import TracebackType
from typing import Any, Self

import httpx

from retail_ops.errors import Refused

# Statuses by which the shop asks for a retry. All calls here are safe to repeat.
BUSY = (429, 503)
ATTEMPTS = 4
PAUSE = 0.3
"""Seconds before the second attempt; they double with each further attempt."""


class Api:
    """A client of a shop's API.

    Args:
        url: address of the API, ending in /api.
        transport: httpx's transport; tests pass a fake.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        # Cold starts of a whole shop can take some seconds. A local address is never behind a proxy.
        local = httpx.URL(url).host in ("127.0.0.1", "localhost")
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=not local, transport=transport)
        self._session = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def login(self, email: str, password: str, app_code: str | None = None) -> None:
        """Sign in. All later calls are made by this account; its token is renewed when it expires.

        Args:
            email: of the account.
            password: of the account.
            app_code: the code of its authenticator app, if it has one.

        Raises:
            Refused: the shop refuses the credentials.
        """
        body = {"email": email, "password": password} | ({"appCode": app_code} if app_code else {})
        self._go_on(self.call("POST", "/auth/login", body))

    def _go_on(self, session: httpx.Response) -> None:
        self._session = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
        self._http.headers["Authorization"] = f"Bearer {session.json()['idToken']}"

    def _renew(self) -> bool:
        """Get a new token for the session; False if there is no session, or it has ended."""
        if not self._session:
            return False
        answer = self._http.post("/auth/refresh", headers={"Cookie": self._session})
        if answer.is_success:
            self._go_on(answer)
        return answer.is_success

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        accept: tuple[int, ...] = (),
    ) -> httpx.Response:
        """Call the API.

        Args:
            method: of the request.
            path: below /api, with a leading slash.
            body: sent as JSON.
            idempotency_key: makes a repeated call count once.
            accept: status codes other than 2xx that do not raise.

        Returns:
            The answer.

        Raises:
            Refused: any other answer; the text is the API's own.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        for attempt in range(ATTEMPTS):
            try:
                answer = self._http.request(method, path, json=body, headers=headers)
            except httpx.TimeoutException:
                if attempt < ATTEMPTS - 1:
                    continue  # The machine is busy. If the call succeeded all the same, repeating it does no harm.
                raise Refused(f"The shop's API did not answer in time: {self._http.base_url}.") from None
            except httpx.TransportError as error:
                raise Refused(f"The shop's API does not answer at {self._http.base_url}: {error}") from None
            # A token is valid for five minutes, and a command can take longer.
            if answer.status_code == httpx.codes.UNAUTHORIZED and attempt == 0 and self._renew():
                continue
            if answer.status_code not in BUSY:
                break
            time.sleep(PAUSE * 2**attempt)
        if answer.is_success or answer.status_code in accept:
            return answer
        said = _said(answer)
        raise Refused(f"{method} {path}: {answer.status_code} {said or answer.reason_phrase}", said)


def _said(answer: httpx.Response) -> str:
    """What an error answer says: RFC 9457's title, detail and one entry per field, or else its beginning."""
    try:
        problem = answer.json()
        said = problem.get("detail") or problem.get("title") or problem.get("message") or ""
        fields = "; ".join(f"{entry['field']}: {entry['message']}" for entry in problem.get("errors", ()))
        # The detail of input that is invalid names the fields already.
        return f"{said} ({fields})" if fields and fields != said else str(said)
    except (ValueError, AttributeError, KeyError, TypeError):
        return answer.text[:200]
