"""One cluster for the tests of a file, and an undisturbed run without it to compare with."""

import pytest

from tests.cluster.site import PATIENCE, Site, copy_for_fake_gpus
from tests.cluster.slurm import NODES, Cluster, missing_programs


@pytest.fixture(scope="module")
def cluster():
    """A real Slurm: two nodes with a fake GPU each."""
    missing = missing_programs()
    if missing:
        pytest.skip(f"no Slurm on this machine (Debian: {', '.join(missing)})")
    with Cluster() as running:
        yield running


@pytest.fixture
def quiet_cluster(cluster):
    """The cluster without a job, before the test and after it, whatever that did."""
    yield cluster
    cluster.cancel_all()
    for name in NODES:
        if not cluster.runs(name):
            cluster.start_node(name)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A copy of the workflow for fake GPUs, and the profile of a quick site."""
    folder = tmp_path_factory.mktemp("site")
    return Site(copy_for_fake_gpus(folder / "workflow"), folder)


@pytest.fixture(scope="module")
def undisturbed(site):
    """A run of this machine alone, by profiles/default, that nothing disturbs."""
    folder = site.new_run("undisturbed")
    run = site.run(
        folder, "--workflow-profile", "profiles/default", "--cores", "2", "results/comparison.tsv"
    )
    assert run.wait(PATIENCE) == 0, run.log()
    return folder
