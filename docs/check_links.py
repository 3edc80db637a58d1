"""Finds links of the built site that lead nowhere, without a network.

    python docs/check_links.py outputs/docs

Every ``href`` and ``src`` that stays on the site must name a file, and its anchor must exist there.
Exits with status 1 and lists those that do not.
"""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        """Parse the text of a page."""
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag refers to and what it is called."""
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif (name == "id" or (name == "name" and tag == "a")) and value is not None:
                self.anchors.add(value)


@cache
def page(path: Path) -> Page:
    """A parsed page."""
    return Page(path.read_text(encoding="utf-8"))


def broken(site: Path) -> list[str]:
    """``page: link`` for each link that leads nowhere."""
    found = []
    for path in sorted(site.rglob("*.html")):
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            lost = not target.is_file() or (
                target.suffix == ".html"
                and parts.fragment
                and unquote(parts.fragment) not in page(target).anchors
            )
            if lost:
                found.append(f"{path.relative_to(site)}: {link}")
    return found


def main() -> None:
    """Check the site named on the command line."""
    site = Path(sys.argv[1])
    if not (site / "index.html").is_file():
        sys.exit(f"{site} holds no site: index.html is missing; run make docs")
    if lost := broken(site):
        sys.exit("links that lead nowhere:\n" + "\n".join(lost))


if __name__ == "__main__":
    main()
