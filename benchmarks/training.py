"""Time training and prediction against a plain torch loop, and print tables in Markdown.

    python benchmarks/training.py > benchmarks/training.md
    python benchmarks/training.py --device cuda --batch 1024 > benchmarks/training_gpu.md

The plain loop is what one writes with `nn.GRU` or `nn.LSTM`: one-hot letters, the module, a linear
head, cross-entropy, clipping, AdamW, on the same batch. All loops take their steps in turn, each in
a process of its own, so that what one does to the memory of its process is not the others'.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]

from benchmarks.machine import describe_machine  # noqa: E402
from lightning_fabric import Fabric  # noqa: E402

from basetag.alphabet import DNA  # noqa: E402
from basetag.devices import compute_in_full, keep_freed_memory  # noqa: E402
from basetag.inference import Predictor  # noqa: E402
from basetag.networks.tagger_network import TaggerNetwork  # noqa: E402
from basetag.training.loss import SharedBatch  # noqa: E402
from basetag.training.windows import WindowReader, step_generator  # noqa: E402

CORPUS = 4_000_000


def corpus() -> tuple[np.ndarray, np.ndarray]:
    """Return tokens and labels, of two states; what they are changes no time."""
    rng = np.random.default_rng(1)
    return (rng.integers(n, size=CORPUS, dtype=np.uint8) for n in (4, 2))


def basetag_loop(cell: str, hidden: int, both: bool, options: argparse.Namespace) -> "Loop":
    """Return what takes a step of the engine's own training, and what predicts."""
    keep_freed_memory()
    compute_in_full()
    tokens, labels = corpus()
    device = torch.device(options.device)
    network = TaggerNetwork(DNA, 2, cell=cell, hidden=hidden, bidirectional=both)
    network.initialise(torch.Generator().manual_seed(1))
    network.to(device)
    fabric = Fabric(accelerator=options.device, devices=1, precision=options.precision)
    fabric.launch()
    batch = SharedBatch(fabric, network, None)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    reader = WindowReader(tokens, labels, DNA.unknown, device)
    lengths = np.full(options.batch, options.window)

    def step(number: int) -> None:
        network.train()
        generator = step_generator(1, number)
        starts = generator.integers(CORPUS - options.window, size=options.batch)
        batch.backward(reader.read(starts, lengths, 0.01, generator))
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()

    predictor = Predictor(network, device, rows=options.batch)
    part = tokens[: options.batch * options.window]
    out = np.empty((part.size, 2), dtype=np.float32)
    return step, lambda: predictor.posterior(part, lengths, out)


