# make demo   from demo videos to learning curves         make test    checks and tests
# make check  ruff and mypy alone                         make bench-env, …  see benchmarks/
# make coverage  what the tests run (TESTS=tests/envs)    make mutants  what they would notice (MUTANTS="--only envs")
# make faults  what kills, failing disks and flipped bits do to commands and files (FAULTS="--only train")
# make clients  other libraries beside the tested versions, in .venv-clients, and their tests
# make smoke  the package alone, with the newest versions of what it needs but torch
# PYTHON=python3.12 takes another interpreter, in an environment of its own: .venv-3.12
PYTHON ?= python3
ifneq ($(PYTHON),python3)
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(VERSION),)
$(error PYTHON=$(PYTHON): no interpreter of that name runs here)
endif
VENV := .venv-$(VERSION)
else
VENV := .venv
endif
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test check coverage mutants faults smoke clients interpreter install install-dev clean bench-env bench-agents bench-deep bench-training bench-perception bench-predict bench-experiments bench-memory

demo: $(VENV)/.core
	$(BIN)/preroll quickstart

# Tests start hundreds of processes, each of which would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=25

# Machine code cannot be traced: what is compiled runs once more as plain Python.
TESTS ?= tests preroll
PLAIN := tests/envs/kernel/test_plain.py tests/envs/optimum tests/envs/policies tests/agents/bandits/test_formulas.py \
	tests/agents/contextual tests/agents/test_selection.py tests/agents/test_metrics.py tests/perception/prediction/formats
coverage: $(VENV)/.dev
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report= $(TESTS)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 -m "not compiled" --cov --cov-append --cov-report= $(PLAIN)
	$(BIN)/coverage report
	$(BIN)/coverage html

mutants: $(VENV)/.dev
	$(BIN)/python benchmarks/mutants.py $(MUTANTS)

faults: $(VENV)/.dev
	$(BIN)/python -m benchmarks.faults $(FAULTS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: $(VENV)/.core
install-dev: $(VENV)/.dev

$(BIN)/python:
	$(NEW_ENOUGH)
	$(PYTHON) -m venv $(VENV)

NEW_ENOUGH = @$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "preroll needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12"; exit 2; }
# Without PYTHON, .venv is taken as it is; an interpreter that was asked for is never another one.
MADE_BY := import os, sys; print(os.path.realpath(sys.base_prefix), sys.version.split()[0])
interpreter: | $(BIN)/python
ifneq ($(PYTHON),python3)
	@test "$$($(PYTHON) -c '$(MADE_BY)')" = "$$($(BIN)/python -c '$(MADE_BY)')" || { \
		echo "$(VENV) was made by another interpreter ($$($(BIN)/python -c '$(MADE_BY)')) than $(PYTHON): rm -r $(VENV), or another PYTHON"; exit 2; }
endif

$(VENV)/.core: $(BIN)/python pyproject.toml constraints.txt | interpreter
	@echo "Installing preroll and what it needs into $(VENV): about 2 GB on disk, mostly torch; a few minutes."
	$(PIP) install --quiet -c constraints.txt -e '.[imagenet]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "Installing the test tools into $(VENV)."
	$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

# What a user gets with pip alone, months after constraints.txt: the newest versions, torch as pinned.
smoke:
	$(NEW_ENOUGH)
	@PYTHON=$(PYTHON) sh benchmarks/smoke.sh

# Other libraries with the versions of constraints.txt; tests/clients/constraints.txt comes first where both have one.
CLIENTS := $(VENV)-clients
clients: $(CLIENTS)/.installed
	$(CLIENTS)/bin/python -m pytest -rs --durations=10 tests/clients

$(CLIENTS)/.installed: pyproject.toml constraints.txt tests/clients/constraints.txt
	$(NEW_ENOUGH)
	@echo "Installing preroll and other libraries into $(CLIENTS): about 3 GB on disk; a few minutes."
	$(PYTHON) -m venv $(CLIENTS)
	cat tests/clients/constraints.txt constraints.txt | awk -F== '!seen[$$1]++' >$(CLIENTS)/constraints.txt
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check install --quiet -c $(CLIENTS)/constraints.txt -e '.[clients]'
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check install --quiet -c $(CLIENTS)/constraints.txt --no-deps tianshou
	@touch $@

bench-env: $(VENV)/.core
	$(BIN)/python benchmarks/$(if $(AGAINST),bench_revisions.py $(AGAINST),bench_env.py)

bench-perception: $(VENV)/.dev
	$(BIN)/python benchmarks/bench_perception.py

bench-predict: $(VENV)/.core
	$(BIN)/python benchmarks/bench_predict.py

bench-agents: $(VENV)/.core
	$(BIN)/python benchmarks/bench_agents.py

bench-deep: $(VENV)/.dev
	$(BIN)/python benchmarks/bench_deep.py

bench-training: $(VENV)/.dev
	$(BIN)/python benchmarks/bench_training.py $(AGAINST)

bench-experiments: $(VENV)/.core
	$(BIN)/python benchmarks/bench_experiments.py

bench-memory: $(VENV)/.core
	$(BIN)/python benchmarks/bench_memory.py

clean:
	rm -rf .venv .venv-* build dist ./*.egg-info
