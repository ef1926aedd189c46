"""Long work that a press starts: the request is kept until its work is done, whatever interrupts the run meanwhile.

Any message of the browser, such as a late event of a component, interrupts the run of a page and starts another, in
which the button no longer counts as pressed. A page therefore asks here, and not the button, whether there is work.
"""

from collections.abc import Callable
from typing import NoReturn, TypeVar, cast

from streamlit.runtime.scriptrunner_utils.exceptions import ScriptControlException

from ui.model import session

T = TypeVar("T")


def request(name: str, of: object) -> None:
    """Request work by its name, once more if it was done; a callback of its button. `of`: what the work is about."""
    session.WORK.set({**session.WORK.get(), name: (of,)})


def is_requested(name: str, of: object) -> bool:
    """Return whether this work was requested and is not done yet."""
    return session.WORK.get().get(name) == (of,)


def forget(name: str) -> None:
    """Forget a request, or the result of its work."""
    if name in session.WORK.get():
        session.WORK.set({key: value for key, value in session.WORK.get().items() if key != name})


def finish(name: str) -> NoReturn:
    """Forget work that is done, and run the page again, which shows what it has changed."""
    forget(name)
    session.rerun()


def result(name: str, of: object, work: Callable[[], T]) -> T | None:
    """Return the result of work, which is done now if it was requested; None if it was not, or is about something else.

    An interrupted run leaves the request, so that the next run of the page does the work. The result is kept until the
    work is requested again or another page is opened. An exception of the work ends the request.
    """
    requested = session.WORK.get().get(name)
    if requested is None or requested[0] != of:
        return None
    if len(requested) == 1:
        try:
            requested = (of, work())
        except ScriptControlException:
            raise
        except BaseException:
            forget(name)
            raise
        session.WORK.set({**session.WORK.get(), name: requested})
    return cast("T", requested[1])


def problem(
    name: str, of: object, work: Callable[[], object], error: type[Exception], text: Callable[[Exception], str] = str
) -> str | None:
    """Return what requested work ended with, as `result` does: "" for success, else the text of its error.

    error: the exception that the work may raise; any other is raised here.
    """

    def attempt() -> str:
        try:
            work()
        except error as raised:
            return text(raised)
        return ""

    return result(name, of, attempt)
