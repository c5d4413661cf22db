# mpsupd: build, test, install.  `make help` lists the targets.
#
# Honoured: CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR SYSCONFDIR,
# DEPS=no (never install a package), WERROR=1 (warnings are errors),
# BUILD=DIR (where objects go), JOBS=N (tests at a time), LINK=shared (use
# shared libraries only).
# BASHCOMPDIR and ZSHCOMPDIR: where completions go, below PREFIX.

# The version is written there and in debian/changelog; `make lint` compares.
VERSION := $(shell sed -n 's/^.define MPSUPD_VERSION "\(.*\)"/\1/p' \
	src/core/proto.h)
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BASHCOMPDIR ?= share/bash-completion/completions
ZSHCOMPDIR ?= share/zsh/site-functions
DESTDIR ?=
BUILD ?= build
CFLAGS ?= -O2 -g
JOBS ?= 8
SAN ?=
ASAN = BUILD=build-asan CFLAGS="-O1 -g" \
	SAN="-fsanitize=address,undefined -fno-sanitize-recover=all"

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wformat=2 -Wvla
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -Isrc -MMD -MP -fstack-protector-strong \
	$(WARN) $(if $(WERROR),-Werror) $(SAN) $(CPPFLAGS) $(CFLAGS)
# Short lines; V=1 shows the commands.
ifeq ($(V),)
Q = @
SAY = @printf '  %-4s %s\n'
else
Q =
SAY = @:
endif

# Each start and each restart of the supervisor is an exec, and what an upgrade
# of the system does to a shared library must not keep a killed supervisor from
# coming back: where there are archives, only libc stays shared.  LINK=shared
# is for packages.
lib = $(if $(filter shared,$(LINK)),,$(filter /%, \
	$(shell $(CC) -print-file-name=lib$(1).a)))
LIBS := $(foreach l,ev inih jansson,$(if $(call lib,$l),-l:lib$l.a,-l$l)) -lm

