r"""The storefront's server on a laptop: one origin for pages, pictures and API, as CloudFront is on AWS.

    python -m retail_ops.local.storefront --port 8080 --api http://.../api --edge d1... \
        --files frontend/dist --facts '{...}'

Files are held in memory, and read again once they have changed, so that a new build shows without a restart.
"""

import argparse
import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp import hdrs, web
from yarl import URL

from catalog import pages
from catalog.filters import Filters
from retail_ops.local.guard import foreign_page, storefront_origins, wrong_name
from retail_ops.stack.addresses import is_known, text_at
from retail_ops.stack.storefront_build import ALWAYS_ASK, Files, cache_control
from retail_ops.stack.texts import Facts, names, render

# Headers that speak about one connection only (RFC 9110, 7.6.1) are not a proxy's to forward.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
HOP_BY_HOP |= {"transfer-encoding", "upgrade", "host"}

API = web.AppKey("api", URL)
EDGE = web.AppKey("edge", str)
ORIGINS = web.AppKey("origins", frozenset[str])
CLIENT = web.AppKey("client", aiohttp.ClientSession)


FILES = web.AppKey("files", Files)
FACTS = web.AppKey("facts", Facts)


def security_headers(images: str, *, stripe: bool = False) -> dict[str, str]:
    """What the browser may do on the storefront's pages: the same as on AWS (template.yaml, SecurityHeaders).

    Args:
        images: where staff upload pictures to; on AWS the image bucket.
        stripe: whether Stripe's card form is on the pages.
    """
    script = " https://js.stripe.com https://*.js.stripe.com" if stripe else ""
    frames = ("frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",) if stripe else ()
    policy = (
        "default-src 'none'",
        f"script-src 'self'{script}",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        f"connect-src 'self' {images}{' https://api.stripe.com' if stripe else ''}",
        "manifest-src 'self'",
        *frames,
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


async def forward(request: web.Request) -> web.StreamResponse:
    """Hand a request to the API and its answer back as it comes, cookies and all."""
    # The path as it was sent: an escaped slash must stay one.
    target = URL(f"{request.app[API]}{request.raw_path}", encoded=True)
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
    headers.append(("X-Forwarded-Host", request.host))
    return await relayed(request, target, headers)


async def picture(request: web.Request) -> web.StreamResponse:
    """A picture, as CloudFront serves it from its private bucket; the emulator knows a distribution by its name."""
    emulator = request.app[API].origin()
    target = URL(f"{emulator}{request.raw_path}", encoded=True)
    return await relayed(request, target, [("Host", request.app[EDGE])])


async def relayed(request: web.Request, target: URL, headers: list[tuple[str, str]]) -> web.StreamResponse:
    """What is answered at another address.

    Args:
        request: whose method and body are sent there.
        target: the address.
        headers: that are sent there.
    """
    body = await request.read() if request.can_read_body else None
    try:
        async with request.app[CLIENT].request(
            request.method, target, headers=headers, data=body, allow_redirects=False
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response
    except aiohttp.ClientConnectionError:
        return web.json_response(
            {"type": "about:blank", "title": "The shop's API does not answer.", "status": 503},
            status=503,
            content_type="application/problem+json",
        )


async def text(request: web.Request) -> web.Response:
    """What the shop has to say of itself, for the storefront to show; on AWS a file that `publish` has made."""
    name = request.match_info["name"]
    if name not in names():
        raise web.HTTPNotFound(text="There is no such file.\n")
    body = render(name, request.app[FACTS]).body
    return web.Response(text=body, content_type="text/html", charset="utf-8", headers={"Cache-Control": ALWAYS_ASK})


async def home(request: web.Request) -> web.Response:
    """The home page, as the catalogue makes it."""
    (status, newest), (other, categories) = await asyncio.gather(
        asked(request, "products", pages.NEWEST), asked(request, "categories", {})
    )
    if not status == other == HTTPStatus.OK:
        # The storefront itself says what is wrong, and tries again.
        return await page(request)
    return await filled(request, pages.home_page(newest, categories))


async def of_a_product(request: web.Request) -> web.Response:
    """The page of a product, as the catalogue makes it on AWS of the published index.html; here of the build's."""
    status, product = await asked(request, f"products/{quote(request.match_info['product_id'], safe='')}", {})
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY):
        return await filled(request, pages.missing_page())
    if status != HTTPStatus.OK:
        return await page(request)
    (status, related), (other, categories) = await asyncio.gather(
        asked(request, "products", pages.related_to(product)), asked(request, "categories", {})
    )
    if not status == other == HTTPStatus.OK:
        return await page(request)
    return await filled(request, pages.product_page(product, related, categories))


async def of_products(request: web.Request) -> web.Response:
    """A list of products, as the catalogue makes it."""
    filters = Filters.of(request.query)
    (status, products), (other, categories) = await asyncio.gather(
        asked(request, "products", filters.query), asked(request, "categories", {})
    )
    if not status == other == HTTPStatus.OK:
        return await page(request)
    return await filled(request, pages.list_page(products, categories, filters))


async def asked(request: web.Request, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
    """Status and JSON of what the API answers, by a page's server.

    Args:
        request: for the page.
        path: below /api, escaped.
        query: of the address.
    """
    try:
        async with request.app[CLIENT].get(
            (request.app[API] / "api").joinpath(path, encoded=True).with_query(query),
            headers={"X-Forwarded-Host": request.host, "Accept-Encoding": "identity"},
        ) as answer:
            return answer.status, await answer.json()
    except (aiohttp.ClientError, ValueError):
        return HTTPStatus.BAD_GATEWAY, None


async def filled(request: web.Request, made: pages.Page) -> web.Response:
    """The answer that a page is, made of the build's index.html if there is a build."""
    index = request.app[FILES].get("/index.html")
    if index is None:
        return await page(request)
    answer = web.Response(
        status=HTTPStatus.OK if made.found else HTTPStatus.NOT_FOUND,
        text=made.filled(index.body.decode(), str(request.url.origin())),
        content_type="text/html",
        charset="utf-8",
        headers={"Cache-Control": ALWAYS_ASK},
    )
    answer.enable_compression()
    return answer


async def page(request: web.Request) -> web.Response:
    """A file of the build; or a page of the application, in whose index.html a text stands already."""
    files = request.app[FILES]
    found, status = files.get(request.path), HTTPStatus.OK
    if found is None:
        if "." in request.path.rpartition("/")[2]:
            raise web.HTTPNotFound(text="There is no such file.\n")
        found = files.get("/index.html")
        name = text_at(request.path)
        if found and name:
            body = render(name, request.app[FACTS]).page(found.body.decode(), str(request.url.origin()))
            return web.Response(
                text=body, content_type="text/html", charset="utf-8", headers={"Cache-Control": ALWAYS_ASK}
            )
        if not is_known(request.path):
            status = HTTPStatus.NOT_FOUND
    if found is None:
        return web.Response(text=unbuilt(), content_type="text/html", headers={"Cache-Control": ALWAYS_ASK})
    headers = {
        "Content-Type": found.kind,
        "Cache-Control": cache_control(request.path),
        "ETag": f'"{found.changed[0]:x}-{found.changed[1]:x}"',
        "Vary": "Accept-Encoding",
    }
    if status is HTTPStatus.OK and request.headers.get(hdrs.IF_NONE_MATCH) == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    taken = re.findall(r"[\w*]+", request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    for coding, packed in found.packed.items():
        if coding in taken:
            return web.Response(status=status, body=packed, headers={**headers, "Content-Encoding": coding})
    return web.Response(status=status, body=found.body, headers=headers)


def unbuilt() -> str:
    """The page that stands in for a storefront that has not been built."""
    return """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CloudRetail: the storefront is not built yet</title>
<meta name="color-scheme" content="light dark">
<h1>The shop runs; its storefront is not built yet</h1>
<p>There is no build in <code>frontend/dist</code>. Make one, then load this page again:</p>
<pre>make storefront</pre>
<p>The HTTP API answers already, under <code>/api</code>: for example <a href="/api/products">the products</a>
and <a href="/api/categories">their categories</a>.</p>
</html>
"""


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Nobody but the storefront's own pages calls the API from a browser; a link of another site may lead to a page."""
    headers = {name.lower(): request.headers.getall(name) for name in request.headers}
    reason = wrong_name(headers)
    if reason is None and request.path.startswith("/api"):
        reason = foreign_page(headers, request.app[ORIGINS].__contains__)
    if reason:
        raise web.HTTPForbidden(text=f"Refused by the local storefront's guard: {reason}\n")
    return await handler(request)


def application(
    api: str, edge: str, files: Path, facts: Facts, origins: frozenset[str] = frozenset(), *, stripe: bool = False
) -> web.Application:
    """The server.

    Args:
        api: address of the HTTP API, ending in /api.
        edge: host name and port of the emulator's CloudFront distribution.
        files: folder of the storefront's build.
        facts: who runs the shop.
        origins: of its own pages.
        stripe: whether Stripe's card form is on them.
    """
    origin = api.removesuffix("/api")
    parts = urlsplit(origin)
    headers = security_headers(f"{parts.scheme}://{parts.netloc}", stripe=stripe)

    async def secure(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    @asynccontextmanager
    async def client(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            # The API answers in what the browser takes, not in what this client could.
            skip_auto_headers=(hdrs.ACCEPT_ENCODING,),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            app[CLIENT] = session
            yield

    async def cleanup(app: web.Application) -> AsyncIterator[None]:
        async with client(app):
            yield

    app = web.Application(client_max_size=16 * 1024 * 1024, middlewares=[guard])
    app[ORIGINS] = origins
    app[FILES] = Files(files, facts.within)
    app[FACTS] = facts
    app[API] = URL(origin)
    app[EDGE] = edge
    app.cleanup_ctx.append(cleanup)
    app.on_response_prepare.append(secure)
    app.router.add_route("*", "/api", forward)
    app.router.add_route("*", "/api/{path:.*}", forward)
    app.router.add_get("/pictures/{path:.*}", picture)
    app.router.add_get("/texts/{name}.html", text)
    app.router.add_get("/", home)
    app.router.add_get("/products", of_products)
    app.router.add_get("/products/{product_id}", of_a_product)
    app.router.add_get("/sitemap.xml", forward)
    app.router.add_get("/{path:.*}", page)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api", required=True, help="address of the HTTP API, ending in /api")
    parser.add_argument("--edge", required=True, help="host and port of the distribution, where the pictures are")
    parser.add_argument("--files", type=Path, required=True, help="folder of the storefront's build")
    parser.add_argument("--facts", type=Facts.read, required=True, help="who runs the shop, as JSON")
    parser.add_argument("--stripe", action="store_true", help="the shop takes cards by Stripe")
    options = parser.parse_args()
    origins = storefront_origins(options.port)
    app = application(options.api, options.edge, options.files, options.facts, origins, stripe=options.stripe)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None)


if __name__ == "__main__":
    main()
