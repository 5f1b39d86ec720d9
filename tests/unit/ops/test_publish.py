from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from catalog.pages import ROOT
from retail_ops.errors import OpsError
from retail_ops.stack.publish import files, made_of, upload
from retail_ops.stack.shop import Shop
from retail_ops.stack.texts import Facts, names

FACTS = Facts("Shop", ("1 Road",), "", "help@shop.example", ("2 Road",), 30)


class Aws:
    """A bucket and a distribution that remember what they were told; also their clients' session."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.forgotten: list[str] = []

    def client(self, _service: str, **_options: object) -> "Aws":
        return self

    def put_object(self, Bucket: str, Key: str, **details: Any) -> None:  # noqa: N803
        assert Bucket == "bucket"
        self.objects[Key] = details

    def create_invalidation(self, DistributionId: str, InvalidationBatch: dict[str, Any]) -> None:  # noqa: N803
        assert DistributionId == "distribution"
        assert InvalidationBatch["Paths"]["Quantity"] == len(InvalidationBatch["Paths"]["Items"])
        self.forgotten += InvalidationBatch["Paths"]["Items"]


@pytest.fixture
def build(tmp_path: Path) -> Path:
    tmp_path.joinpath("media").mkdir()
    tmp_path.joinpath("index.html").write_text("<!doctype html>")
    tmp_path.joinpath("main-ABCD1234.js").write_text("1")
    tmp_path.joinpath("media", "figtree-EFGH5678.woff2").write_bytes(b"f")
    tmp_path.joinpath("favicon.ico").write_bytes(b"i")
    return tmp_path


@pytest.fixture
def aws(build: Path) -> Iterator[Aws]:
    aws = Aws()
    outputs = {"StorefrontBucket": "bucket", "DistributionId": "distribution"}
    upload(Shop("shop", "r", None, outputs, {}, cast(boto3.Session, aws)), files(build), lambda _text: None)
    yield aws


def test_every_file_arrives_as_what_it_is(aws: Aws) -> None:
    assert {key: details["ContentType"] for key, details in aws.objects.items()} == {
        "index.html": "text/html; charset=utf-8",
        "main-ABCD1234.js": "text/javascript; charset=utf-8",
        "media/figtree-EFGH5678.woff2": "font/woff2",
        "favicon.ico": "image/vnd.microsoft.icon",
    }


def test_a_page_is_there_only_after_all_that_it_refers_to(aws: Aws) -> None:
    assert list(aws.objects)[-1] == "index.html"


def test_browsers_keep_what_never_changes_and_ask_for_the_rest(aws: Aws) -> None:
    kept = {key for key, details in aws.objects.items() if "immutable" in details["CacheControl"]}
    assert kept == {"main-ABCD1234.js", "media/figtree-EFGH5678.woff2"}


def test_cloudfront_forgets_what_can_have_changed(aws: Aws) -> None:
    assert set(aws.forgotten) == {"/", "/index.html", "/favicon.ico"}


def test_each_text_is_published_for_the_storefront_and_as_a_page_of_its_own(build: Path) -> None:
    build.joinpath("index.html").write_text(f"<head><title>CloudRetail</title></head>{ROOT}")

    made = {file.key: file for file in made_of(files(build), FACTS, "https://shop.example")}

    assert set(made) == {
        *(file.key for file in files(build)),
        "pages/404.html",
        *(f"{folder}/{name}.html" for name in names() for folder in ("texts", "pages")),
    }
    assert made["texts/terms.html"].body in made["pages/terms.html"].body
    assert b"<title>Terms of sale" in made["pages/terms.html"].body
    # A function at the edge gives it its status: HistoryFallback and FileStatus in the template.
    assert made["pages/404.html"].metadata == {"status": "404"}
    # Each page says who sells, the ones too that the catalogue makes of index.html.
    seller = f'<meta name="seller" content="{FACTS.name}"><meta name="sent-from" content="{FACTS.return_address[-1]}">'
    for key in ("index.html", "pages/404.html", "pages/terms.html"):
        assert seller in made[key].body.decode()


def test_without_a_build_it_says_how_to_make_one() -> None:
    with pytest.raises(OpsError, match="make storefront"):
        files(None)
