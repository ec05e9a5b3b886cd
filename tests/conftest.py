"""Settings of every test: one thread for torch, the same made-up inputs every time, and no skipping of GUI tests in CI."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

os.environ["OMP_NUM_THREADS"] = "1"  # tiny images: more threads only wait for one another; and sums would be rounded otherwise
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # two threads on a busy machine wait asleep for one another, and not in each other's way

settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a test says the same on any machine
settings.register_profile("fuzz", max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # for `make fuzz`: other ones every time
settings.load_profile("steady")

SKIPPED_GUI = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the list of skipped GUI tests."""
    config.stash[SKIPPED_GUI] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Note a GUI test that skips."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _note(item.config, report.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """Note a file of GUI tests that skips as a whole."""
    report = yield
    if report.skipped:
        _note(collector.config, report.nodeid)
    return report


def _note(config: pytest.Config, nodeid: str) -> None:
    if nodeid.startswith("tests/widgets"):
        config.stash[SKIPPED_GUI].append(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, a run that skipped GUI tests has failed."""
    if os.environ.get("CI") and session.config.stash[SKIPPED_GUI]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which GUI tests were skipped although CI must run them."""
    if os.environ.get("CI") and config.stash[SKIPPED_GUI]:
        terminalreporter.section("GUI tests may not skip in CI", red=True)
        for nodeid in config.stash[SKIPPED_GUI]:
            terminalreporter.line(nodeid)
