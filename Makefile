# Dinar Functions. `make` alone prints what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Go decides what is stale.
.PHONY: help run test lint fuzz build test-aws invoke deploy secrets stop start retell clean

# Of what is built, and of the functions that are deployed.
ARCH ?= arm64
# In every log line. A build from an archive has no .git, so it can be given.
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown)

GOARCH_arm64 := arm64
GOARCH_x86_64 := amd64
FUNCTIONS := payout-status recurring-charge charge-callback outcome-events

# The same commit and the same Go give the same bytes: no paths, no time, no build
# id, no C. lambda.norpc leaves out the protocol of a runtime that AWS has retired.
GO_BUILD = CGO_ENABLED=0 GOOS=linux \
	GOARCH=$(or $(GOARCH_$(ARCH)),$(error ARCH is $(ARCH), but has to be arm64 or x86_64)) \
	go build -trimpath -buildvcs=false -tags lambda.norpc \
	-ldflags '-s -w -buildid= -X dinarfunctions/shared/version.version=$(VERSION)'

# The race detector needs a C compiler, which a machine with Go alone may lack.
RACE := $(shell command -v "$$(go env CC 2>/dev/null)" >/dev/null 2>&1 && echo -race)

TOOLS := .tools
export SAM_CLI_TELEMETRY := 0

help: ## Print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: ## Run the whole bundle here, with simulated providers (ARGS=-once: play a scene, and end)
	@# Not go run: it would stand between Ctrl-C and the sandbox, and end with an error.
	@go build -buildvcs=false -o build/sandbox ./sandbox && exec build/sandbox $(ARGS)

test: ## Run the tests; needs Go alone
	$(if $(RACE),,@echo 'make test: no C compiler, so the tests run without the race detector' >&2)
	go test $(RACE) -timeout 10m ./...

lint: ## Check format and lint
	@unformatted=$$(gofmt -l . | grep -v '^$(TOOLS)/' || true); \
	if [[ -n $$unformatted ]]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	scripts/tools lint
	$(TOOLS)/bin/golangci-lint run ./...

FUZZTIME ?= 60s
fuzz: ## Fuzz every target in turn for FUZZTIME, 60s by default (PKG=./shared/money: those of one package)
	scripts/fuzz $(FUZZTIME) $(or $(PKG),./...)

build: ## Build the functions into build/arm64/ (ARCH=x86_64: into build/x86_64/)
	@for function in $(FUNCTIONS); do \
		$(GO_BUILD) -o build/$(ARCH)/$$function/bootstrap ./functions/$$function; \
		wc -c build/$(ARCH)/$$function/bootstrap | awk '{ printf "%5.1f MB  %s\n", $$1 / 1e6, $$2 }'; \
	done

# What `sam build` calls, by the functions' names in template.yaml.
build-PayoutStatus: function := payout-status
build-RecurringCharge: function := recurring-charge
build-ChargeCallback: function := charge-callback
build-OutcomeEvents: function := outcome-events
build-%:
	$(GO_BUILD) -o $(ARTIFACTS_DIR)/bootstrap ./functions/$(or $(function),$(error template.yaml names $*, for which the Makefile has no folder))

test-aws: ## Run the tests that need AWS, against emulators; needs Python and Java
	@# One package and few tests at a time: they share the emulators, and a function gives up on AWS within seconds.
	@# The model's thousand scenarios and a year of subscriptions come last, without the race detector, and say what they met.
	scripts/with-emulators.py sh -c 'go test $(RACE) -count=1 -p 1 -parallel 2 -timeout 10m ./shared/dynamostore/... ./shared/duequeue/... ./cmd/retell ./test/aws/... && \
		go test -count=1 -timeout 10m -v -run OnDynamoDB ./test/model ./test/year'

invoke: ## Invoke the functions in Docker with every file in events/ (EVENT=events/….json: with one)
	scripts/invoke $(EVENT)

ENV ?= test
deploy: ## Build and deploy to ENV=test or ENV=live of samconfig.toml; needs an AWS account
	scripts/tools python
	$(TOOLS)/venv/bin/python scripts/deploy.py --env $(ENV) $(if $(FORCE),--force) \
		$(if $(filter command line,$(origin ARCH)),--architecture $(ARCH)) -- $(ARGS)

secrets: ## Set the secrets' values of ENV=test or ENV=live, without showing them; needs an AWS account
	@go run ./cmd/secrets -env $(ENV) $(ARGS)

# Through the environment and as it was typed: a note may have quotes and dollars.
stop start: override export NOTE := $(value NOTE)

stop: ## Stop charging in ENV=test or ENV=live, in force within 10 seconds (NOTE="why")
	@go run ./cmd/charging -env $(ENV) -mode stopped -note "$$NOTE" $(ARGS)

start: ## Charge again in ENV=test or ENV=live (MODE=ask_first: asking the provider before each; NOTE="why")
	@go run ./cmd/charging -env $(ENV) -mode $(or $(MODE),live) -note "$$NOTE" $(ARGS)

retell: ## Tell again what OutcomeEvents could not, from the failure bucket of ENV=test or ENV=live; needs an AWS account
	@go run ./cmd/retell -env $(ENV) $(ARGS)

clean: ## Remove what was built and downloaded
	rm -rf $(TOOLS) .aws-sam build .sandbox coverage.out
