"""Every case of the recorded vectors becomes one test, and the end of the run says how many held.

A test marked `@pytest.mark.family("crypto", fn="sign_key")` with an argument `case` runs once for each case
of that family (or of several) whose fields have those values. A case with `reference_quirk` is skipped with
its reason. What became of each case is counted: a test passes as "held", or as "differs by decision" if its
name is in the table of `differences`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from vectors_harness.differences import reason
from vectors_harness.tally import Outcome, Tally
from vectors_harness.vectors import Case, load

CASE = "recorded case"
DIFFERS = pytest.StashKey[bool]()


@pytest.fixture
def differs(request: pytest.FixtureRequest, case: Case) -> Callable[[str], None]:
    """Say that this case shows a difference: `differs("own")` needs `"<pattern>#own"` in the table."""

    def differ(kind: str) -> None:
        assert reason(f"{case.name}#{kind}"), (
            f"{case.name} differs ({kind}), and nothing in the table says why"
        )
        request.node.stash[DIFFERS] = True

    return differ


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Counter(Tally()))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("family")
    if mark is None or "case" not in metafunc.fixturenames:
        return
    cases = [case for family in mark.args for case in load(family) if _matches(case, mark.kwargs)]
    metafunc.parametrize("case", [_parameter(case) for case in cases])


def _matches(case: Case, wanted: dict[str, Any]) -> bool:
    return all(case.get(key) == value for key, value in wanted.items())


def _parameter(case: Case) -> Any:
    marks = [pytest.mark.skip(reason=case.quirk)] if case.quirk else []
    return pytest.param(case, id=case.name, marks=marks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    case = item.callspec.params.get("case") if hasattr(item, "callspec") else None
    if isinstance(case, Case) and (report.when == "call" or (report.when == "setup" and not report.passed)):
        report.user_properties.append((CASE, (case.family, _outcome(case, report, item).value)))
    return report


def _outcome(case: Case, report: pytest.TestReport, item: pytest.Item) -> Outcome:
    if report.failed:
        return Outcome.FAILED
    if report.skipped:
        return Outcome.QUIRK if case.quirk else Outcome.OUT_OF_SCOPE
    return Outcome.DIFFERS if reason(case.name) or item.stash.get(DIFFERS, False) else Outcome.HELD


class _Counter:
    """Counts the reports as they come together, from other processes too when tests run side by side."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == CASE:
                family, outcome = value
                self._tally.count(family, Outcome(outcome))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = self._tally.lines()
        if lines:
            terminalreporter.section("recorded vectors")
            terminalreporter.write_line("\n".join(lines))
