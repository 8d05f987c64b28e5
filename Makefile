# Two commands for a newcomer: `make demo` and `make test`. Everything else is listed by `make help`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
CORES ?= $(shell nproc 2>/dev/null || echo 1)
MATRIX ?= configs/matrices/demo.yaml
PROFILE ?= default
# On a cluster, the profile limits the jobs; --cores would limit the cores of all of them together.
LIMIT := $(if $(filter default,$(PROFILE)),--cores $(CORES))
SNAKEMAKE := $(BIN)/snakemake --workflow-profile workflow/profiles/$(PROFILE) --config matrix=$(MATRIX) $(LIMIT)

.PHONY: help install demo plan figures doctor reproduce test test-slow lint format lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/installed  ## create .venv with the pinned environment and the package

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "myoassist needs Python 3.11 or newer; run: make PYTHON=python3.11 install"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@free=$$(df -Pk . | awk 'NR==2 {print int($$4 / 1048576)}'); \
	  if [ "$$free" -lt 8 ] && [ ! -d .venv ]; then \
	    echo "The environment takes 6.5 GB (torch brings CUDA) and only $$free GB are free here"; exit 1; fi
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	# Compiled here, once: where a job may not write into the environment, each of its starts would compile anew.
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: install  ## run the whole workflow on the demo matrix and say where the report is
	@$(BIN)/myoassist config validate $(MATRIX)
	$(SNAKEMAKE) -- report
	@echo "The report is at $$($(BIN)/myoassist matrix report-path $(MATRIX))"

plan: install  ## what the demo matrix would run
	$(SNAKEMAKE) --summary -- report

figures: install  ## rebuild figures and report from existing rollouts, never touching training
	$(SNAKEMAKE) --allowed-rules $$($(BIN)/python workflow/drawing_rules.py $(MATRIX)) -- report

reproduce: install  ## train the walks in pretrained/ again from scratch (hours)
	@$(MAKE) demo MATRIX=configs/matrices/walk22.yaml

doctor: install  ## what this computer lacks, and what to do about it
	@$(BIN)/myoassist doctor

test: install  ## the test suite
	$(BIN)/pytest -n $(CORES)

test-slow: install  ## the slow proofs too
	$(BIN)/pytest -m 'slow or not slow' -n $(CORES)

lint: install  ## formatting, imports, layers and workflow lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/lint-imports
	$(BIN)/python workflow/lint.py

format: install  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt workflow

lock: install  ## resolve the newest versions into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --no-emit-index-url --extra dev --upgrade pyproject.toml -o requirements.lock

clean:  ## remove the environment (results stay)
	rm -rf .venv
