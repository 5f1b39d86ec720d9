"""Who is calling: by the gateway's claims, or by a token that is verified here."""

import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from cloudretail.errors import Problem, Transient
from cloudretail.http import Api
from cloudretail.identity import USER_ID, Caller, IdentitySettings, caller_of, verify
from cloudretail.settings import load
from retail_ops.local.processes import free_port
from tests.support.http import call
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS

POOL = "ap-southeast-1_pool"
ISSUER = f"https://cognito-idp.ap-southeast-1.amazonaws.com/{POOL}"
CLIENT = "client-1"

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
LONG_AGO = 1767225600
"""2026-01-01: a token that ended then is expired, whenever the tests run."""
ANOTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEY_ID = "key-1"


class TestClaims:
    def test_tell_who_it_is(self) -> None:
        assert caller_of(SHOPPER_CLAIMS) == Caller("user-1", "shopper@cloudretail.example", "Shopper", frozenset())

    def test_of_who_comes_from_another_pool_say_who_they_were_there(self) -> None:
        assert caller_of({**SHOPPER_CLAIMS, USER_ID: "user-before"}).user_id == "user-before"

    def test_need_no_name(self) -> None:
        nameless = {name: value for name, value in SHOPPER_CLAIMS.items() if name != "name"}
        assert caller_of(nameless).name == ""

    @pytest.mark.parametrize(
        ("claim", "groups"),
        [
            ("[operators]", {"operators"}),
            ("[operators buyers]", {"operators", "buyers"}),
            ('["operators"]', {"operators"}),
            ('["operators", "buyers"]', {"operators", "buyers"}),
            (["operators", "buyers"], {"operators", "buyers"}),
            ("operators", {"operators"}),
            ("[]", set()),
            ("", set()),
            ([], set()),
            ("[operators-to-be]", {"operators-to-be"}),
        ],
    )
    def test_list_the_groups_in_every_form(self, claim: object, groups: set[str]) -> None:
        caller = caller_of({**SHOPPER_CLAIMS, "cognito:groups": claim})
        assert caller.groups == groups
        assert caller.is_operator == ("operators" in groups)

    def test_without_groups_are_no_operators(self) -> None:
        assert not caller_of(SHOPPER_CLAIMS).is_operator
        assert caller_of(OPERATOR_CLAIMS).is_operator

    @pytest.mark.parametrize("token_use", ["access", "refresh", "", None])
    def test_of_anything_but_an_id_token_are_refused(self, token_use: str | None) -> None:
        with pytest.raises(Problem, match="ID token") as refused:
            caller_of({**OPERATOR_CLAIMS, "token_use": token_use})
        assert (refused.value.status, refused.value.type) == (401, "unauthorized")

    @pytest.mark.parametrize("verified", ["true", "True", True])
    def test_of_a_verified_address_are_taken_in_every_form(self, verified: object) -> None:
        assert caller_of({**SHOPPER_CLAIMS, "email_verified": verified})

    @pytest.mark.parametrize("verified", ["false", False, None, ""])
    def test_of_an_unverified_address_are_refused(self, verified: object) -> None:
        with pytest.raises(Problem, match="not verified") as refused:
            caller_of({**SHOPPER_CLAIMS, "email_verified": verified})
        assert refused.value.status == 401

    def test_without_a_word_on_the_address_are_refused(self) -> None:
        with pytest.raises(Problem, match="not verified"):
            caller_of({name: value for name, value in SHOPPER_CLAIMS.items() if name != "email_verified"})


