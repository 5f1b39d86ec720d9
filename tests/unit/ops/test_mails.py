import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from retail_ops.errors import NoShop
from retail_ops.local.mails import read_mails
from retail_ops.stack.shop import Shop, local_session

# As the emulator gives it.
MESSAGES = {
    "messages": {
        "000000000000": [
            {
                "MessageId": "m-1",
                "Source": "shop@cloudretail.example",
                "To": ["ada@example.com"],
                "CC": [],
                "BCC": [],
                "Subject": "Your code",
                "BodyText": "Your code is 123456.",
                "BodyHtml": None,
                "Timestamp": 1767225600.0,
                "Type": "SendEmail",
            },
            {
                "MessageId": "m-2",
                "Source": "shop@cloudretail.example",
                "To": ["Grace@example.com"],
                "CC": [],
                "BCC": [],
                "Subject": "Order received",
                "BodyText": None,
                "BodyHtml": "<p>Thank you</p>",
                "Timestamp": 1767225601.5,
                "Type": "SendEmail",
            },
        ]
    }
}


class Emulator(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/_ministack/ses/messages" and self.headers["Authorization"] == "Bearer SHOPKEY"
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(json.dumps(MESSAGES).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Shop]:
    with HTTPServer(("127.0.0.1", 0), Emulator) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Shop("shop", "r", f"http://127.0.0.1:{server.server_port}", {}, {}, local_session("SHOPKEY"))
        server.shutdown()
        thread.join()


def test_the_inbox_has_every_mail_in_the_order_it_was_sent(shop: Shop) -> None:
    first, second = read_mails(shop)
    assert (first.sent, second.sent) == ("2026-01-01T00:00:00.000+00:00", "2026-01-01T00:00:01.500+00:00")
    assert (first.subject, first.text, first.html) == ("Your code", "Your code is 123456.", None)
    assert (second.subject, second.text, second.html) == ("Order received", "Thank you\n", "<p>Thank you</p>")


def test_one_persons_mails_are_found_however_the_address_is_written(shop: Shop) -> None:
    assert [mail.id for mail in read_mails(shop, "GRACE@example.com")] == ["m-2"]
    assert read_mails(shop, "nobody@example.com") == []


def test_a_deployed_shop_has_no_inbox_here() -> None:
    with pytest.raises(NoShop, match="only a local shop has an inbox"):
        read_mails(Shop("shop", "r", None, {}, {}, local_session("SHOPKEY")))
