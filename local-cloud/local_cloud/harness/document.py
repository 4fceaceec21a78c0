"""What programs measure, written into the docs between two marks."""

from pathlib import Path

from .tools import ROOT

_END = "<!-- end -->\n"


def write(document: Path, program: str, text: str) -> None:
    """Puts the text in place of what stands between ``<!-- measured by `program` -->`` and the next end."""
    begin = f"<!-- measured by `{program}` -->\n"
    before, found, rest = document.read_text().partition(begin)
    _, end, after = rest.partition(_END)
    if not (found and end):
        raise SystemExit(f"{document.relative_to(ROOT)} lacks the lines {begin.strip()} and {_END.strip()}")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}")