def plain_loop(cell: str, hidden: int, both: bool, options: argparse.Namespace) -> "Loop":
    """Return the same of a loop around torch's module."""
    tokens, labels = (torch.from_numpy(values) for values in corpus())
    device = torch.device(options.device)
    compute_in_full()
    module = MODULES[cell](4, hidden, batch_first=True, bidirectional=both).to(device)
    head = nn.Linear(hidden * (2 if both else 1), 2).to(device)
    letters = torch.eye(4, device=device)
    parameters = [*module.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-3)
    place = torch.arange(options.window)
    lower = options.precision == "bf16-mixed"

    def logits(seen: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=lower):
            return head(module(letters[seen.to(device).long()])[0])

    def step(number: int) -> None:
        starts = np.random.default_rng(number).integers(CORPUS - options.window, size=options.batch)
        index = torch.from_numpy(starts)[:, None] + place
        loss = nn.functional.cross_entropy(
            logits(tokens[index]).flatten(0, 1).float(), labels[index].to(device).flatten().long()
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()

    part = tokens[: options.batch * options.window].view(options.batch, options.window)

    @torch.inference_mode()
    def predict() -> None:
        torch.softmax(logits(part).float(), dim=-1).cpu()

    return step, predict


def plain_loop_that_keeps_memory(
    cell: str, hidden: int, both: bool, options: argparse.Namespace
) -> "Loop":
    """Return the plain loop in a process that hands freed memory out again."""
    keep_freed_memory()
    return plain_loop(cell, hidden, both, options)


MODULES = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
Loop = tuple[Callable[[int], None], Callable[[], object]]
LOOPS = (basetag_loop, plain_loop, plain_loop_that_keeps_memory)


def serve(place: int, options: argparse.Namespace, pipe) -> None:
    """Take steps when told to, and say how long each took."""
    torch.set_num_threads(options.threads)
    while (case := pipe.recv()) is not None:
        cell, hidden, both = case
        step, predict = LOOPS[place](cell, hidden, both, options)
        number = 0
        while (task := pipe.recv()) is not None:
            number += 1
            if options.device == "cuda":
                torch.cuda.synchronize()
            began = time.perf_counter()
            step(number) if task == "train" else predict()
            if options.device == "cuda":
                torch.cuda.synchronize()
            pipe.send(time.perf_counter() - began)
        del step, predict


def measure(pipes: list, case: tuple[str, int, bool], repeats: int) -> dict[str, np.ndarray]:
    """Return the median seconds of each loop, taken in turn, by task."""
    found = {}
    for pipe in pipes:
        pipe.send(case)
    for task in ("train", "predict"):
        seconds = np.zeros((len(pipes), repeats + 2))
        for turn in range(repeats + 2):
            for place, pipe in enumerate(pipes):
                pipe.send(task)
                seconds[place, turn] = pipe.recv()
        found[task] = np.median(seconds[:, 2:], axis=1)  # the first two wake the device
    for pipe in pipes:
        pipe.send(None)
    return found


def operations(cell: str, hidden: int, both: bool) -> float:
    """Return the additions and multiplications of a base's forward pass."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    return 2.0 * gates * hidden * (4 + hidden) * (2 if both else 1)


def gpu_ceilings() -> tuple[float, float]:
    """Return this card's operations (float32) and bytes a second, as large products reach them."""
    left = torch.randn(8192, 8192, device="cuda")
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def seconds(run: Callable[[], object]) -> float:
        run()
        began.record()
        for _ in range(5):
            run()
        ended.record()
        torch.cuda.synchronize()
        return began.elapsed_time(ended) / 5e3

    return 2 * 8192**3 / seconds(lambda: left @ left), 2 * left.nbytes / seconds(left.clone)


def agreement(cell: str, both: bool) -> float:
    """Return the largest difference between the posteriors of CPU and GPU, hidden 64."""
    compute_in_full()
    network = TaggerNetwork(DNA, 2, cell=cell, hidden=64, bidirectional=both)
    network.initialise(torch.Generator().manual_seed(1))
    tokens, lengths = next(corpus())[:200_000], np.array([100_000, 99_000, 1_000])
    cpu = Predictor(network, torch.device("cpu")).posterior(tokens, lengths)
    gpu = Predictor(network.to("cuda"), torch.device("cuda")).posterior(tokens, lengths)
    return float(np.abs(cpu - gpu).max())


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["32-true", "bf16-mixed"], default="32-true")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--window", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--hidden", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--cells", nargs="+", choices=list(MODULES), default=list(MODULES))
    options = parser.parse_args()
    print("# Training and prediction against a plain torch loop\n")
    print(f"`python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}`\n")
    print(describe_machine("torch", "numba", "lightning-fabric"))
    if options.device == "cuda":
        print(torch.cuda.get_device_name() + ".")
    print(f"\nBatch {options.batch} x {options.window:,}, {options.threads} thread(s); kb/s,")
    print(
        f"medians of {options.repeats} steps taken in turn. `kept` is the plain loop in a process"
    )
    print(
        "that hands freed memory out again, as Basetag's jobs do; ratios are Basetag's to each.\n"
    )
    context = multiprocessing.get_context("spawn")
    pipes = []
    for place in range(len(LOOPS)):
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(place, options, theirs), daemon=True).start()
        pipes.append(ours)
    gpu = options.device == "cuda"
    peak, bandwidth = gpu_ceilings() if gpu else (1.0, 1.0)
    if gpu:
        print(f"Ceilings, measured: {peak / 1e12:.1f} TFLOP/s in float32, ", end="")
        print(f"{bandwidth / 1e12:.2f} TB/s.\n")
    print("| cell | hidden | directions | train: Basetag | plain | kept | ratios |", end="")
    print(" predict: Basetag | plain | kept | ratios |", end="")
    print(" share of FLOP/s | of bandwidth |" if gpu else "")
    print("|---|---|---|---|---|---|---|---|---|---|---|" + ("---|---|" if gpu else ""))
    bases = options.batch * options.window
    for cell in options.cells:
        for hidden in options.hidden:
            for both in (False, True):
                found = measure(pipes, (cell, hidden, both), options.repeats)
                row = [cell, str(hidden), "2" if both else "1"]
                for seconds in found.values():
                    row += [f"{bases / value / 1e3:,.0f}" for value in seconds]
                    row.append(", ".join(f"{v / seconds[0]:.2f}" for v in seconds[1:]))
                if gpu:
                    speed = bases / found["train"][0]
                    row.append(f"{3 * speed * operations(cell, hidden, both) / peak:.2%}")
                    # Each gate is written once and read once on the way there, and back again.
                    moved = 4 * 4 * operations(cell, hidden, both) / (2 * (4 + hidden))
                    row.append(f"{speed * moved / bandwidth:.2%}")
                print(f"| {' | '.join(row)} |", flush=True)
    for pipe in pipes:
        pipe.send(None)
    if gpu:
        print("\nLargest difference of posteriors between CPU and GPU, hidden 64, in float32:")
        for cell in options.cells:
            print(
                f"{cell} {agreement(cell, False):.1e} and {agreement(cell, True):.1e} (two", end=""
            )
            print(" directions).")


if __name__ == "__main__":
    main()
