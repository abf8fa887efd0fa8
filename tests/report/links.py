"""What a page would load, and which elements it has."""

from __future__ import annotations

from html.parser import HTMLParser


class Links(HTMLParser):
    """Notes what a page would load, and that its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "data"}]
