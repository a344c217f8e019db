# The verbs a person needs. Everything else is called by these.
.PHONY: run test check bench soak setup setup-tests build fix icons

# Install what is missing, build, start.
run: setup build
	@./scripts/run.sh

# Install what is missing and run everything.
test: setup-tests
	@./scripts/test.sh

# The gate: formats, lints, types, unit tests. Fast enough to run before each commit.
check:
	@./scripts/check.sh

# Speed and size, as a table beside the goals.
bench: setup-tests
	@./scripts/bench.sh

# A thousand points of the crash matrix instead of a few dozen.
soak: setup-tests
	@cargo build --workspace --bins --locked
	@MC_CRASH_POINTS=1000 cargo test --locked --test task_crash

setup:
	@./scripts/setup.sh

setup-tests:
	@./scripts/setup.sh tests

build:
	@cd ui && npm run build
	@cargo build --release --locked

fix:
	@cargo fmt --all
	@cd ui && npm run fix

# Draw the tray's PNGs from its SVGs. Needs rsvg-convert.
icons:
	@sh icons/tray.sh
