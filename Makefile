# make demo   from demo videos to learning curves         make test    checks and tests
# make check  ruff and mypy alone                         make bench-env, …  see benchmarks/
# make coverage  what the tests run (TESTS=tests/envs)    make mutants  what they would notice (MUTANTS="--only envs")
# make faults  what kills, failing disks and flipped bits do to commands and files (FAULTS="--only train")
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test check coverage mutants faults install install-dev clean bench-env bench-agents bench-deep bench-perception bench-predict bench-experiments

demo: .venv/.core
	$(BIN)/preroll quickstart

test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=25

# Machine code cannot be traced: what is compiled runs once more as plain Python.
TESTS ?= tests preroll
PLAIN := tests/envs/kernel/test_plain.py tests/envs/optimum tests/envs/policies tests/agents/bandits/test_formulas.py \
	tests/agents/contextual tests/agents/test_selection.py tests/agents/test_metrics.py tests/perception/prediction/formats
coverage: .venv/.dev
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report= $(TESTS)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 -m "not compiled" --cov --cov-append --cov-report= $(PLAIN)
	$(BIN)/coverage report
	$(BIN)/coverage html

mutants: .venv/.dev
	$(BIN)/python benchmarks/mutants.py $(MUTANTS)

faults: .venv/.dev
	$(BIN)/python -m benchmarks.faults $(FAULTS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: .venv/.core
install-dev: .venv/.dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "preroll needs Python 3.11 or newer; $(PYTHON) is older: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing preroll and what it needs into .venv: about 2 GB on disk, mostly torch; a few minutes."
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.core
	@echo "Installing the test tools into .venv."
	$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

bench-env: .venv/.core
	$(BIN)/python benchmarks/$(if $(AGAINST),bench_revisions.py $(AGAINST),bench_env.py)

bench-perception: .venv/.dev
	$(BIN)/python benchmarks/bench_perception.py

bench-predict: .venv/.core
	$(BIN)/python benchmarks/bench_predict.py

bench-agents: .venv/.core
	$(BIN)/python benchmarks/bench_agents.py

bench-deep: .venv/.dev
	$(BIN)/python benchmarks/bench_deep.py

bench-experiments: .venv/.core
	$(BIN)/python benchmarks/bench_experiments.py

clean:
	rm -rf .venv build dist ./*.egg-info
