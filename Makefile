# Everything a developer does has a name here; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help venv up down check test schemas bench deploy

# `sam build` takes the first python3.13 with pip on PATH, and a version manager's shim can stand in front of it.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Make .venv and install what is pinned in constraints.txt
	@ops/bootstrap.sh

up: venv ## Start the whole shop on this machine (ARGS="--payment-window 30" for options)
	@cloudretail up $(ARGS)

down: venv ## End the shop on this machine
	@cloudretail down

check: venv ## Lint, types, generated documents up to date, template valid
	ruff check
	ruff format --check
	mypy
	cloudretail schemas --check
	sam validate --lint

test: check ## Run every test; starts shops of its own
	pytest $(ARGS)

schemas: venv ## Generate schemas/ and the choreography's picture from the code
	@cloudretail schemas

bench: venv ## Measure cost and speed beside the synchronous design
	python -m bench $(ARGS)

deploy: venv ## Deploy to AWS: make deploy STAGE=staging
	@test -n "$(STAGE)" || { echo "Say where: make deploy STAGE=staging"; exit 1; }
	sam build --config-env $(STAGE)
	sam deploy --config-env $(STAGE)
