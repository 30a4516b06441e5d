# Commands for developers. `make` alone lists them.

GO  ?= go
# Tools have their own modules, so that the product has few dependencies.
BUF  = $(GO) tool -modfile=tools/buf.mod buf
LINT = $(GO) tool -modfile=$(CURDIR)/tools/lint.mod golangci-lint
# The commit that `make breaking` compares the schema with.
BASE ?= main
# Duration of each fuzz test.
FUZZTIME ?= 30s

DATABASES = users promotions notifications
# The modules inside this one, which ./... does not contain.
MODULES = $(patsubst %/go.mod,%,$(wildcard sdk/*/go.mod test/*/go.mod tools/*/go.mod))
# The files that `make gen` and `make dashboards` write.
GENERATED = gen openapi ent sdk/api.json docs/api/error-codes.md ':(glob)sdk/go/*_gen.go' ':(glob)sdk/python/**/*_gen.py' ':(glob)sdk/typescript/src/*_gen.ts' deploy/grafana/dashboards ':(glob)deploy/nginx/*_gen.conf' ':(glob)internal/**/*_gen.go' ':(glob)services/**/*_gen.go'

.DEFAULT_GOAL = help
.PHONY: help gen gen-clients check-gen dashboards golden openapi-clients schemathesis lint breaking third_party migrate-diff migrate-hash build release reproducible vulncheck test race fuzz e2e replicated bench licenses run

help: ## List the commands.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

gen: ## Generate everything that follows from the schema: Go, ent, OpenAPI, AsyncAPI, SDKs.
	@rm -rf .cache/gen
	$(GO) run ./tools/thirdparty third_party
	$(BUF) generate -o .cache/gen
	@scripts/overlay.sh .cache/gen >.cache/overlay.json
	GOFLAGS="$$($(GO) env GOFLAGS) -overlay=$(CURDIR)/.cache/overlay.json" \
		$(BUF) generate --template buf.gen.domain.yaml -o .cache/gen
	cp -R .cache/gen/. .
	@scripts/stale.sh .cache/gen
	$(GO) run ./tools/sdk openapi sdk
	$(GO) run ./tools/ent $(DATABASES:%=./ent/%/schema)
	@scripts/gen-hint.sh

gen-clients: ## Generate the TypeScript and Python code in gen/ts and gen/python (needs Python and the network).
	scripts/schema-clients.sh --write

check-gen: ## Fail if generated files are out of date or not committed.
	@scripts/check-gen.sh $(GENERATED)

dashboards: ## Write the Grafana dashboards of tools/dashboards to deploy/grafana/dashboards.
	@$(GO) run -C tools/dashboards . $(CURDIR)/deploy/grafana/dashboards

golden: ## Update every golden file: generator output, error catalogue, event bytes. Review them with git diff.
	$(GO) test -count=1 $$(grep -rlE 'internal/(golden|schema/schematest)"' --include='*_test.go' . | xargs -n1 dirname | sort -u) -update

openapi-clients: ## Check the API documents with validators and client generators (needs Python and the network). ARGS=--quick
	scripts/openapi-clients.sh $(ARGS)

schemathesis: ## Test the REST API with requests generated from the OpenAPI documents (needs Python and the network). ARGS=--nginx
	scripts/schemathesis.sh $(ARGS)

lint: third_party ## Run all linters on the schema and on the code of all modules.
	$(BUF) lint schema
	$(BUF) format schema --diff --exit-code
	$(LINT) run ./...
	@for module in $(MODULES); do echo "lint $$module"; (cd $$module && $(LINT) run ./...) || exit 1; done

breaking: third_party ## Fail if the schema breaks clients of BASE (main).
	scripts/breaking.sh $(BASE)

third_party:
	$(GO) run ./tools/thirdparty third_party

migrate-diff: ## Write the migrations for a changed schema: make migrate-diff NAME=add_tier. DROP=1 also removes columns.
	@test -n "$(NAME)" || { echo 'usage: make migrate-diff NAME=what_changes [DROP=1]' >&2; exit 2; }
	$(GO) run ./tools/migrate diff $(if $(DROP),--drop) $(NAME)

migrate-hash: ## Rewrite every atlas.sum, after a migration was written by hand.
	$(GO) run ./tools/migrate hash

build: ## Build the programs into bin/.
	$(GO) build -trimpath -o bin/ ./cmd/loyalty ./cmd/loyalty-dev

release: ## Build a release into dist/: the program, its bill of materials, checksums. The same commit gives the same files.
	scripts/release.sh

reproducible: ## Build the release of the current commit twice from nothing and compare the files.
	scripts/reproducible.sh

vulncheck: ## Look up known vulnerabilities of the dependencies.
	scripts/vulncheck.sh

test: ## Run all tests with the race detector; installs missing servers.
	scripts/test.sh

race: test ## Same as test.

fuzz: ## Run each fuzz test for FUZZTIME (30s).
	scripts/fuzz.sh $(FUZZTIME)

e2e: ## Run the end-to-end tests.
	$(GO) test -count=1 ./test/e2e/...

replicated: ## Kill and restart every process of a replicated platform, and print what callers saw. ARGS='-sockets 1000' for fewer.
	@scripts/setup.sh
	LOYALTY_TEST_KAFKA_LIBS="$${LOYALTY_TEST_KAFKA_LIBS:-$$PWD/.cache/kafka}" \
		$(GO) test -count=1 -v -timeout 60m -run 'TestReplicated$$' ./test/e2e -full $(ARGS)

bench: ## Run the benchmarks and compare them with their limits; see bench/README.md. ARGS='--only NAME' for some rows.
	@scripts/setup.sh
	LOYALTY_TEST_KAFKA_LIBS="$${LOYALTY_TEST_KAFKA_LIBS:-$$PWD/.cache/kafka}" $(GO) run ./bench $(ARGS)

licenses: ## Update docs/third-party-licenses.md.
	$(GO) run ./tools/licenses

run: ## Run the whole platform in one process.
	$(GO) run ./cmd/loyalty-dev
