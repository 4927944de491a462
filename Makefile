# Everything CI runs, and everything a newcomer needs: `make demo` and `make test` work on a fresh machine
# with Rust, Go, JDK 17, Maven and Python 3.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ENV := . scripts/env.sh
# Each step says how long after this it begins.
export STOKER_STARTED := $(shell date +%s)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: native java ## Build the native library, the command and the jars

.PHONY: native
native: ## Build libstoker_jni.so and the stoker command (release)
	@$(ENV); say "Building the Rust core and the native library"; \
	cargo build --release --locked -p stoker-jni -p stoker-core --features stoker-core/cli; \
	install -D -m 644 "$$STOKER_NATIVE_LIB" "$$STOKER_NATIVE_DIR/linux-$$(uname -m)/libstoker_jni.so"

.PHONY: java
java: native ## Build the jars
	@$(ENV); say "Building the jars"; \
	mvn -q -B -f java/pom.xml package -DskipTests -Dstoker.native.dir="$$STOKER_NATIVE_DIR"

.PHONY: portable
portable: ## Build the jars and the command for every Linux with glibc 2.17, x86_64 and aarch64 (gets zig, once)
	@$(ENV); scripts/portable.sh >/dev/null; say "Building the jars with $${PORTABLE_ARCHS[*]} in them"; \
	mvn -q -B -f java/pom.xml package -DskipTests -Dstoker.native.dir="$$PORTABLE_DIR/native"

.PHONY: test-portable
test-portable: portable spark-jars ## What `make portable` has built: symbols, the installer, and aarch64 under qemu
	@scripts/prerequisites.sh image; tests/portable/run.sh

.PHONY: image
image: portable spark ## Build the image of Spark with Stoker in it, and a base for it from Debian, and try both (root)
	@scripts/prerequisites.sh image; scripts/image.sh

.PHONY: cluster
cluster: ## Build the local Kubernetes cluster (8 minutes, once)
	@tests/cluster/build.sh >/dev/null

.PHONY: spark
spark: ## Get the stock Spark distribution (once)
	@scripts/spark.sh >/dev/null

.PHONY: spark-jars
spark-jars: ## Get the jars of all Spark versions that pods are compared with (once)
	@$(ENV); for version in "$${SPARK_VERSIONS[@]}"; do scripts/spark-jars.sh "$$version" >/dev/null; done

.PHONY: dist
dist: build spark ## Install Stoker into a copy of the Spark distribution
	@scripts/dist.sh >/dev/null

.PHONY: demo
demo: dist cluster ## Run Spark jobs on a local cluster, lose executors, see them replaced
	@scripts/demo.sh

# What the tests are built with, so that building them beforehand builds the very same.
RUST_TESTS := --locked --workspace --exclude stoker-jni --features stoker-core/cli
JVM_TESTS := --locked -p stoker-jni --features fake-engine
CLUSTER_TESTS := --locked -p stoker-tests --features cluster --lib --test cluster --test check --test faults
HISTORIES := --quiet --locked --profile histories -p stoker-tests --no-default-features --test plan_properties

.PHONY: test-programs
test-programs: spark-jars ## Build the programs that the tests run
	@$(ENV); say "Building the tests"; \
	cargo test --no-run $(RUST_TESTS); \
	cargo test --no-run $(JVM_TESTS); \
	cargo build $(JVM_TESTS); \
	cargo test --no-run $(CLUSTER_TESTS); \
	cargo test --no-run $(HISTORIES); \
	scripts/fuzz.sh build

.PHONY: test
test: test-rust histories fuzz test-java test-cluster test-spark ## Run all tests

.PHONY: test-rust
test-rust: spark-jars ## Unit, property, contract, differential and JVM boundary tests
	@$(ENV); say "Rust tests"; \
	STOKER_SPARK_JARS="$$STOKER_CACHE/spark-jars" cargo test $(RUST_TESTS); \
	cargo test $(JVM_TESTS)

.PHONY: test-java
test-java: native spark-jars ## Java tests, and that every class links against every supported Spark
	@$(ENV); say "Java tests"; \
	STOKER_SPARK_JARS="$$STOKER_CACHE/spark-jars" mvn -q -B -f java/pom.xml verify -Dstoker.native.dir="$$STOKER_NATIVE_DIR"

.PHONY: test-cluster
test-cluster: native cluster ## Tests on a real API server, and of the local cluster itself
	@$(ENV); say "Tests on a real API server"; \
	bin=$$(tests/cluster/build.sh); \
	(cd tests/cluster && STOKER_CLUSTER_BIN="$$bin" go test ./...); \
	STOKER_CLUSTER_BIN="$$bin" STOKER_BIN="$$STOKER_BIN" \
	    cargo test $(CLUSTER_TESTS); \
	cargo test --locked -p stoker-benches --features stress --bin stress

.PHONY: test-spark
test-spark: dist cluster ## Real Spark applications with real executors
	@scripts/demo.sh
	@scripts/e2e.sh

.PHONY: histories
histories: ## Random histories of the plan in the simulator, STOKER_HISTORIES (20000) of them
	@$(ENV); say "Random histories"; \
	STOKER_HISTORIES=$${STOKER_HISTORIES:-20000} cargo test $(HISTORIES)

.PHONY: mutations
mutations: ## Put deliberate bugs into a copy of the plan: the simulator's tests have to catch each (a quarter of an hour)
	@$(ENV); say "Deliberate bugs"; STOKER_CACHE="$$STOKER_CACHE" python3 tests/mutations/run.py

.PHONY: test-versions
test-versions: build cluster ## Jobs on other versions of Spark, all that are supported or VERSIONS="3.5.5 4.0.1"
	@scripts/versions.sh $(VERSIONS)

.PHONY: fuzz
fuzz: ## Look for inputs that make the core panic, STOKER_FUZZ_SECONDS (20) for each target
	@scripts/fuzz.sh

.PHONY: check
check: ## Formatting, lints, purity, licences and advisories
	@scripts/check.sh

.PHONY: bench
bench: dist cluster ## Benchmarks beside stock Spark and the raw API server (100 minutes), all or BENCH="a e"; writes benches/REPORT.md
	@scripts/bench.sh

.PHONY: fmt
fmt: ## Format the Rust and Go code
	@cargo fmt --all; gofmt -w tests/cluster

.PHONY: clean
clean: ## Remove what was built, keep the caches
	@rm -rf java/target java/*/target
