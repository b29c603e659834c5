"""A website on this machine: sitemap, robots.txt, conditional requests, links, llms.txt."""

from __future__ import annotations

import io
import socket
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rookery_core.errors import InvalidInput
from rookery_core.foreign import web
from rookery_docs.store.writer import KnownPage
from rookery_ingest.docs.llmstxt import split_pages
from rookery_ingest.docs.raw import Delivered, LeftOut, RawPage, Unchanged, Unreadable
from rookery_ingest.docs.site import Site, read_site
from rookery_ingest.docs.sitemap import linked_pages
from rookery_ingest.docs.sources import open_source
from rookery_ingest.docs.web import Guest


class Website:
    """Pages by path, and how often each was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, bytes, dict[str, str]]] = {}
        self.asked: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.failing: Counter[str] = Counter()
        self.redirects: dict[str, str] = {}
        website = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                website.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def put(self, path: str, body: str, kind: str = "text/html", **headers: str) -> None:
        self.pages[path] = (
            kind,
            body.encode(),
            {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def sitemap(self, *paths: str, changed: str = "") -> None:
        stamp = f"<lastmod>{changed}</lastmod>" if changed else ""
        entries = "".join(f"<url><loc>{self.url}{path}</loc>{stamp}</url>" for path in paths)
        self.put(
            "/sitemap.xml",
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>',
            "application/xml",
        )

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked[request.path] += 1
        kind, body, headers = self.pages.get(request.path, ("text/plain", b"", {}))
        status = 200 if request.path in self.pages else 404
        if self.failing[request.path] > 0:
            self.failing[request.path] -= 1
            status, body = 503, b""
        elif (
            status == 200 and headers.get("ETag") and request.headers.get("If-None-Match") == headers["ETag"]
        ):
            status, body = 304, b""
        self.answers[status] += 1
        if request.path in self.redirects:
            status, body, headers = 302, b"", {"Location": self.redirects[request.path]}
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def website() -> Iterator[Website]:
    site = Website()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()
    thread.join()


async def crawl(
    website: Website, known: dict[str, KnownPage] | None = None, **options: object
) -> list[Delivered]:
    guest = Guest(pause_s=0)
    site = Site(website.url + "/docs/", **options)  # pyright: ignore[reportArgumentType]
    try:
        return [page async for page in read_site(guest, site, known or {})]
    finally:
        await guest.close()


async def test_the_sitemap_says_what_is_read_below_the_start(website: Website) -> None:
    website.put("/docs/a", "<main>A</main>", ETag='"1"')
    website.put("/docs/b.md", "# B", "text/markdown")
    website.sitemap("/docs/a", "/docs/b.md", "/elsewhere")
    pages = [page for page in await crawl(website) if isinstance(page, RawPage)]
    assert [(page.path, page.format, page.etag) for page in pages] == [
        ("a", "html", '"1"'),
        ("b.md", "markdown", None),
    ]
    assert website.asked["/elsewhere"] == 0


async def test_robots_are_obeyed(website: Website) -> None:
    website.put("/robots.txt", "User-agent: *\nDisallow: /docs/private\n", "text/plain")
    website.put("/docs/private", "<main>secret</main>")
    website.put("/docs/open", "<main>open</main>")
    website.sitemap("/docs/private", "/docs/open")
    found = await crawl(website)
    assert [type(page) for page in found] == [LeftOut, RawPage]
    assert website.asked["/docs/private"] == 0


async def test_what_is_gone_and_what_is_no_document_are_left_out(website: Website) -> None:
    website.put("/docs/open", "<main>open</main>")
    website.put("/docs/picture", "not a page", "image/png")
    website.sitemap("/docs/gone", "/docs/open", "/docs/picture")
    assert [type(page) for page in await crawl(website)] == [LeftOut, RawPage, LeftOut]


async def test_what_has_not_changed_is_not_sent_again(website: Website) -> None:
    website.put("/docs/a", "<main>A</main>", ETag='"1"')
    website.put("/docs/b", "<main>B</main>")
    website.sitemap("/docs/a", "/docs/b", changed="2024-01-01")
    later = datetime(2024, 6, 1, tzinfo=UTC)
    known = {"a": KnownPage("", b"", '"1"', None), "b": KnownPage("", b"", None, later)}
    assert await crawl(website, known) == [Unchanged("a"), Unchanged("b")]
    assert (website.answers[304], website.asked["/docs/b"]) == (1, 0)


async def test_without_a_sitemap_links_are_followed(website: Website) -> None:
    website.put(
        "/docs/",
        '<main><a href="one#x">1</a><a href="/other">no</a><a rel="nofollow" href="two">2</a></main>',
    )
    website.put("/docs/one", '<main><a href="./">back</a></main>')
    assert [page.path for page in await crawl(website)] == ["index", "one"]


async def test_a_server_that_falters_is_asked_again(website: Website) -> None:
    website.put("/docs/a", "<main>A</main>")
    website.sitemap("/docs/a")
    website.failing["/docs/a"] = 2
    assert [type(page) for page in await crawl(website)] == [RawPage]


async def test_a_page_that_the_server_fails_to_give_cannot_be_read(website: Website) -> None:
    website.put("/docs/a", "<main>A</main>")
    website.sitemap("/docs/a")
    website.failing["/docs/a"] = 99
    assert [type(page) for page in await crawl(website)] == [Unreadable]


async def test_more_pages_than_wanted_is_not_a_whole_crawl(website: Website) -> None:
    website.put("/docs/a", "<main>A</main>")
    website.sitemap("/docs/a", "/docs/b")
    site = Site(website.url + "/docs/", most_pages=1)
    guest = Guest(pause_s=0)
    pages = [page async for page in read_site(guest, site, {})]
    await guest.close()
    assert (len(pages), site.complete) == (1, False)


async def test_a_sitemap_that_lists_nothing_wanted_is_refused(website: Website) -> None:
    website.sitemap("/elsewhere")
    with pytest.raises(InvalidInput, match="lists no page"):
        await crawl(website)


async def test_the_links_of_an_llms_txt_are_read(website: Website) -> None:
    website.put("/docs/llms.txt", "# Site\n\n- [A](a.md): first\n- [B](/docs/b.md)\n", "text/plain")
    website.put("/docs/a.md", "# A", "text/markdown")
    website.put("/docs/b.md", "# B", "text/markdown")
    guest = Guest(pause_s=0)
    opened = await open_source("llms", "latest", {"url": website.url + "/docs/llms.txt"}, {}, guest)
    found = [page async for page in opened.pages]
    await guest.close()
    assert [page.path for page in found] == ["a.md", "b.md"]
    assert opened.whole()


@pytest.mark.parametrize("place", ["/docs/{version}/", "/manual-{version}.zip"])
async def test_the_manual_is_read_from_a_url_of_pages_or_of_an_archive(website: Website, place: str) -> None:
    website.put("/docs/17/", '<main><a href="bookindex.html">index</a><a href="sql-select.html">s</a></main>')
    website.put("/docs/17/bookindex.html", "<main><h1>Index</h1></main>")
    website.put("/docs/17/sql-select.html", "<main><h1>SELECT</h1></main>")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("17/bookindex.html", "<main><h1>Index</h1></main>")
        archive.writestr("17/sql-select.html", "<main><h1>SELECT</h1></main>")
    website.pages["/manual-17.zip"] = ("application/zip", packed.getvalue(), {})
    guest = Guest(pause_s=0)
    opened = await open_source("postgres", "17", {"url": website.url + place}, {}, guest)
    found = [page.path for page in [page async for page in opened.pages] if isinstance(page, RawPage)]
    await guest.close()
    assert {"bookindex.html", "sql-select.html"} <= set(found)


def test_links_of_markdown() -> None:
    found = linked_pages('[a](x.md#y) [b](<https://h/z> "t") [mail](mailto:a@b)', "https://h/docs/llms.txt")
    assert [page.url for page in found] == ["https://h/docs/x.md", "https://h/z"]


def test_an_llms_full_txt_is_cut_at_its_top_headings_but_not_inside_code() -> None:
    text = "# One\n\nx\n\n```sh\n# comment\n```\n\n## Part\n\n# Two\n\ny\n"
    assert [(title, body.count("#")) for title, body in split_pages(text)] == [("One", 4), ("Two", 1)]


@pytest.mark.parametrize("url", ["ftp://x/", "file:///etc/passwd", "nothing"])
async def test_only_http_is_fetched(url: str) -> None:
    guest = Guest(pause_s=0)
    with pytest.raises(InvalidInput):
        await guest.fetch(url)
    await guest.close()


async def test_the_postgis_manual_is_read_by_its_links_whatever_the_sitemap_lists(website: Website) -> None:
    website.sitemap("/blog/")
    entry = '<div class="refnamediv"><h2>Name</h2><p>ST_Area \N{EM DASH} An area.</p></div><a href="index.html">Up</a>'
    website.put("/manual/", '<h1>Manual</h1><a href="ST_Area.html">ST_Area</a><a href="../other/">Other</a>')
    website.put("/manual/index.html", "<h1>Manual</h1>")
    website.put("/manual/ST_Area.html", entry)
    guest = Guest(pause_s=0)
    opened = await open_source("postgis", "3.5", {"base_url": f"{website.url}/manual/"}, {}, guest)
    pages = [page async for page in opened.pages if isinstance(page, RawPage)]
    await guest.close()
    assert [page.path for page in pages] == ["index", "ST_Area.html", "index.html"]
    assert "<h1>ST_Area</h1>" in pages[1].data.decode()
    assert opened.whole()


def paths(pages: list[Delivered], kind: type = RawPage) -> list[str]:
    return [page.path for page in pages if isinstance(page, kind)]


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/docs/x", "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/docs/x",
        "/docsevil/x", "/other", "/docs/../other", "/docs/%2e%2e/other", "/docs/..%2fother", "/docs/%252e%252e/other",
        "/docs/..%5cother", "file:///etc/passwd", "//[", "http://user@127.0.0.1:{port}/docs/x",
    ],
)  # fmt: skip
async def test_a_redirect_that_leads_out_of_the_site_is_left_out(website: Website, target: str) -> None:
    website.put("/docs/a", "<main>A</main>")
    for path in ("/docs/x", "/docsevil/x", "/other", "/docs/%2e%2e/other", "/docs/..%2fother"):
        website.put(path, "<main>secret</main>")
    website.redirects["/docs/out"] = target.format(port=website.server.server_address[1])
    website.sitemap("/docs/out", "/docs/a")
    pages = await crawl(website)
    assert paths(pages) == ["a"]
    assert not any(isinstance(page, RawPage) and b"secret" in page.data for page in pages)
    assert not website.asked["/docsevil/x"] and not website.asked["/other"]


async def test_links_and_sitemaps_that_lead_out_are_not_followed(website: Website) -> None:
    outside = [
        "/docsevil/x",
        "/docs/../other",
        "/docs/%2e%2e/other",
        "/docs/..%2fother",
        "/docs/%252e%252e/other",
    ]
    for path in (*outside, "/other"):
        website.put(path, "<main>secret</main>")
    website.put("/docs/a", "<main>A</main>")
    website.put(
        "/docs/",
        "".join(f'<a href="{path}">x</a>' for path in (*outside, "a", "http://[", "//evil.example/docs/")),
    )
    assert paths(await crawl(website)) == ["index", "a"]
    website.sitemap(*outside, "/docs/a")
    assert paths(await crawl(website)) == ["a"]
    assert set(website.asked) <= {"/robots.txt", "/docs/", "/docs/a", "/docs/sitemap.xml", "/sitemap.xml"}


async def test_a_sitemap_that_robots_names_on_another_host_is_not_read(website: Website) -> None:
    port = website.server.server_address[1]
    website.put(
        "/evil.xml", f"<urlset><url><loc>{website.url}/docs/evil</loc></url></urlset>", "application/xml"
    )
    website.put("/docs/evil", "<main>evil</main>")
    website.put("/docs/", "<main>start</main>")
    website.put(
        "/robots.txt",
        f"Sitemap: http://localhost:{port}/evil.xml\nSitemap: http://169.254.169.254/s.xml",
        "text/plain",
    )
    assert paths(await crawl(website)) == ["index"]
    website.put("/robots.txt", f"Sitemap: {website.url}/index.xml", "text/plain")
    nested = f"http://localhost:{port}/evil.xml"
    website.put(
        "/index.xml",
        f"<sitemapindex><sitemap><loc>{nested}</loc></sitemap></sitemapindex>",
        "application/xml",
    )
    assert paths(await crawl(website)) == ["index"]
    assert website.asked["/evil.xml"] == 0


async def test_a_redirected_page_is_stored_once_under_its_final_address(website: Website) -> None:
    website.put("/docs/new", "<main>new</main>", ETag='"1"')
    website.put("/docs/", '<a href="old">1</a><a href="new">2</a><a href="older">3</a>')
    website.redirects |= {"/docs/old": "/docs/new", "/docs/older": "old"}
    for listed in (True, False):
        if listed:
            website.sitemap("/docs/old", "/docs/new", "/docs/older")
        else:
            del website.pages["/sitemap.xml"]
        website.asked.clear()
        pages = await crawl(website, {"old": KnownPage("", b"", '"1"', None)} if listed else None)
        new = [page for page in pages if isinstance(page, RawPage) and page.path == "new"]
        assert [page.url for page in new] == [website.url + "/docs/new"]
        assert set(paths(pages)) == ({"new"} if listed else {"index", "new"})


async def test_a_loop_ends_the_page_and_not_the_import(website: Website) -> None:
    website.put("/docs/", '<a href="loop">1</a><a href="far0">2</a><a href="a">3</a>')
    website.put("/docs/a", "<main>A</main>")
    website.redirects |= {"/docs/loop": "/docs/loop2", "/docs/loop2": "/docs/loop"}
    website.redirects |= {f"/docs/far{number}": f"/docs/far{number + 1}" for number in range(20)}
    pages = await crawl(website)
    assert paths(pages) == ["index", "a"]
    reasons = {page.path: page.reason for page in pages if isinstance(page, Unreadable)}
    assert "in a loop" in reasons["loop"] and "more than 5 times" in reasons["far0"]
    assert all(page.hides for page in pages if isinstance(page, Unreadable)), "their links were not seen"


async def test_each_page_is_fetched_once(website: Website) -> None:
    website.put("/docs/", '<a href="a">1</a><a href="b">2</a>')
    website.put("/docs/a", '<a href="./">1</a><a href="b">2</a>')
    website.put("/docs/b", '<a href="a#x">1</a>')
    assert paths(await crawl(website)) == ["index", "a", "b"]
    assert {website.asked[f"/docs/{name}"] for name in ("", "a", "b")} == {1}


async def test_the_base_and_the_canonical_link_of_a_page_are_honoured(website: Website) -> None:
    website.put("/docs/", '<base href="/docs/v2/"><a href="a">1</a><a href="b?print=1">2</a>')
    website.put("/docs/v2/a", "<head><link rel='canonical' href='/docs/final'></head><main>A</main>")
    website.put("/docs/v2/b?print=1", "<head><link rel='canonical' href='b'></head><main>B</main>")
    pages = [page for page in await crawl(website) if isinstance(page, RawPage)]
    assert [(page.path, page.url.removeprefix(website.url)) for page in pages] == [
        ("index", "/docs/"),
        ("final", "/docs/final"),
        ("v2/b", "/docs/v2/b"),
    ]


@pytest.mark.parametrize(
    "link", ["https://bank.example/docs/a", "/other", "/docs/../other", "/docs/", "http://["]
)
async def test_a_canonical_link_out_of_the_site_or_to_the_start_is_not_believed(
    website: Website, link: str
) -> None:
    website.put(
        "/docs/a",
        f"<head><base href='https://bank.example/'><link rel='canonical' href='{link}'></head><main>A</main>",
    )
    website.put("/docs/b", f"<head><link rel='canonical' href='{link}'></head><main>B</main>")
    website.sitemap("/docs/a", "/docs/b")
    pages = [page for page in await crawl(website) if isinstance(page, RawPage)]
    assert [page.url.removeprefix(website.url) for page in pages] == ["/docs/a", "/docs/b"]


async def test_a_start_that_redirects_to_another_name_is_followed_and_said(
    website: Website, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = website.server.server_address[1]
    resolve = socket.getaddrinfo

    def resolved(host: str, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host.endswith("example.org") else host, *arguments, **options)

    def public(address: object) -> str:
        return "public"

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(web, "reach", public)
    website.put("/docs/a", "<main>A</main>")
    website.put("/docs/en/", "<a href='/docs/a'>1</a><a href='http://other.example.org/docs/b'>2</a>")
    answer = website.answer

    def answer_by_name(request: BaseHTTPRequestHandler) -> None:
        moved = request.headers["Host"].startswith("example.org")
        website.redirects = {"/docs/": f"http://www.example.org:{port}/docs/en/"} if moved else {}
        answer(request)

    monkeypatch.setattr(website, "answer", answer_by_name)
    guest = Guest(pause_s=0)
    opened = await open_source("site", "1", {"url": f"http://example.org:{port}/docs/"}, {}, guest)
    pages = [page async for page in opened.pages if isinstance(page, RawPage)]
    await guest.close()
    assert opened.base_url == f"http://www.example.org:{port}/docs/"
    assert [page.url for page in pages] == [
        f"http://www.example.org:{port}/docs/en/", f"http://www.example.org:{port}/docs/a"
    ]  # fmt: skip
    assert "the site is read there" in caplog.text


async def test_a_start_that_cannot_be_had_is_one_clear_error(website: Website) -> None:
    website.redirects["/docs/"] = "http://169.254.169.254/latest/"
    with pytest.raises(InvalidInput, match="metadata address"):
        await crawl(website)
    website.redirects["/docs/"] = "/docs/"
    with pytest.raises(InvalidInput, match="in a loop"):
        await crawl(website)


async def test_pages_of_an_llms_txt_on_local_hosts_are_left_out_and_sources_of_other_hosts_are_not_cited(
    website: Website,
) -> None:
    port = website.server.server_address[1]
    website.put(
        "/docs/llms.txt", f"[a](a.md) [b](http://localhost:{port}/docs/b.md) [m](http://169.254.169.254/m.md)"
    )
    website.put("/docs/a.md", "# A", "text/markdown")
    website.put("/docs/b.md", "# secret", "text/markdown")
    website.put("/docs/llms-full.txt", "# One\nSource: https://bank.example/one\n\nx\n")
    guest = Guest(pause_s=0)
    opened = await open_source("llms", "1", {"url": website.url + "/docs/llms.txt"}, {}, guest)
    assert paths([page async for page in opened.pages]) == ["a.md"]
    opened = await open_source("llms", "1", {"url": website.url + "/docs/llms-full.txt"}, {}, guest)
    [page] = [page async for page in opened.pages]
    await guest.close()
    assert isinstance(page, RawPage) and page.url == website.url + "/docs/llms-full.txt#one"
