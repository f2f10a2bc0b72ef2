#!/bin/sh
# Print the profile for this machine, and say on stderr which it is: gpu where a card is seen.
set -eu
if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
    echo "using profiles/gpu: $(nvidia-smi -L | head -n 1 | sed 's/ (UUID.*//')" >&2
    echo profiles/gpu
else
    echo "using profiles/default: no NVIDIA GPU is seen, networks run on the CPU" >&2
    echo profiles/default
fi
