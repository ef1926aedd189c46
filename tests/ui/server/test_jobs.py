"""Background jobs: one per name at a time, progress, stopping, and messages for errors."""

import threading

import pytest

from data_prep.errors import InputError, StoppedError
from ui.server.jobs import Jobs


def test_a_job_reports_progress_and_its_result():
    def work(tell, should_stop):
        tell(0.5, "half of it")
        return "all done"

    job = Jobs().start("a", work)
    job.thread.join()
    assert (job.running, job.share, job.activity, job.result) == (False, 0.5, "half of it", "all done")


def test_a_job_runs_once_at_a_time_per_name():
    go_on, begun = threading.Event(), []

    def work(tell, should_stop):
        begun.append(1)
        go_on.wait()
        return "done"

    jobs = Jobs()
    first = jobs.start("a", work)
    assert jobs.start("a", work) is first
    go_on.set()
    first.thread.join()
    assert begun == [1]


def test_a_stopped_job_ends_with_a_message_that_it_can_be_resumed():
    def work(tell, should_stop):
        while not should_stop():
            threading.Event().wait(0.001)
        raise StoppedError("stopped")

    job = Jobs().start("a", work)
    job.stop()
    job.thread.join()
    assert "begin again to resume" in job.error


def test_an_input_error_is_the_jobs_error():
    def work(tell, should_stop):
        raise InputError("there is no such folder")

    job = Jobs().start("a", work)
    job.thread.join()
    assert job.error == "there is no such folder"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_unexpected_error_shows_no_details():
    def work(tell, should_stop):
        raise KeyError("secret detail")

    job = Jobs().start("a", work)
    job.thread.join()
    assert "secret" not in job.error
    assert "log" in job.error


def test_a_failed_job_can_be_started_again():
    jobs, outcomes = Jobs(), iter([InputError("no"), None])

    def work(tell, should_stop):
        if (error := next(outcomes)) is not None:
            raise error
        return "done"

    jobs.start("a", work).thread.join()
    jobs.start("a", work).thread.join()
    assert jobs.get("a").result == "done"
