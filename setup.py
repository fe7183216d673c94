"""The README as a package index shows it, where a path into this repository leads nowhere.

All else about the package is in setup.cfg. Its `url` decides: with one, as GitHub and its like lay them out, pictures
and links lead there; without, a picture becomes what it shows, in words, and a link its text.
"""

import re
from configparser import ConfigParser
from pathlib import Path

PICTURE = re.compile(r"<picture>.*?(<img [^>]*>)</picture>")  # which index pages do not know
IMG = re.compile(r'<img src="(?P<path>[^":]+)"[^>]*? alt="(?P<alt>[^"]*)">')
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^):]+)\)")


def described(readme: str, url: str) -> str:
    """The text of the README with `url`, if it has one, before every path into the repository."""
    def img(found: re.Match) -> str:
        return found[0].replace(found["path"], f"{url}/raw/HEAD/{found['path']}") if url else words(found["alt"])

    def link(found: re.Match) -> str:
        if not url:
            return words(found["text"]) if found["picture"] else found["text"]
        kind = "raw" if found["picture"] else "blob"
        return f"{found['picture']}[{found['text']}]({url}/{kind}/HEAD/{found['path']})"

    def words(alt: str) -> str:
        return alt and f"*({alt})*"

    return LINK.sub(link, IMG.sub(img, PICTURE.sub(r"\1", readme)))


if __name__ == "__main__":
    from setuptools import setup  # an environment that only reads this need not have it
    here = Path(__file__).parent
    config = ConfigParser()
    config.read(here / "setup.cfg", encoding="utf-8")
    setup(long_description=described((here / "README.md").read_text(encoding="utf-8"),
                                     config.get("metadata", "url", fallback="").rstrip("/")))
