# make run    everything a newcomer needs: environment, hub, agent, dashboard, and a few demo jobs
# make test   lint, types and all tests (installs Chromium on Debian as root when it is missing)
# make test-engines  the tests with torch and diffusers (installs them)
# make bench  every benchmark, one JSON object a line
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
ENGINES := $(VENV)/.engines-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup run test lint types tests test-engines quick chromium bench clean

setup: $(RUN)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "echodeck needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(RUN): $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(DEV): $(RUN)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,notebook]'
	@touch $@

$(ENGINES): $(DEV)
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,diffusers]'
	@touch $@

run: setup
	$(BIN)/echodeck up --demo

test: $(DEV) chromium lint types tests

lint: $(DEV)
	$(BIN)/ruff check app tests

types: $(DEV)
	$(BIN)/mypy

tests: $(DEV)
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile -m "not engines"

# The tests that need torch and diffusers, which are large.
test-engines: $(ENGINES)
	$(BIN)/python -m pytest -m engines

# The tests that need neither a browser nor patience.
quick: $(DEV)
	$(BIN)/python -m pytest -m "not browser and not slow and not engines"

chromium:
	@tests/chromium.sh

bench: $(DEV)
	@for name in $$($(BIN)/python tests/bench/run.py --list); do $(BIN)/python tests/bench/run.py $$name || exit 1; done

clean:
	rm -rf $(VENV) test-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
