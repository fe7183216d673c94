"""Live: in a notebook, a thing that is shown while it changes, always in the same place.

It shows itself, as the result of a cell does. Anywhere else, in a terminal or a script, nothing is shown, and IPython
is not even imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any


@contextmanager
def live(thing: Any, every: int) -> Iterator[Callable[[], None]]:
    """Show `thing` in the cell that runs, and anew at every `every`-th call of what this gives, and at the end.

    How often is counted in calls, not in seconds, so that the same run shows the same pictures. A cell that ends with
    the thing shows it itself, and the one that was live goes.

    >>> with live([], every=10) as redraw:          # no notebook
    ...     redraw()
    """
    shell = _notebook()
    if shell is None:
        yield lambda: None
        return
    from IPython.display import display
    place, calls = display(thing, display_id=True), count(1)

    def redraw() -> None:
        if next(calls) % every == 0:
            place.update(thing)

    def at_the_end_of_the_cell(cell: Any) -> None:
        shell.events.unregister("post_run_cell", at_the_end_of_the_cell)
        if cell.result is thing:
            place.update({"text/plain": ""}, raw=True)

    shell.events.register("post_run_cell", at_the_end_of_the_cell)
    try:
        yield redraw
    finally:
        place.update(thing)


def _notebook() -> Any:
    """The shell of IPython that runs this in a kernel, which a notebook talks to; None in a terminal or a script."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if hasattr(shell, "kernel") else None
