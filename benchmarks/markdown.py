"""Markdown tables with aligned columns, readable in a terminal too."""

from collections.abc import Collection, Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], text_columns: Collection[int] = (0,)) -> str:
    """Return a table in Markdown.

    text_columns: positions of the columns of text, which are aligned to the left; others are aligned to the right.
    """
    ruler = ["---" if column in text_columns else "--:" for column in range(len(head))]
    lines = [list(head), ruler, *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "| " + " | ".join(_aligned(cell, widths[i], i in text_columns) for i, cell in enumerate(line)) + " |"
        for line in lines
    )


def _aligned(cell: str, width: int, is_text: bool) -> str:
    return cell.ljust(width) if is_text else cell.rjust(width)
