"""Visitors without browsers: what belongs to one session and reaches another one is an error, and so is a fault."""

from benchmarks.visitors import Behaviour, Results, Visitor

DOES = Behaviour("sample", ("listen",), 0.1, new=False, uploads=False)


def visitors(results: Results) -> None:
    """Register two visitors with clips of their own."""
    for number, clips in enumerate((["a-1", "a-2"], ["b-1", "b-2"])):
        Visitor(number, "http://127.0.0.1:1", clips, results, DOES)


def test_a_clip_or_an_upload_of_another_session_is_an_error() -> None:
    results = Results()
    visitors(results)
    results.check(0, b"...b-2...upload-of-0001.wav...")
    assert set(results.errors) == {
        "session 0 received b-2, which is of session 1",
        "session 0 received upload-of-0001.wav, which is of session 1",
    }


def test_what_is_a_sessions_own_is_no_error() -> None:
    results = Results()
    visitors(results)
    results.check(1, b"...b-1...b-2...upload-of-0001.wav...c-1")
    assert not results.errors


def test_a_fault_on_a_page_is_an_error() -> None:
    results = Results()
    results.check(0, b"<h1>Something went wrong here</h1>")
    assert results.errors == {"a page says: Something went wrong here": 1}
