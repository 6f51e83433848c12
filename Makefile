# make demo and make test are all that a newcomer needs. They want Go, make, gcc (optional) and git; the rest is fetched by go.
GO ?= go
BIN := bin
PKGS := ./...
PKGS_SEAM := ./internal/explore ./internal/crash

.PHONY: help
help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the command into bin/
	$(GO) build -o $(BIN)/shmpipe ./cmd/shmpipe

.PHONY: demo
demo: build ## send a tar of Go's own sources through two processes and compare the checksums
	$(BIN)/shmpipe demo

.PHONY: test
test: ## run all tests
	$(GO) test $(PKGS)
	$(GO) test -tags seam -short $(PKGS_SEAM)

.PHONY: race
race: ## run the tests with the race detector, the long ones shortened
	$(GO) test -race -short $$($(GO) list $(PKGS) | grep -v /bench/)

.PHONY: test-arm64
test-arm64: ## run the tests for arm64 under qemu's user mode (wants qemu-user-static and Linux 6.7): some eight minutes
	./scripts/test-arm64.sh

.PHONY: explore
explore: ## run the MPMC ring over all interleavings of small cases, with deaths, and its mutants: three minutes
	$(GO) test -tags seam -count=1 ./internal/explore

.PHONY: model
model: ## check the Promela models (wants spin and a C compiler)
	./scripts/model.sh

.PHONY: crash
crash: ## kill processes at every store to shared memory, and write docs/crash-matrix.md
	$(GO) test -tags seam ./internal/crash -run Matrix -count=1 -crash.time=$(or $(CRASHTIME),150s) -crash.write=$(CURDIR)/docs/crash-matrix.md -timeout 0

.PHONY: soak
soak: ## kill, stop and restart processes at random for SOAKTIME (default 60s)
	$(GO) test ./internal/soak -run Soak -count=1 -v -timeout 0 -soak.time=$(or $(SOAKTIME),60s)

.PHONY: leak
leak: ## make and remove 100,000 segments of each kind, and look what is left: three minutes
	SHMPIPE_TEST_FULL=1 $(GO) test . -run Leak -count=1 -v -timeout 0

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (default 15s)
	./scripts/fuzz.sh $(or $(FUZZTIME),15s)

.PHONY: lint
lint: ## gofmt, vet (for each system and processor we compile for), staticcheck
	./scripts/lint.sh

.PHONY: man
man: build ## write the man pages to bin/man
	$(BIN)/shmpipe man $(BIN)/man

.PHONY: bench-deps
bench-deps: ## install what the comparison can use beyond Go (Debian; wants root)
	apt-get install -y -qq gcc g++ make pkg-config strace $$($(MAKE) -s -C bench/c deps-list)

.PHONY: bench-build
bench-build: build ## build the contestants of the comparison, as far as they can be built here
	$(GO) build -o $(BIN)/crowd ./bench/crowd/cmd/crowd
	$(GO) build -o $(BIN)/duel ./bench/duel
	$(GO) build -o $(BIN)/compare ./bench/compare
	-test ! -d ../shared/design/spsc-prototype || (cd ../shared/design/spsc-prototype && $(GO) build -o $(CURDIR)/$(BIN)/prototype .)
	$(MAKE) -C bench/c
	@mkdir -p bench/peers/bin
	-cd bench/peers && $(GO) build -o bin/ ./... && rm -f bin/peers.absent || echo "not built: its modules could not be had (make bench-build says more)" > bin/peers.absent

.PHONY: bench
bench: bench-build ## compare with everything else: some ten minutes on an idle machine; OUT=DIR, ARGS=...
	$(BIN)/shmpipe bench --out $(or $(OUT),$(BIN)/bench) $(ARGS)

.PHONY: bench-quick
bench-quick: bench-build ## the same in a minute: rough
	$(BIN)/shmpipe bench --quick --out $(or $(OUT),$(BIN)/bench) $(ARGS)

.PHONY: bench-docs
bench-docs: bench-build ## measure, and put the tables into README.md and docs/benchmarks.md
	$(BIN)/shmpipe bench --out docs/bench --update README.md,docs/benchmarks.md $(ARGS)

.PHONY: bench-compare
bench-compare: ## compare this tree's benchmarks with those of a git ref: REF=main, ROUNDS=10, PATTERN=.
	./scripts/bench-compare.sh "$(REF)" $(or $(ROUNDS),10) $(or $(PATTERN),.)

.PHONY: bench-rings
bench-rings: bench-build ## compare the SPSC ring with other rings, in more ways than bench does
	$(BIN)/compare -what thr,batch,copy,rtt,block,load,idle -rounds $(or $(ROUNDS),7)

.PHONY: bench-crowd
bench-crowd: bench-build ## compare many producers and consumers with a textbook queue
	$(BIN)/crowd compare -rounds $(or $(ROUNDS),7)

.PHONY: ci
ci: ## what CI runs
	bash .ci/run

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN) bench/c/bin bench/peers/bin
