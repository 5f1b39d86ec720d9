"""Upload the storefront's build to its bucket, so that no shopper gets a mix of the old and the new build."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from retail_ops.errors import OpsError
from retail_ops.progress import Note
from retail_ops.stack.shop import Shop
from retail_ops.stack.storefront_build import cache_control, media_type
from retail_ops.stack.texts import Facts, names, render


@dataclass(frozen=True)
class File:
    """A file of the storefront.

    Args:
        key: in the bucket.
        body: its bytes.
        metadata: that CloudFront's functions see, as headers `x-amz-meta-...`.
    """

    key: str
    body: bytes = field(repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)


def files(root: Path | None) -> list[File]:
    """The files of a build.

    Args:
        root: the folder with index.html; None where there is no build.

    Raises:
        OpsError: there is no build.
    """
    if root is None:
        raise OpsError("There is no build in frontend/dist. Make one with: make storefront")
    found = (path for path in sorted(root.rglob("*")) if path.is_file())
    return [File(path.relative_to(root).as_posix(), path.read_bytes()) for path in found]


def made_of(build: Sequence[File], facts: Facts, origin: str) -> list[File]:
    """A build with what a stage's own facts make of it: who sells, on each page; texts, each as a page too; the page
    of what there is not.

    Args:
        build: its files.
        facts: who runs the shop.
        origin: of the storefront.
    """
    index = facts.within(next(file.body for file in build if file.key == "index.html").decode())
    texts = {name: render(name, facts) for name in names()}
    return [
        *(file for file in build if file.key != "index.html"),
        *(File(f"texts/{name}.html", text.body.encode()) for name, text in texts.items()),
        *(File(f"pages/{name}.html", text.page(index, origin).encode()) for name, text in texts.items()),
        # A status cannot be kept in S3: the distribution's function gives it.
        File("pages/404.html", index.encode(), {"status": "404"}),
        File("index.html", index.encode()),
    ]


def upload(shop: Shop, build: Sequence[File], note: Note) -> None:
    """Upload a build, and invalidate the pages in CloudFront.

    Files that pages refer to are uploaded first, and index.html last. Files of earlier builds stay, for open pages.

    Args:
        shop: its bucket and distribution.
        build: its files.
        note: called with how many are done.
    """
    bucket = shop.output("StorefrontBucket")
    put = shop.s3.put_object  # Clients are thread-safe, but making one is not.

    def send(file: File) -> None:
        put(
            Bucket=bucket,
            Key=file.key,
            Body=file.body,
            ContentType=media_type(file.key),
            CacheControl=cache_control(file.key),
            Metadata=file.metadata,
        )

    pages = [file for file in build if file.key.endswith(".html")]
    others = [file for file in build if file not in pages]
    with ThreadPoolExecutor(max_workers=8) as pool:
        running = [pool.submit(send, file) for file in others]
        for done, finished in enumerate(as_completed(running), start=1):
            finished.result()
            note(f"{done} of {len(build)} files")
    for page in pages:
        send(page)
    lasting = [f"/{file.key}" for file in build if "immutable" not in cache_control(file.key)]
    shop.cloudfront.create_invalidation(
        DistributionId=shop.output("DistributionId"),
        InvalidationBatch={
            "Paths": {"Quantity": len(lasting) + 1, "Items": ["/", *lasting]},
            "CallerReference": str(uuid4()),
        },
    )
