# The commands of this repository. `make demo` and `make check` need only make and Python 3.11 or newer:
# each makes .venv and installs what it needs; a second run finds the stamp and starts at once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Options for the command behind a target: make demo ARGS="--seconds 10", make test ARGS="tests/kpi -x".
ARGS   ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo up down check lint test fix docs dashboards pictures bench chaos fuzz soak stack drills clean

help: ## Show these targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Whoever has the development environment needs no second one for the demo.
demo: $(if $(wildcard $(VENV)/.installed-dev),$(VENV)/.installed-dev,$(VENV)/.installed-demo) ## Run the hybrid example: real models, one trace, a KPI table.
	@$(BIN)/hybridobs demo $(ARGS)

# The stack in containers, for whoever has Docker; `hybridobs up` is the same without.
COMPOSE ?= docker compose $(if $(DEMO),--profile demo)

up: ## The whole stack in containers, then http://127.0.0.1:3000; DEMO=1 adds a fleet.
	@$(COMPOSE) version >/dev/null 2>&1 || { echo 'this needs Docker with Compose; without containers: hybridobs up' >&2; exit 1; }
	$(COMPOSE) up --build --detach --wait $(ARGS)

down: ## Stop it; the data stays, unless ARGS=--volumes.
	docker compose --profile '*' down $(ARGS)

check: lint test ## Everything CI checks: lint, types, layers, tests (stale files and the built wheel among them).

lint: $(VENV)/.installed-dev ## Style, types and import layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Last, so that the closing line of a check is pytest's.
test: $(VENV)/.installed-dev ## All tests; ARGS narrows them.
	$(BIN)/python -m pytest --numprocesses 2 $(ARGS)

fix: $(VENV)/.installed-dev ## Mend what a tool can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev ## Write docs/contract.md and docs/kpis.md again.
	$(BIN)/python docs/generate.py

dashboards: $(VENV)/.installed-dev ## Write dashboards/generated/*.json again.
	$(BIN)/hybridobs dashboards build dashboards

# Needs node, prometheus and chromium, and half a gigabyte for Grafana's components.
pictures: $(VENV)/.installed-dev ## Draw the boards on golden scenarios, into docs/pictures.
	npm ci --prefix dashboards/render --no-audit --no-fund --loglevel=error
	$(BIN)/python -m dashboards.render.draw $(ARGS)

bench: $(VENV)/.installed-dev ## Run the benchmarks, side by side with a peer.
	$(BIN)/python benchmarks/observe.py
	$(BIN)/python benchmarks/collector.py
	$(BIN)/python benchmarks/remote_read.py
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/cli.py

# More of what the tests do for a short time: make chaos SEEDS=5000, make soak SECONDS=60 ARGS="--seed 7".
SEEDS   ?= 1000
SECONDS ?= 600

chaos: $(VENV)/.installed-dev ## Seeded faults between a call and the store, SEEDS lives of a device (1000).
	CHAOS_SEEDS=$(SEEDS) $(BIN)/python -m pytest tests/chaos/test_chaos_seeds.py $(ARGS)

fuzz: $(VENV)/.installed-dev ## Fuzz every way in for SECONDS (600); what breaks one is kept in .fuzz.
	$(BIN)/python -m tests.fuzz.run all --seconds $(SECONDS) --corpus .fuzz/all $(ARGS)

soak: $(VENV)/.installed-dev ## Kill programs, collectors and the database at random for SECONDS (600).
	$(BIN)/python -m tests.chaos.soak --seconds $(SECONDS) $(ARGS)

# The stack in a container engine of its own, out of what this machine has: root, dockerd, no image registry.
stack: $(VENV)/.installed-dev ## Bring the stack up in containers and test it; a part that dies costs nothing.
	$(BIN)/python -m pytest tests/stack -m stack $(ARGS)

drills: $(VENV)/.installed-dev ## The same, each part away for a minute, and a table of what was lost.
	$(BIN)/python -m tests.stack.drills $(ARGS)

clean: ## Remove the environment and every cache.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist

$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'hybridobs needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo 'this Python cannot make environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
