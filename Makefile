# `make help` lists the targets. Each does all of its own set-up.

OWN_PATH := $(PATH)
# What `make setup` installed comes first; Debian keeps ovsdb-server in /usr/sbin.
export PATH := $(CURDIR)/.tools/node24/node_modules/.bin:$(CURDIR)/node_modules/.bin:$(PATH):/usr/sbin:/sbin

NODE ?= node
# Most tests start real servers: two files at a time is what a small machine carries.
TEST_FLAGS := --test --test-reporter=spec --test-concurrency=2 --test-timeout=600000
TESTS ?= test/**/*.test.ts
SOURCES := $(shell find src -name '*.ts' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup build test test-22 check format-check lint types layers dead-code docs-lint format demo demo-broken bench soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

setup: ## fetch Node, the npm packages, the OVSDB tools and OVN's schemas, as far as they are missing
	@PATH='$(OWN_PATH)' sh tools/setup.sh

build: setup dist/.built ## compile src into dist; bin/ovn-warden runs that

dist/.built: $(SOURCES) tsconfig.json tsconfig.build.json package-lock.json | setup
	@rm -rf dist
	tsc -p tsconfig.build.json
	@touch $@

test: build ## all tests; TESTS='test/lib/*.test.ts' runs some
	$(NODE) $(TEST_FLAGS) '$(TESTS)'

test-22: build ## all tests on the oldest supported line of Node
	@PATH='$(OWN_PATH)' sh tools/setup.sh node22
	PATH='$(CURDIR)/.tools/node22/node_modules/.bin':"$$PATH" node $(TEST_FLAGS) '$(TESTS)'

check: format-check lint types layers dead-code docs-lint test ## everything that CI checks, tests included

format-check: setup ## is every file formatted?
	biome ci --reporter=summary .

lint: setup ## eslint over src and test
	eslint --max-warnings=0 .

types: setup ## the compiler's opinion of src and test
	tsc -p tsconfig.json

layers: setup ## do imports go one way?
	depcruise --config .dependency-cruiser.mjs src

dead-code: setup ## files, exports and packages that nothing uses
	knip

docs-lint: setup ## every Markdown file
	markdownlint-cli2

format: setup ## format every file
	biome format --write .

demo: build ## damage a live database, watch it heal; ARGS=--keep leaves it running
	@$(NODE) test/demo/demo.ts $(ARGS)

demo-broken: build ## break each step of the demo on purpose and see it fail
	@$(NODE) test/demo/broken.ts

bench: build ## compare with ovsdb-tool and ovsdb-client, side by side
	@$(NODE) test/bench/run.ts $(ARGS)

soak: build ## ten minutes of a healthy cluster's life: the agents must find nothing and do nothing
	SOAK_MS=600000 $(NODE) --test --test-timeout=1800000 test/engine/agents-ordinary-life.test.ts

clean: ## remove what was built, and what the demo left
	rm -rf dist .demo coverage
