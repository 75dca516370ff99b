# The face of the build: meson does the work.
#
#   make            build build/ingot
#   make deps       install what building, testing and the demonstration need (Debian; asks for root)
#   make demo       build the example appliance as an ordinary user, boot it, show it healthy
#   make test       every test that fits into CI
#   make test-vm    every scenario in virtual machines
#   make soak       long fuzzing, kills and matrices: MINUTES=60
#   make bench      measurements against peers; of one alone: CASE=update
#   make install    below DESTDIR and PREFIX
#   make deb        packages of ingot for the target distribution
#   make check-c    clang build, static analysis, formatting of the change

BUILD ?= build
PREFIX ?= /usr/local
MINUTES ?= 60

.PHONY: all deps demo test test-vm soak bench install deb check-c clean
all: $(BUILD)/build.ninja
	ninja -C $(BUILD) ingot

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: run 'make deps' first" >&2; exit 1; }
	meson setup $(BUILD) --prefix=$(PREFIX)

deps:
	tools/deps all

demo:
	tools/demo

test:
	tools/test normal

test-vm:
	tools/test vm

soak:
	MINUTES=$(MINUTES) tools/test soak

bench: all
	bench/all $(CASE)

install: $(BUILD)/build.ninja
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	ninja -C $(BUILD)
	meson install -C $(BUILD) --no-rebuild

deb:
	tools/deb

check-c:
	tools/check-c

clean:
	rm -rf $(BUILD) build-dev build-fuzz build-clang
