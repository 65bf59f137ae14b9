# Two commands on a fresh machine: `make run` and `make test`. Everything they lack they install first,
# and a second time they cost seconds. The steps are in scripts/, the pins in scripts/versions.

PORT ?= 3000
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run dev test setup dist check fmt-check clippy doc deny advisories reproducible sbom end2end engines shots lighthouse bench weight next bench-server bench-parts soak cluster fuzz vanish

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# FLASKY_HOST chooses the address to listen on. HOST does not: some shells export it as the machine's name, by which
# others may reach it.
LISTEN = FLASKY_HOST=$${FLASKY_HOST:-127.0.0.1} PORT=$(PORT)

run: dist ## Set up, build the release and serve it on 127.0.0.1:$PORT (3000)
	@$(LISTEN) dist/flasky

dev: setup ## Rebuild and reload on every change
	@$(LISTEN) scripts/with-tools cargo leptos watch

# Without Python, scripts/test cannot say that it needs it.
test: ## Set up the rest and run every test
	@command -v python3 >/dev/null || scripts/setup test
	@scripts/test

setup: ## Install what run, dev and dist need
	@scripts/setup

dist: setup ## Make dist/flasky: the whole program in one file
	@scripts/build

reproducible: setup ## Build dist/flasky twice, here and in a fresh clone at another path, and compare the bytes
	@scripts/reproducible

sbom: ## Write dist/flasky.cdx.json, the list of the crates that dist/flasky is made of (CycloneDX)
	@scripts/setup sbom
	@scripts/sbom

check: setup fmt-check clippy doc deny ## Format, lints of native and WASM code, documentation, licences

fmt-check:
	@cargo fmt --all --check

# First: what server and browser share, and `protocol` with it, depends on nothing that waits, draws or asks for entropy.
# Then two graphs, because the server's `ssr` and the browser's `hydrate` must not meet in one. The browser's shares its
# directory with `cargo leptos watch`.
clippy:
	@! cargo tree -p client -e normal --target all --prefix none | grep -E '^(async-|futures|getrandom|js-sys|leptos|rand|time|tokio|web-)'
	cargo clippy --all-targets -- -D warnings
	cargo clippy -p app -p frontend --features app/hydrate --target wasm32-unknown-unknown --target-dir $(TARGET)/front -- -D warnings

# With private items: most of what is documented here is private, and a link to something that was removed must fail.
doc: ## Make the documentation of the code in target/doc; a broken link fails
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

deny: ## Check licences and sources of all dependencies (deny.toml)
	@scripts/setup lint
	scripts/with-tools cargo deny --locked check licenses bans sources

# The list of what is vulnerable, unmaintained or yanked is in a repository and in the registry: no check without them
# knows it.
advisories: ## Look for vulnerabilities in all dependencies and for direct ones that nobody maintains; needs github.com
	@scripts/setup lint
	scripts/with-tools cargo deny --locked check advisories

end2end: dist ## Run the browser tests alone; ARGS are Playwright's
	@scripts/setup test
	@scripts/end2end $(ARGS)

engines: dist ## Make the main journeys in Chromium, Firefox and WebKitGTK; ARGS="--project webkit"
	@scripts/setup engines
	@scripts/with-tools scripts/end2end --config engines $(ARGS)

shots: dist ## Take a picture of every screen, state and language into end2end/shots/out, and those of the README; PSEUDO_LOCALE=1 takes them from right to left
	@scripts/setup test
	@SERVER=dist/flasky$(if $(PSEUDO_LOCALE),-pseudo) scripts/end2end --config shots $(ARGS)

lighthouse: dist ## Ask Lighthouse about home and a room
	@scripts/setup lighthouse
	@scripts/end2end --config lighthouse $(ARGS)

bench: dist ## Measure a room: bytes, hydration, a journey, and keys among 1 000 messages on a slow processor
	@scripts/setup test
	@scripts/end2end --config bench $(ARGS)

weight: dist ## Write bytes, bench and Lighthouse into docs/weight.md; BEFORE=an older program to compare with
	@scripts/setup test
	@scripts/setup lighthouse
	@scripts/weight $(BEFORE)

bench-server: ## Compare the fan-out with that of a server as short as it can be, in rooms of 2 to 1000
	@scripts/setup
	@cargo build --release -p server --bin server --example soak --example naive
	@$(TARGET)/release/examples/soak compare

bench-parts: ## Measure the parts a message goes through: codec, replay buffer, SQLite; ARGS are Criterion's
	@scripts/setup
	@cargo bench -p server --bench parts -- $(ARGS)

next: setup ## Check both halves with the next Leptos, VERSION=0.9.0-rc1; it may fail
	@scripts/next $(VERSION)

soak: ## Kill the server under load, 200 times; ARGS="--minutes 60 --kills 9999", ARGS=--gently, ARGS=start, ARGS=memory, ARGS=churn, ARGS=stalled, ARGS=log-and-disk, ARGS=rolling, ARGS=idle, ARGS=cost, ARGS=growth, ARGS=size, ARGS=attack
	@scripts/setup cluster
	@cargo build --release -p server --bin server --example soak
	@scripts/with-tools $(TARGET)/release/examples/soak $(ARGS)

cluster: dist ## Three NATS servers, two nodes, and a door to both at $PORT (3000), to break
	@scripts/setup cluster
	@PORT=$(PORT) scripts/with-tools scripts/cluster

fuzz: setup ## Try new values on every property test: a million on what decodes frames, codes, names and bodies; CASES=n
	@PROPTEST_CASES=$(or $(CASES),1000000) PROPTEST_MAX_LOCAL_REJECTS=4294967295 cargo test --release -p protocol --test values
	@PROPTEST_CASES=$$(( $(or $(CASES),1000000) / 20 )) cargo test --release -p client -p app -p server --lib --test room_laws --test connection_laws

vanish: setup ## Search every byte of a store for what its rooms said, after random plans have ended, 200 in SQLite and 20 in NATS; SEEDS=n
	@scripts/setup test
	@VANISH_SEEDS=$(or $(SEEDS),200) cargo test --release -p store-sqlite --test vanish
	@VANISH_SEEDS=$(or $(SEEDS),20) scripts/with-tools cargo test --release -p store-nats --test vanish