# What may be linked with what is the proof of the layering.
LIB = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/lib/*.c))
CORE = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/core/*.c))
KEEPER = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/keeper/*.c))
SUPERVISOR = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/supervisor/*.c))
CLI = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/cli/*.c))
OBJS = $(LIB) $(CORE) $(KEEPER) $(SUPERVISOR) $(CLI)
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
# These are preloaded, the others are run.
PRELOADED = fault clock
HELPERS = $(patsubst tests/helpers/%.c,$(BUILD)/tests/%,$(filter-out \
	$(PRELOADED:%=tests/helpers/%.c),$(wildcard tests/helpers/*.c))) \
	$(PRELOADED:%=$(BUILD)/tests/%.so)
FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

all: deps $(BUILD)/mpsupd

# For containers: no library, no loader, no name service.  Where the compiler
# makes no position-independent code of itself: STATIC=-static.
STATIC = -static-pie

static: deps $(BUILD)/static/mpsupd ## build/static/mpsupd, one file

$(BUILD)/static/mpsupd: $(OBJS) $(BUILD)/static/passwd.o
	$(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(STATIC) -o $@ $^ $(LIBS)

$(BUILD)/mpsupd: $(OBJS)
	$(SAY) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJS) $(LIBS)

$(BUILD)/%.o: src/%.c | deps
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Unit tests: one object of core or cli, and lib.
UNIT_OBJS = $(BUILD)/cli/render.o $(BUILD)/keeper/crash.o \
	$(BUILD)/supervisor/logfile.o
$(BUILD)/tests/test_%: tests/unit/test_%.c $(CORE) $(LIB) $(UNIT_OBJS) | deps
	@mkdir -p $(@D)
	$(SAY) TEST $<
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_OBJS) $(CORE) $(LIB) \
		-lcheck -lsubunit -linih -ljansson -lm -lrt -lpthread

$(BUILD)/tests/%: tests/helpers/%.c | deps
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $<

$(BUILD)/static/report: tests/helpers/report.c | deps
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(STATIC) -o $@ $<

# Fuzz targets: everything but what makes processes (fakes.c) and what a target
# includes to give it another world.  FUZZ_MAIN is libFuzzer, or else a main()
# that replays files.
FUZZ_MAIN ?= tests/fuzz/replay.c
FUZZ_LESS = cli/main supervisor/spawn supervisor/tree supervisor/promote
FUZZ_COMMON = tests/fuzz/fakes.c tests/fuzz/tmpdir.c

$(BUILD)/fuzz/fuzz_reply: FUZZ_LESS += cli/request
$(BUILD)/fuzz/fuzz_keeper: FUZZ_LESS += cli/adopt
$(BUILD)/fuzz/fuzz_logs: FUZZ_LESS += supervisor/syslog supervisor/method_logs

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_COMMON) tests/fuzz/replay.c $(OBJS) \
		| deps
	@mkdir -p $(@D)
	$(SAY) FUZZ $<
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(FUZZ_COMMON) \
		$(FUZZ_MAIN) $(filter-out $(FUZZ_LESS:%=$(BUILD)/%.o),$(OBJS)) \
		$(LIBS)

# Not sanitized: the sanitizer's allocator is one that it calls.
$(BUILD)/tests/%.so: tests/helpers/%.c | deps
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -Wno-pointer-arith -O2 -g \
		-shared -fPIC -o $@ $< -ldl

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 18

# --- dependencies ---

deps: ## install what is missing to build (Debian packages, with apt)
	@DEPS=$(DEPS) tests/deps.sh build

deps-check:
	@DEPS=$(DEPS) tests/deps.sh build check fault

# --- trying and testing ---

demo: all ## start the daemon with real services, kill some, show it
	@DEPS=$(DEPS) tests/deps.sh build demo
	@tests/demo.sh $(BUILD)/mpsupd

# What the scripts need besides mpsupd.  Sanitizers cannot be linked statically.
helpers: $(HELPERS) $(FUZZERS) $(if $(SAN),,$(BUILD)/static/report)

check: deps-check all $(UNIT) helpers $(if $(SAN),,static) ## unit, end-to-end and fault tests
	@BUILD=$(BUILD) JOBS=$(JOBS) tests/run.sh

check-asan: ## the same with address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory check $(ASAN)

fault: deps-check all $(UNIT) $(HELPERS) ## all rounds of the fault tests, isolated
	@DEPS=$(DEPS) tests/deps.sh build check fault
	@BUILD=$(BUILD) JOBS=2 FULL=1 ISOLATE=1 tests/run.sh \
		test_program fault

fault-asan: ## the same with sanitizers
	@$(MAKE) --no-print-directory fault $(ASAN)

soak: deps-check all $(HELPERS) ## random faults for SOAK_HOURS=24
	@BUILD=$(BUILD) tests/soak/soak.sh

FUZZ_SECONDS ?= 60

fuzz: ## fuzz each target for FUZZ_SECONDS (60)
	@DEPS=$(DEPS) tests/deps.sh build fuzz
	@$(MAKE) --no-print-directory fuzzers BUILD=build-fuzz CC=clang-14 \
		CFLAGS="-O1 -g" SAN="-fsanitize=address,undefined,fuzzer-no-link \
		-fsanitize=float-cast-overflow -fno-sanitize-recover=all" \
		FUZZ_MAIN=-fsanitize=fuzzer
	@BUILD=build-fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh $(TARGETS)

fuzz-nightly: ## the same for ten minutes each
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=600

fuzzers: $(FUZZERS)

check-valgrind: deps-check all $(UNIT) helpers ## the same under valgrind
	@DEPS=$(DEPS) tests/deps.sh build check valgrind
	@BUILD=$(BUILD) JOBS=2 VALGRIND=1 tests/run.sh

lint: deps-check ## warnings as errors, static analysis, scripts, manuals
	@DEPS=$(DEPS) tests/deps.sh build check lint
	@$(MAKE) --no-print-directory all BUILD=build-lint WERROR=1
	@tests/lint.sh

cover: ## line coverage of the tests
	@DEPS=$(DEPS) tests/deps.sh build check cover
	@$(MAKE) --no-print-directory check BUILD=build-cover CFLAGS="-O0 -g" \
		SAN="--coverage"
	@gcovr -r . --object-directory build-cover -f src/

# --- measuring ---

# On a tmpfs, and compiled in: the programs that are supervised say there that
# they run.
BENCH = $(BUILD)/bench
BENCH_DIR = /dev/shm/mpsupd-bench
BENCH_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) \
	-DSTAMP='"$(BENCH_DIR)/stamp"'

bench: all bench-tools ## measure; ROWS="boot stop ..." for some rows
	@tests/bench/bench.py --mpsupd $(BUILD)/mpsupd --bin $(BENCH) \
		--stamp $(BENCH_DIR)/stamp --svg tests/bench/bench.svg \
		$(if $(wildcard $(BUILD)/static/mpsupd),--static \
		$(BUILD)/static/mpsupd) $(ROWS)

bench-deps: ## install the supervisors that bench compares with
	@DEPS=$(DEPS) tests/deps.sh bench

bench-tools: $(BENCH)/tool $(BENCH)/wait $(BENCH)/crash $(BENCH)/ready \
		$(BENCH)/empty

$(BENCH)/tool: tests/bench/tool.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(BENCH_CFLAGS) -O2 -pthread -o $@ $<

$(BENCH)/wait $(BENCH)/crash $(BENCH)/ready: tests/bench/prog.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(BENCH_CFLAGS) -Os -static -fno-stack-protector \
		$(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),-nostdlib \
		-fno-pie -no-pie) $(if $(filter %/crash,$@),-DCRASH) \
		$(if $(filter %/ready,$@),-DREADY) -o $@ $<

$(BENCH)/empty:
	@mkdir -p $(@D)
	$(Q)echo 'int main(void) { return 0; }' | \
		$(CC) -O2 -static -x c -o $@ -

# --- installing ---

D = $(DESTDIR)$(PREFIX)

install: all ## into DESTDIR/PREFIX
	install -d $(D)/sbin $(D)/share/man/man5 $(D)/share/man/man7 \
		$(D)/share/man/man8 $(D)/$(BASHCOMPDIR) $(D)/$(ZSHCOMPDIR) \
		$(DESTDIR)$(SYSCONFDIR)/mpsupd/conf.d
	install -m 755 $(BUILD)/mpsupd $(D)/sbin/mpsupd
	test -e $(DESTDIR)$(SYSCONFDIR)/mpsupd/mpsupd.conf || \
		install -m 644 conf/mpsupd.conf $(DESTDIR)$(SYSCONFDIR)/mpsupd/mpsupd.conf
	install -m 644 man/mpsupd.conf.5 $(D)/share/man/man5/
	install -m 644 man/mpsupd-protocol.7 $(D)/share/man/man7/
	install -m 644 man/mpsupd.8 $(D)/share/man/man8/
	install -m 644 src/cli/completion.bash $(D)/$(BASHCOMPDIR)/mpsupd
	install -m 644 src/cli/completion.zsh $(D)/$(ZSHCOMPDIR)/_mpsupd

uninstall: ## what install put there; the configuration stays
	rm -f $(D)/sbin/mpsupd $(D)/share/man/man5/mpsupd.conf.5 \
		$(D)/share/man/man7/mpsupd-protocol.7 \
		$(D)/share/man/man8/mpsupd.8 \
		$(D)/$(BASHCOMPDIR)/mpsupd $(D)/$(ZSHCOMPDIR)/_mpsupd

# --- giving it away ---

DIST = mpsupd-$(VERSION)

# MANIFEST lists what is in the archive, so that the next one, made where git
# is not, has the same files.  What was deleted and not committed is left out.
dist: ## mpsupd-VERSION.tar.gz
	@mkdir -p $(BUILD)
	@if [ -e .git ]; then \
		{ git ls-files; echo MANIFEST; } | sort >MANIFEST; fi
	@while read -r f; do if [ -e "$$f" ]; then echo "$$f"; fi; \
		done <MANIFEST >$(BUILD)/files
	@tar -c --owner=0 --group=0 --numeric-owner --sort=name \
		--transform 's,^,$(DIST)/,' -T $(BUILD)/files | \
		gzip -9n >$(DIST).tar.gz
	@echo "$(DIST).tar.gz: $$(wc -l <$(BUILD)/files) files"

# The package is built from what dist packs, in a directory of its own: no
# file of debhelper's stays in the source.
deb: ## a Debian package, in build/deb; what building needs is installed
	@DEPS=$(DEPS) tests/deps.sh build check deb
	@$(MAKE) --no-print-directory dist
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb
	tar -xzf $(DIST).tar.gz -C $(BUILD)/deb
	cd $(BUILD)/deb/$(DIST) && \
		env -u MAKEFLAGS -u BUILD dpkg-buildpackage -us -uc $(DPKG_ARGS)
	@ls $(BUILD)/deb/*.deb

check-package: ## build, install, upgrade, purge it in a chroot; needs root
	@DEPS=$(DEPS) tests/deps.sh build package
	@tests/package.sh

clean: ## remove what was built
	rm -rf build build-asan build-lint build-cover build-valgrind build-fuzz
	rm -f mpsupd-*.tar.gz
	if [ -e .git ]; then rm -f MANIFEST; fi

.PHONY: all static helpers help deps deps-check demo check check-asan \
	check-valgrind check-package fault fault-asan soak fuzz fuzz-nightly \
	fuzzers lint bench bench-deps bench-tools cover install uninstall dist \
	deb clean
.SECONDARY:
-include $(OBJS:.o=.d) $(UNIT:=.d) $(HELPERS:=.d) $(FUZZERS:=.d) \
	$(BUILD)/static/passwd.d $(BUILD)/static/report.d
