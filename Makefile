# `make` shows what there is.
.DEFAULT_GOAL := help
.PHONY: help run test race cluster attacks test-long browser generate check lint vuln build static smoke ci

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
TOOLS := $(CURDIR)/.tmp/tools

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

run: ## Serve on http://localhost:8080 with sample learners
	go run ./server

test: ## The tests, which need Go alone
	go test ./...

race: ## The tests under the race detector
	go test -race ./...

cluster: ## Two replicas, MongoDB's contract and faults, in short (needs redis-server)
	cd cluster && CI=true go test -count=1 -timeout 15m -parallel 3 ./...

attacks: ## Attacks on sessions at two replicas, under the race detector
	cd cluster && CI=true go test -count=1 -timeout 15m -parallel 2 -run 'Attack|Backchannel' . -raced

test-long: ## The same in full, about an hour, and races under the detector
	cd cluster && CI=true go test -count=1 -timeout 4h -parallel 2 . -long
	cd cluster && CI=true go test -count=1 -timeout 1h -parallel 1 -run 'AcrossReplicas|Linearizable|Kill|Attack' . -raced

browser: ## The tests in a real browser (needs Chromium, and npm for axe-core)
	cd clients/axe && npm ci
	CI=true go test -tags browser ./web
	CI=true go test -run 'Browser' ./server/

generate: ## Make graph/ from schema.graphqls
	go tool gqlgen generate

check: generate ## Fail if graph/ does not match schema.graphqls
	git diff --exit-code -- graph

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## Run the linters of .golangci.yml
	$< run --allow-parallel-runners ./...
	cd cluster && $< run --allow-parallel-runners ./...

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

vuln: ## Look for known vulnerabilities (needs the vulnerability database)
	GOFLAGS= go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

build: ## Build bin/server for development
	go build -o bin/server ./server

static: ## Build bin/server-static as production has it
	CGO_ENABLED=0 go build -tags nodevop -trimpath -ldflags '-s -w' -o bin/server-static ./server

ci: ## Everything CI runs
	.ci/run
