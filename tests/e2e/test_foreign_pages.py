"""What a web page that is not the shop's can do to the shop of the developer who looks at it: nothing."""

import io
import json
import threading
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Frame, Page, Response, expect

from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop

FOREIGN = "evil.test"
"""A name that the browser of these tests takes for this machine's (conftest.py)."""


class AttackersPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Kittens</title>")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def attackers_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), AttackersPage) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(params=["another site", "a neighbour on localhost", "a sandboxed frame"])
def attacker(request: pytest.FixtureRequest, page: Page, attackers_port: int) -> Page | Frame:
    """The page, or the frame in it, whose scripts are not the shop's."""
    name = "localhost" if "localhost" in request.param else FOREIGN
    page.goto(f"http://{name}:{attackers_port}/")
    if "frame" not in request.param:
        return page
    page.evaluate(
        """() => new Promise(loaded => {
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts allow-forms";
            frame.srcdoc = "<title>Kittens</title>";
            frame.onload = loaded;
            document.body.append(frame);
        })"""
    )
    element = page.query_selector("iframe[sandbox]")
    assert element
    frame = element.content_frame()
    assert frame
    return frame


@contextmanager
def answers(attacker: Page | Frame, count: int, of: str) -> Iterator[list[Response]]:
    """What came back of an address that begins so."""
    page = attacker if isinstance(attacker, Page) else attacker.page
    seen: list[Response] = []

    def note(response: Response) -> None:
        if response.url.startswith(of):
            seen.append(response)

    page.on("response", note)
    yield seen
    while len(seen) < count:
        page.wait_for_event("response", predicate=lambda response: response.url.startswith(of))
    page.remove_listener("response", note)


def signed(key: str, service: str, **query: str) -> str:
    """A query as of a presigned address. The emulator does not verify the signature of the root's key."""
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key}/20261127/ap-southeast-1/{service}/aws4_request",
        "X-Amz-Date": "20261127T000000Z",
        "X-Amz-Expires": "604800",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    }
    return urlencode(query | parameters)


def keys(shop: Shop) -> Sequence[str]:
    """Those that the emulator takes for the root's by itself, and the shop's own, as if it had leaked."""
    credentials = shop.session.get_credentials()
    assert credentials
    return ("test", "000000000000", credentials.access_key)


def a_program(shop: Shop, name: str) -> str:
    """A request for a function that the attacker wrote."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("evil.py", "def handler(event, context):\n    open('/tmp/evil', 'w').close()\n")
    role = shop.lambda_.get_function_configuration(FunctionName=shop.functions["CatalogApi"])["Role"]
    settings = {"FunctionName": name, "Runtime": "python3.13", "Handler": "evil.handler", "Role": role}
    return json.dumps({**settings, "Code": {"ZipFile": b64encode(code.getvalue()).decode()}})


NOBODY = {"Version": "2012-10-17", "Statement": []}
"""Who may take a role, as a policy."""

SEND_FORM = """([address, text, name]) => {
    const frame = document.createElement("iframe");
    frame.name = name;
    document.body.append(frame);
    const form = document.createElement("form");
    form.method = "post";
    form.enctype = "text/plain";
    form.action = address;
    form.target = name;
    const field = document.createElement("input");
    // The browser writes name=value: the equals sign goes into a string that nobody reads.
    field.name = text.replace(/}$/, ', "ignored": "');
    field.value = '"}';
    form.append(field);
    document.body.append(form);
    form.submit();
}"""

FETCH = """([address, method, body]) => fetch(address, {method, body, mode: "no-cors", credentials: "include"})
    .then(() => "sent", () => "not sent")"""

LOAD_IMAGE = """address => new Promise(ended => {
    const image = new Image();
    image.onload = image.onerror = () => ended();
    image.src = address;
})"""


def test_no_form_of_it_puts_a_program_on_this_machine(
    attacker: Page | Frame, local_shop: LocalShop, shop: Shop
) -> None:
    functions = f"{local_shop.endpoint}/2015-03-31/functions"
    for number, key in enumerate(keys(shop)):
        name = f"form{number}"
        attacker.evaluate(SEND_FORM, [f"{functions}?{signed(key, 'lambda')}", a_program(shop, name), name])
        answer = attacker.frame_locator(f"iframe[name={name}]").locator("body")
        expect(answer).to_contain_text("Refused by the local shop's guard: Origin")
    there = shop.lambda_.list_functions()["Functions"]
    assert [function["FunctionName"] for function in there if "form" in function["FunctionName"]] == []


def test_no_script_of_it_calls_a_function_or_wipes_the_shop(
    attacker: Page | Frame, local_shop: LocalShop, shop: Shop
) -> None:
    invocation = f"/2015-03-31/functions/{shop.functions['CatalogApi']}/invocations"
    calls = [f"{invocation}?{signed(key, 'lambda')}" for key in keys(shop)]
    calls += ["/_ministack/config", "/_ministack/reset"]
    with answers(attacker, len(calls), local_shop.endpoint) as seen:
        for path in calls:
            attacker.evaluate(FETCH, [f"{local_shop.endpoint}{path}", "POST", "{}"])
    assert [response.status for response in seen] == [403] * len(calls)
    assert local_shop.read().functions == shop.functions


def test_no_image_of_it_is_a_call(attacker: Page | Frame, local_shop: LocalShop, shop: Shop) -> None:
    role = {"Action": "CreateRole", "Version": "2010-05-08", "AssumeRolePolicyDocument": json.dumps(NOBODY)}
    queries = [signed(key, "iam", **role, RoleName=f"evil-{number}") for number, key in enumerate(keys(shop))]
    queries += [urlencode({**role, "RoleName": "evil-old", "AWSAccessKeyId": "test", "Signature": "0"})]
    for query in queries:
        attacker.evaluate(LOAD_IMAGE, f"{local_shop.endpoint}/?{query}")
    roles = shop.session.client("iam", endpoint_url=shop.endpoint).list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if role["RoleName"].startswith("evil")] == []


def test_no_script_of_it_speaks_to_the_api(attacker: Page | Frame, shop: Shop) -> None:
    """The cookie of the shopper's session goes with what a neighbour on localhost sends."""
    for api in (f"{shop.storefront_url}/api", shop.api_url):
        with answers(attacker, 1, api) as seen:
            attacker.evaluate(FETCH, [f"{api}/auth/refresh", "POST", "{}"])
        assert [response.status for response in seen] == [403]


@pytest.mark.parametrize("path", ["/_ministack/ses/messages", "/"])
def test_a_name_that_was_led_to_this_machine_opens_nothing(browser: Browser, local_shop: LocalShop, path: str) -> None:
    """DNS rebinding: to the browser the emulator is the attacker's own site."""
    for port in (local_shop.port, local_shop.storefront_port):
        with browser.new_context() as context:
            answer = context.new_page().goto(f"http://{FOREIGN}:{port}{path}")
            assert answer
            assert answer.status == 403
            assert f"Host {FOREIGN}:{port} is no name of this machine" in answer.text()


def test_a_link_of_another_site_leads_into_the_storefront(page: Page, attackers_port: int, shop: Shop) -> None:
    page.goto(f"http://{FOREIGN}:{attackers_port}/")
    with page.expect_navigation(url=f"{shop.storefront_url}/**") as arrived:
        page.evaluate("address => { location.href = address; }", f"{shop.storefront_url}/")
    assert arrived.value
    assert arrived.value.status == 200
