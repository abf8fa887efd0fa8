# make setup | demo | test | fuzz | chaos | lint | types | contracts | check | lock | clean
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo fuzz test chaos lint types contracts check lock clean

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	./scripts/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest -n 2 --dist loadgroup

# EXAMPLES=50000 for a night of it; what is found stays in .hypothesis/ and comes first the next time.
EXAMPLES ?= 5000
fuzz: setup
	YOLOTUI_FUZZ=$(EXAMPLES) $(BIN)/pytest -n 2 --timeout 0 tests/fuzz

check: lint types contracts test

# Rounds of kills, full disks, damaged files and the like, and a judge after each; ARGS=--real for real trainings.
SEED ?= 1
ROUNDS ?= 10
chaos: setup
	$(BIN)/python -m tests.chaos --seed $(SEED) --rounds $(ROUNDS) $(ARGS)

# ARGS=--again starts a new round of a night that is over.
demo: setup
	./scripts/demo.sh "$(BIN)" $(ARGS)

# The exact versions that setup installs, from the ranges in pyproject.toml.
lock: setup
	$(BIN)/uv pip compile -q --universal --no-header --no-emit-index-url --group dev --python-version 3.11 pyproject.toml -o requirements.txt

clean:
	rm -rf .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
