"""Fixtures of every pytest layer: a cluster for the session, a database for each test, processes that
are stopped at its end and whose logs are shown when it fails."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from pg import Cluster  # noqa: E402
from procs import BIN, REPORTS, SANITIZER, Process  # noqa: E402
from sanitizer import EXIT  # noqa: E402


def pytest_configure(config):
    if os.environ.get("MODE") in ("asan", "tsan") and SANITIZER != os.environ["MODE"]:
        raise pytest.UsageError(f"MODE is {os.environ['MODE']}, but {BIN} was built without it")
    config.addinivalue_line("markers", "unsanitized(reason): not with a binary that has a sanitizer in it")


def pytest_collection_modifyitems(items):
    for item in items:
        mark = item.get_closest_marker("unsanitized")
        if mark and SANITIZER:
            item.add_marker(pytest.mark.skip(reason=f"{SANITIZER}: {mark.args[0]}"))


def fail_if_reported():
    found = REPORTS.take()
    if found:
        pytest.fail(f"reported by {SANITIZER}:\n{found}", pytrace=False)


def pytest_terminal_summary(terminalreporter):
    """Once more at the end, which is what .ci/run shows."""
    for report in REPORTS.told:
        terminalreporter.write_line("\n".join(report.splitlines()[:20]))


@pytest.fixture(autouse=True, scope="session")
def no_report_after_the_last_test():
    yield
    fail_if_reported()


@pytest.fixture(autouse=True)
def no_report():
    """Set up first, so that it looks last: when the test's processes have ended."""
    yield
    fail_if_reported()


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for process in getattr(item, "millrace_processes", []):
            report.sections.append((f"log of {process.name}", process.tail()))


@pytest.fixture(scope="session")
def cluster():
    """A running cluster with a migrated template; tests that stop it use `own_cluster`."""
    c = Cluster()
    try:
        c.start()
        c.make_template()
        yield c
    finally:
        c.destroy()


@pytest.fixture
def own_cluster():
    """One that this test alone may stop and kill."""
    c = Cluster()
    try:
        c.start()
        c.make_template()
        yield c
    finally:
        c.destroy()


@pytest.fixture
def db(cluster):
    database = cluster.new_database()
    yield database
    database.drop()


@pytest.fixture
def processes(request, tmp_path):
    """processes(role, args…) starts one; all are killed at the end."""
    started = []
    request.node.millrace_processes = started

    def make(role, *args, start=True, ready=True, **kw):
        p = Process(role, tmp_path, args, **kw)
        started.append(p)
        return p.start(ready=ready) if start else p

    yield make
    for p in started:
        p.ask_to_end()
    for p in started:
        p.cleanup()
    fail_if_reported()
    assert [p.name for p in started if p.process and p.process.returncode == EXIT] == []
