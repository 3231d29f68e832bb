"""Checks of the built site: every link leads somewhere, and no page loads anything from another place."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Page(HTMLParser):
    """The links of a page, what it loads, and the places within it that a link can name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.loads, self.places = set(), set(), {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.add(given["href"])
        if tag in LOADED and given.get(LOADED[tag]) and given.get("rel") != "canonical":
            self.loads.add(given[LOADED[tag]])


def problems(site: Path) -> list[str]:
    """Returns the sentences on links that lead nowhere and on resources from elsewhere, sorted."""
    pages = {path: Page(path.read_text()) for path in site.rglob("*.html")}
    found = set()
    for path, page in pages.items():
        where = path.relative_to(site)
        for address in page.loads | page.links:
            parts = urlsplit(address)
            if parts.scheme in ("http", "https") or parts.netloc:
                if address in page.loads:
                    found.add(f"{where} loads {address}")
                continue
            if parts.scheme or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.add(f"{where} links to {address}, which is not there")
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                found.add(f"{where} links to {address}, a place that the page does not have")
    return sorted(found)


def check(site: Path) -> None:
    """Raises `RuntimeError` with the problems of a built site, if there are any."""
    if found := problems(site.resolve()):
        raise RuntimeError("\n".join([f"{len(found)} problems of the site:", *found[:40]]))
