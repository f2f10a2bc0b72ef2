"""What all tests share: the folder of real data, and the rule that CI skips nothing."""

import os
from pathlib import Path

import pytest

# Small matrices gain nothing from threads, and lose much where other work has the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, named by BASETAG_DATA."""
    folder = os.environ.get("BASETAG_DATA")
    if not folder:
        pytest.skip("BASETAG_DATA does not name the folder of real data")
    return Path(folder)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument alone: a packed file holds the second in which it was made.

    Workers that collect in different seconds would otherwise disagree about the tests' names, and
    none of them would run.
    """
    return argname if isinstance(val, bytes) else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where the extras are said to be there, a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("BASETAG_REQUIRE_EXTRAS") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("BASETAG_REQUIRE_EXTRAS is set, and tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
