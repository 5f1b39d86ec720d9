"""The storefront's build: its files, and how long a browser may cache each. It is the same on AWS and on a laptop."""

import gzip
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import brotli

FOREVER = "public, max-age=31536000, immutable"
ALWAYS_ASK = "no-cache"


@dataclass(frozen=True)
class Page:
    """A file ready to be sent.

    Args:
        body: its bytes.
        packed: the compressed bodies by content coding, smallest first, as CloudFront serves them; empty if
            compression saves nothing.
        kind: media type.
        changed: modification time and size, to notice a new build.
    """

    body: bytes
    packed: Mapping[str, bytes]
    kind: str
    changed: tuple[int, int]


class Files:
    """The storefront's build.

    Args:
        folder: where it is. Angular puts the pages into a folder `browser` below it.
        within: what a stage makes of index.html.
    """

    def __init__(self, folder: Path, within: Callable[[str], str] = str) -> None:
        self._folder = folder
        self._within = within
        self._pages: dict[Path, Page] = {}

    @property
    def root(self) -> Path | None:
        """The folder that holds index.html; None before the first build."""
        for index in (self._folder / "index.html", *sorted(self._folder.glob("**/index.html"))):
            if index.is_file():
                return index.parent.resolve()
        return None

    def get(self, path: str) -> Page | None:
        """A file of the build.

        Args:
            path: of the request, starting with a slash.

        Returns:
            The file; None if there is none, or if the path leads out of the build.
        """
        root = self.root
        if root is None or "\0" in path:
            return None
        file = (root / path.lstrip("/")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            return None
        status = file.stat()
        changed = (status.st_mtime_ns, status.st_size)
        page = self._pages.get(file)
        if page is None or page.changed != changed:
            body = file.read_bytes()
            if file.name == "index.html":
                body = self._within(body.decode()).encode()
            page = self._pages[file] = _packed(file, body, changed)
        return page


def _packed(file: Path, body: bytes, changed: tuple[int, int]) -> Page:
    packed = {"br": brotli.compress(body), "gzip": gzip.compress(body, mtime=0)}
    worth_it = len(packed["gzip"]) < len(body) * 0.9
    return Page(body, packed if worth_it else {}, media_type(file.name), changed)


def media_type(name: str) -> str:
    """The Content-Type of a file of the build."""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/") or kind in ("application/javascript", "application/json")
    return f"{kind}; charset=utf-8" if text else kind


def cache_control(path: str) -> str:
    """How long a browser may cache a file of the build.

    Angular puts a hash of the content into a file's name (main-HAYGG3RZ.js), except for pages and files in public/.
    """
    return FOREVER if re.search(r"-[\w-]{8}\.(js|css|woff2)$", path) else ALWAYS_ASK
