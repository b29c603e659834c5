# Rookery. `make help` lists what there is. Needs Python 3.11 or newer and make; everything else it installs itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV_VERSION := 0.13.8
BIN := .venv/bin
MEMBERS := core slackapi servers/slack servers/docs servers/github servers/memory ingest orchestrator
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14 python; do "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 20

.venv/ready: requirements.lock pyproject.toml $(MEMBERS:%=%/pyproject.toml)
	@test -n "$(PYTHON)" || { echo "Rookery needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "setting up .venv (once) ..." >&2
	@test -x .tools/bin/uv || { $(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); } \
		|| { echo "Could not create a virtual environment: on Debian or Ubuntu install the package python3-venv." >&2; exit 1; }
	@test -x $(BIN)/python || .tools/bin/uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@.tools/bin/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@.tools/bin/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(MEMBERS:%=-e ./%)
	@touch $@

.PHONY: setup
setup: .venv/ready ## Install everything into .venv, from the lock

.PHONY: lock
lock: .venv/ready ## Resolve the dependencies anew and write requirements.lock
	.tools/bin/uv lock --upgrade --quiet
	.tools/bin/uv export --quiet --all-packages --all-groups --all-extras --no-emit-workspace --no-header --format requirements-txt > requirements.lock

.PHONY: demo
demo: .venv/ready ## Import sample data, ask three questions, print cited answers (SLACK_EXPORT= DOCS= QUESTION= for your own)
	@$(BIN)/rookery demo $(if $(SLACK_EXPORT),--slack-export "$(SLACK_EXPORT)") $(if $(DOCS),--docs "$(DOCS)") $(if $(QUESTION),--question "$(QUESTION)")

.PHONY: demo-slack
demo-slack: .venv/ready ## Talk to the Slack bot in this terminal, against an emulated Slack
	@ROOKERY_DATA_DIR=$${ROOKERY_DATA_DIR:-.rookery/demo} PYTHONPATH=tests $(BIN)/python -m emulators.slack --chat --bot --port 0

.PHONY: test
test: check .venv/ready ## Everything: formatting, lint, types, import contracts and the whole test suite
	$(BIN)/python -m pytest -q -n 2 $(PYTEST)

.PHONY: test-quick
test-quick: .venv/ready ## The quick part of the tests (under two minutes)
	$(BIN)/python -m pytest -q -n 2 -m "not slow" $(PYTEST)

.PHONY: check
check: .venv/ready ## Formatting, lint, types (pyright strict) and import contracts
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/pyright
	$(BIN)/lint-imports

.PHONY: format
format: .venv/ready ## Format the code and sort its imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: conformance
conformance: .venv/ready ## The official MCP conformance suite against all four servers over HTTP
	$(BIN)/python -m tests.conformance

BENCHES := queue memory slack docs github agent start answers

.PHONY: bench
bench: $(BENCHES:%=bench-%) ## Every benchmark, one after the other

.PHONY: $(BENCHES:%=bench-%)
$(BENCHES:%=bench-%): bench-%: .venv/ready
	$(BIN)/python -m bench.$*

.PHONY: docs
docs: .venv/ready ## Write docs/configuration.md and .env.example from the settings in the code
	$(BIN)/python tests/configuration_reference.py
