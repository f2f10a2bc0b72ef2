# Images of Basetag, by target. docs/cluster.md says what each is for, and what of it was tested.
#
#   docker build --target cuda -t basetag:cuda .    # NVIDIA GPUs, and CPUs
#   docker build --target cpu -t basetag:cpu --build-arg TORCH_INDEX=… .
#   docker build --target conda -t basetag:conda .  # for snakemake --sdm conda apptainer
#   docker run --rm -v "$PWD:/data" -w /data basetag:cpu --cores 2 --configfile my.yaml

FROM python:3.12-slim AS base
# What wheels link to and slim images lack: OpenMP, of torch and scikit-learn.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /basetag
COPY requirements.lock ./

# The whole run on CPUs. TORCH_INDEX is the address of the index with PyTorch's builds for CPUs,
# as its site gives it; without one the image has CUDA's libraries, too, and works all the same.
FROM base AS cpu
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.lock)"; \
    fi \
    && pip install -r requirements.lock
COPY Snakefile config.yaml ./
COPY rules rules/
COPY scripts scripts/
COPY envs envs/
COPY resources resources/
COPY report report/
COPY profiles profiles/
COPY examples examples/
ENV XDG_CACHE_HOME=/tmp/cache NUMBA_CACHE_DIR=/tmp/numba
ENTRYPOINT ["snakemake", "--snakefile", "/basetag/Snakefile", \
            "--workflow-profile", "/basetag/profiles/default"]

# The same on NVIDIA GPUs: wheels of torch for Linux bring CUDA, the driver is the machine's.
FROM cpu AS cuda
ENTRYPOINT ["snakemake", "--snakefile", "/basetag/Snakefile", \
            "--workflow-profile", "/basetag/profiles/gpu"]

# The environments of envs/ where Snakemake looks for them: /conda-envs/ and the digest of the file.
# CUDA is the version that packages are to be for, such as 12.9; without one they are for CPUs.
FROM condaforge/miniforge3 AS conda
ARG CUDA=""
COPY envs /envs/
RUN export CONDA_OVERRIDE_CUDA="$CUDA" \
    && for env in /envs/*.yaml; do \
        prefix="/conda-envs/$(md5sum < "$env" | cut -c 1-32)"; \
        mkdir -p "$prefix" && cp "$env" "$prefix/environment.yaml" \
        && conda env create --prefix "$prefix" --file "$env" || exit 1; \
    done \
    && conda clean --all --yes
