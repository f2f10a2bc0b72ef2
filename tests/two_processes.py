"""One training in one process and in two: what each writes, and that they agree."""

import numpy as np

from basetag.devices import Devices
from basetag.training.processes import launch


def write_losses(fabric, folder, network, run):
    """Write the losses of what `train` returned, in the first process."""
    if fabric.is_global_zero:
        losses = [(row.train_loss, row.validation_loss) for row in run.history]
        np.savetxt(folder / "losses.txt", losses)


def assert_loss_curves_agree(train_in, folder, validations):
    """Run `train_in(fabric, folder)`, which ends in `write_losses`, in one process and in two."""
    for processes in (1, 2):
        (folder / str(processes)).mkdir()
        launch(Devices("cpu"), "float32", train_in, folder / str(processes), processes=processes)
    one, two = (np.loadtxt(folder / name / "losses.txt") for name in "12")
    assert one.shape == (validations, 2)
    np.testing.assert_allclose(two, one, rtol=1e-5)