@pytest.fixture(scope="module")
def keys_endpoint() -> Iterator[str]:
    """A server with the pool's public keys, where an emulator has them."""
    key = json.loads(RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == f"/{POOL}/.well-known/jwks.json"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [key]}).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def pool(keys_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_POOL_ID", POOL)
    monkeypatch.setenv("USER_POOL_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AWS_REGION", "ap-southeast-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", keys_endpoint)


def claims(**changes: object) -> dict[str, Any]:
    """Of a good ID token, as Cognito issues it, with changes; None takes a claim away."""
    now = int(time.time())
    good = {
        **SHOPPER_CLAIMS,
        "email_verified": True,
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": now,
        "exp": now + 3600,
        "cognito:groups": ["operators"],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(payload: Mapping[str, Any], *, key: Any = KEY, key_id: str = KEY_ID, algorithm: str = "RS256") -> str:
    return jwt.encode(dict(payload), key, algorithm=algorithm, headers={"kid": key_id})


@pytest.mark.usefixtures("pool")
class TestTokens:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    def test_of_the_pool_tell_who_it_is(self, scheme: str) -> None:
        caller = verify(f"{scheme} {token(claims())}")
        assert caller == Caller("user-1", "shopper@cloudretail.example", "Shopper", frozenset({"operators"}))

    def test_of_a_clock_that_goes_a_little_wrong_are_taken(self) -> None:
        now = int(time.time())
        assert verify(f"Bearer {token(claims(iat=now + 5, nbf=now + 5, exp=now + 300))}")
        assert verify(f"Bearer {token(claims(exp=now - 5))}")
        for changes in ({"iat": now + 60}, {"exp": now - 60}):
            with pytest.raises(Problem):
                verify(f"Bearer {token(claims(**changes))}")

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": LONG_AGO},
            {"iss": f"{ISSUER}x"},
            {"iss": None},
            {"aud": "another-client"},
            {"aud": None},
            {"exp": None},
            {"iat": None},
            {"sub": None},
            {"token_use": "access"},
            {"token_use": None},
            {"email_verified": False},
        ],
        ids=str,
    )
    def test_that_say_something_else_are_refused(self, changes: dict[str, object]) -> None:
        with pytest.raises(Problem) as refused:
            verify(f"Bearer {token(claims(**changes))}")
        assert (refused.value.status, refused.value.type) == (401, "unauthorized")

    @pytest.mark.parametrize(
        "forge",
        [
            lambda: token(claims(), key=ANOTHER_KEY),
            lambda: token(claims(), key_id="key-2"),
            lambda: token(claims(), key=None, algorithm="none"),
            # The public key, which everybody has, taken for a shared secret.
            lambda: _signed_with(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)),
            lambda: token(claims())[:-8] + "AAAAAAAA",
            lambda: "a.b.c",
            lambda: "nonsense",
        ],
        ids=["another key", "an unknown key", "no signature", "a public secret", "tampered", "three parts", "nonsense"],
    )
    def test_that_the_pool_did_not_sign_are_refused(self, forge: Callable[[], str]) -> None:
        with pytest.raises(Problem) as refused:
            verify(f"Bearer {forge()}")
        assert (refused.value.status, refused.value.type) == (401, "unauthorized")

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token"])
    def test_in_another_form_are_told_the_right_one(self, header: str) -> None:
        with pytest.raises(Problem, match="Bearer <ID token>") as refused:
            verify(header)
        assert refused.value.status == 401

    def test_count_where_no_authorizer_stands_in_front(self) -> None:
        assert _answer(authorization=f"Bearer {token(claims())}") == (200, {"id": "user-1"})
        assert _answer(authorization=f"Bearer {token(claims(), key=ANOTHER_KEY)}")[0] == 401
        assert _answer()[0] == 401

    def test_do_not_count_beside_what_the_authorizer_says(self) -> None:
        said = _answer({**SHOPPER_CLAIMS, "sub": "user-2"}, authorization=f"Bearer {token(claims())}")
        assert said == (200, {"id": "user-2"})

    def test_are_not_called_wrong_while_the_keys_cannot_be_reached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        with pytest.raises(Transient):
            verify(f"Bearer {token(claims())}")


def _answer(verified: Mapping[str, str] | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """What a route answers to a request of which the authorizer has `verified` these claims; None without one."""
    api = Api()

    @api.get("/api/caller")
    def caller() -> dict[str, str]:
        return {"id": api.caller.user_id}

    answer = call(api.handle, "GET", "/api/caller", claims=verified, headers=headers)
    return answer.status, answer.body


def _signed_with(secret: bytes) -> str:
    """By hand: the library would not do it."""
    parts = ({"alg": "HS256", "kid": KEY_ID}, claims())
    signed = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    signature = hmac.digest(secret, signed, "sha256")
    return f"{signed.decode()}.{base64url_encode(signature).decode()}"


def test_on_aws_the_keys_are_with_the_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_POOL_ID", POOL)
    monkeypatch.setenv("USER_POOL_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AWS_REGION", "ap-southeast-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")  # as the template declares it
    settings = load(IdentitySettings)
    assert settings.keys_url == f"{ISSUER}/.well-known/jwks.json"
