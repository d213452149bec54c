# `make` says what there is. Everything runs in .venv, which the first command that needs it sets up.

VENV := .venv
BIN := $(VENV)/bin
PYTHON_IN_VENV := $(BIN)/python
READY := $(VENV)/.ready
RUNTIME_VENV := .venv-runtime
RUNTIME_READY := $(RUNTIME_VENV)/.ready
LINT_VENV := .venv-lint
LINT_READY := $(LINT_VENV)/.ready
# By name, each with its reason.
SKIPPED := -rs --no-fold-skipped
# Those of what a fork may delete lie beside it.
UNIT := tests/unit $(wildcard demo/tests benchmarks/tests)
# Three workers on two cores: those with a local cloud wait most of their time (tests/support/groups.py has the order).
REST := -n 3 --dist loadscope --no-loadscope-reorder tests/e2e tests/browser tests/model tests/integration tests/upgrade tests/runtime

# Where it is set, every one of the many processes here would compile what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

# A clone that was copied or moved has environments that lead to the first one: they are no longer ready.
NOT_HERE := $(shell for folder in $(VENV) $(RUNTIME_VENV) $(LINT_VENV); do sh local/is_here.sh $$folder || rm -f $$folder/.ready; done)

.DEFAULT_GOAL := help
.PHONY: help setup check test test-all soak demo local local-up local-down local-deploy dead-letters build openapi docs docs-serve sbom parameters audit screenshots bench bench-million lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) $(RUNTIME_READY) $(LINT_READY) ## set up .venv, or install what changed in requirements/*.txt

$(READY): requirements/dev.txt
	@python=$$(sh local/find_python.sh) && sh local/set_up.sh $(VENV) $< "$$python" ""
	@# The command line, $(BIN)/tasks, as it is in cli/. Its packages were installed above, so this needs no network.
	@$(PYTHON_IN_VENV) -m pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

# What Lambda has, for tests/runtime. Without a pip of its own: Lambda's packages, and nothing else.
$(RUNTIME_READY): requirements/runtime.txt $(READY)
	@PIP_ONLY_BINARY=:all: sh local/set_up.sh $(RUNTIME_VENV) $< $(PYTHON_IN_VENV) $(PYTHON_IN_VENV) --without-pip
	@touch $@

# Tools that do not resolve with the others.
$(LINT_READY): requirements/lint.txt $(READY)
	@sh local/set_up.sh $(LINT_VENV) $< $(PYTHON_IN_VENV) $(PYTHON_IN_VENV) --without-pip
	@touch $@

check: $(READY) $(LINT_READY) ## format, lint, types, template, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTHON_IN_VENV) -m local validate
	$(BIN)/cfn-lint
	$(PYTHON_IN_VENV) -m lint.states template.yaml
	$(LINT_VENV)/bin/checkov --config-file .checkov.yaml
	$(BIN)/pytest -q -n auto $(SKIPPED) --cov --cov-report= --cov-fail-under=0 $(UNIT)

test: check $(RUNTIME_READY) ## check, then every test that is not slow, with the layer's coverage
	@# The unit tests have just run; the coverage of both is the layer's.
	$(BIN)/pytest -q $(SKIPPED) $(REST) --cov --cov-append -m "not slow"

test-all: check $(RUNTIME_READY) ## the same with the slow ones: workers killed at random, bad days, judges from npm
	$(BIN)/pytest -q $(SKIPPED) $(REST) --cov --cov-append
	$(BIN)/pytest -q $(SKIPPED) tests/judges

soak: $(READY) ## a million steps of random schedules; ARGS="--seconds 600" for a time
	PYTHONPATH=.:layers/serverless_tasks $(PYTHON_IN_VENV) -m tests.model.soak $(ARGS)

demo: $(READY) ## fan a real data set out and in again in a local cloud of its own
	@$(PYTHON_IN_VENV) -m demo

local: $(READY) ## run the local cloud here; every change is deployed when it is saved; Ctrl-C stops it
	@$(PYTHON_IN_VENV) -m local run

local-up: $(READY) ## run the local cloud in the background; .local/stack.json says where it is
	@$(PYTHON_IN_VENV) -m local up

local-down: $(READY) ## stop it
	@$(PYTHON_IN_VENV) -m local down

local-deploy: $(READY) ## deploy what changed to the local cloud that is up
	@$(PYTHON_IN_VENV) -m local deploy

dead-letters: $(READY) ## show the dead letters of the local cloud; ARGS=--send-back sends them back
	@$(BIN)/tasks dead-letters --stack local $(ARGS)

build: $(READY) ## build functions and layer into .aws-sam/build
	@$(PYTHON_IN_VENV) -m local build

openapi: $(READY) ## write docs/openapi.json anew, from the API's code
	PYTHONPATH=layers/serverless_tasks:functions/api $(PYTHON_IN_VENV) -m openapi_file docs/openapi.json

# The theme advertises another generator at every start.
docs docs-serve: export NO_MKDOCS_2_WARNING := 1

docs: $(READY) ## build the documentation as a site into site/; a broken link or a missing page fails
	@$(BIN)/mkdocs build

docs-serve: $(READY) ## show it on 127.0.0.1:8000 while you write; ARGS="--dev-addr 127.0.0.1:8001" for another port
	@$(BIN)/mkdocs serve --no-strict --dev-addr 127.0.0.1:8000 $(ARGS)

sbom: $(READY) ## write docs/sbom.json and docs/third-party-licences.md anew, from what ships
	@$(PYTHON_IN_VENV) -m tools.shipped

parameters: $(READY) ## write the table in docs/deploy.md anew that says what each parameter changes
	@$(PYTHON_IN_VENV) -m tools.parameter_changes

# Asks PyPI. What ships is pinned in dev.txt, too. Not lint.txt: checkov pins old packages, which see nothing but this repository.
audit: $(LINT_READY) ## ask whether a vulnerability is known of what ships or is used here
	$(LINT_VENV)/bin/pip-audit --require-hashes --disable-pip --progress-spinner off -r requirements/dev.txt

screenshots: $(READY) ## take the documentation's pictures of the console anew, docs/images/console-*.png
	$(BIN)/pytest -q tests/browser/test_console_pictures.py --screenshots

bench: $(READY) ## measure calls, units, dollars and processor time; about ten minutes
	@PYTHONPATH=layers/serverless_tasks $(PYTHON_IN_VENV) -m benchmarks $(ARGS)

bench-million: $(READY) ## run a million sub-tasks on a local cloud of their own; about five minutes
	@PYTHONPATH=layers/serverless_tasks $(PYTHON_IN_VENV) -m benchmarks.million $(ARGS)

lock: $(READY) ## pin what is new in requirements/*.in; UPGRADE=1 takes newer versions of all
	for name in dev runtime lint; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
			-o requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

clean: ## remove what was built and set up
	@[ ! -e $(READY) ] || $(PYTHON_IN_VENV) -m local down
	rm -rf $(VENV) $(RUNTIME_VENV) $(LINT_VENV) cli/*.egg-info build site .local .aws-sam .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
