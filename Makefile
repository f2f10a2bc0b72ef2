# make run    set up and run the default workflow; the report is results/report.html
# make test   set up and run the tests
# make help   what else there is

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake
NAME ?=
EXTRA ?=
ARGS ?=

.PHONY: help setup run example test lint format schema clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  ARGS='…' is handed on to snakemake (run, example) or pytest (test)"

# The stamp is newer than the lock file exactly when the environment is that of the lock file.
.venv/.installed: requirements.lock
	@scripts/setup.sh "$(PYTHON)"
	@touch $@

setup: .venv/.installed ## create .venv from requirements.lock

run: .venv/.installed ## run the default workflow (config.yaml)
	@profile=$$(scripts/choose_profile.sh) && \
	$(SNAKEMAKE) --workflow-profile "$$profile" $(ARGS)

example: .venv/.installed ## run examples/NAME.yaml into runs/NAME, EXTRA=more.yaml laid over it
	@test -f "examples/$(NAME).yaml" || { \
	  echo "make example: there is no examples/$(NAME).yaml; NAME is one of:" \
	    $$(basename -s .yaml examples/*.yaml) >&2; exit 1; }
	@profile=$$(scripts/choose_profile.sh) && \
	$(SNAKEMAKE) --workflow-profile "$$profile" \
	  --configfile "examples/$(NAME).yaml" $(EXTRA) --directory "runs/$(NAME)" $(ARGS)

test: .venv/.installed ## run the tests
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile $(ARGS)

lint: .venv/.installed ## ruff, mypy, import-linter, snakefmt, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=scripts $(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint

format: .venv/.installed ## let ruff and snakefmt lay out the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

schema: .venv/.installed ## write schemas/ and docs/config.md from the config's models
	PYTHONPATH=scripts $(BIN)/python scripts/write_schema.py .

clean: ## remove logs and results; asks before a trained tagger goes
	@scripts/clean.sh
