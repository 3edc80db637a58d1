"""Words as text of LaTeX and of Markdown, whatever characters are in them."""

# Of LaTeX: characters that are commands, and what prints them.
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{char: f"\\{char}" for char in "_%&#${}"},
}
# Of Markdown: what would end a cell or begin emphasis, code, a link or HTML.
_MARKDOWN = {char: f"\\{char}" for char in "\\|*_`[]<>~"}


def latex(text: str) -> str:
    """In one line, with what LaTeX would read as commands escaped."""
    return _escaped(text, _LATEX)


def markdown(text: str) -> str:
    """In one line, with what Markdown would read as marks escaped."""
    return _escaped(text, _MARKDOWN)


def _escaped(text: str, signs: dict[str, str]) -> str:
    # A line break would end the row, and half a pair of a file name cannot be written.
    whole = " ".join(text.split()).encode("utf-8", "replace").decode()
    return "".join(signs.get(char, char) for char in whole)
