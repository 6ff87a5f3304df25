# s2sd: `make`, `make check`, `make install DESTDIR=`. configure writes config.mk; without it the Makefile runs it itself.
#   BUILD=dir    where objects and test programs go (default: build)      CC=clang     another compiler (use another BUILD)
#   WERROR=1      warnings are errors
#   SANITIZE=address,undefined    instrumented build                      EXTRA_CFLAGS=... added at the end of the line
#   FLOORS="base wire"            the lower floors only, say to build build/unit/test_buf while an upper one is in pieces
BUILD ?= build
NAME = s2sd
UNCONFIGURED = clean distclean format
GOALS = $(or $(MAKECMDGOALS),all)

all:

ifneq ($(filter-out $(UNCONFIGURED),$(GOALS)),)
include config.mk
endif

# On a bare machine a check or the demo has to bring autoconf, and the libraries before configure can look for them.
BRING = $(if $(filter check check-lab demo,$(GOALS)),tests/install-deps)$(if $(filter deb,$(GOALS)),tests/install-deps build package)
configure: configure.ac
	$(BRING)
	autoconf
config.mk: configure config.mk.in config.h.in
	$(BRING)
	./configure $(CONFIGURE_FLAGS)

# --- flags -----------------------------------------------------------------------------------------------------------
ifdef SANITIZE
MODE_CFLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined
MODE_LDFLAGS = -fsanitize=$(SANITIZE)
else
MODE_CFLAGS = -O2 $(USER_CFLAGS) $(HARDEN) $(PIE_CFLAGS)
MODE_LDFLAGS = $(PIE_LDFLAGS) $(USER_LDFLAGS)
endif
CPP_ALL = -D_GNU_SOURCE -Iinclude -I. $(LIB_CFLAGS) $(USER_CPPFLAGS)
CC_ALL = $(CC) $(STD) $(WARN) $(CPP_ALL) $(MODE_CFLAGS) $(EXTRA_CFLAGS)
LD_ALL = $(CC) $(MODE_CFLAGS) $(MODE_LDFLAGS) $(EXTRA_CFLAGS)

# --- library and programs --------------------------------------------------------------------------------------------
FLOORS = base codes wire crypto cloud conf kernel check ike ipc resolver signer engine keeper ctl/view ctl/common ctl/filter ctl/watch ctl/bgp ctl/way ctl/check ctl/certificate ctl/explain ctl/export ctl/import ctl/metrics ctl/ping ctl/probe ctl/report ctl/trace ctl/main
MAINS = src/keeper/main.c src/engine/main.c src/resolver/main.c src/signer/main.c src/ctl/main/s2sctl.c
SRC = $(filter-out $(MAINS),$(foreach f,$(FLOORS),$(wildcard src/$(f)/*.c)))
OBJ = $(SRC:%.c=$(BUILD)/%.o)
LIB = $(BUILD)/libs2s.a
# Programs lie at the top when built the ordinary way, beside the objects otherwise.
BIN = $(if $(filter build,$(BUILD)),.,$(BUILD))
PROGRAMS = $(addprefix $(BIN)/,s2sd s2sd-engine s2sd-resolver s2sd-signer s2sctl)

all: $(LIB) $(PROGRAMS)

$(BUILD)/%.o: %.c config.mk
	@mkdir -p $(@D)
	$(CC_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c config.mk
	@mkdir -p $(@D)
	$(CC_ALL) -Isrc $(CHECK_CFLAGS) -MMD -MP -c -o $@ $<

# The list makes the archive new when a source file was removed.
$(BUILD)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(OBJ)' | cmp -s - $@ || echo '$(OBJ)' > $@

$(LIB): $(OBJ) $(BUILD)/objects
	@rm -f $@
	$(AR) rcs $@ $(OBJ)

$(BIN)/s2sd: $(BUILD)/src/keeper/main.o
$(BIN)/s2sd-engine: $(BUILD)/src/engine/main.o
$(BIN)/s2sd-resolver: $(BUILD)/src/resolver/main.o
$(BIN)/s2sd-signer: $(BUILD)/src/signer/main.o
$(BIN)/s2sctl: $(BUILD)/src/ctl/main/s2sctl.o
$(PROGRAMS): $(LIB)
	$(LD_ALL) -o $@ $(filter %.o,$^) $(LIB) $(LIBS)

# --- test programs ---------------------------------------------------------------------------------------------------
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/bench_*.c))
GOLDEN = $(patsubst tests/golden/%.c,$(BUILD)/golden/%,$(wildcard tests/golden/*_text.c))
SIM_SRC = $(wildcard tests/sim/*.c)
SIM = $(if $(SIM_SRC),$(BUILD)/sim)
# Helpers shared by unit tests: every other .c file in the folder.
UNIT_HELP = $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
# These start what was built.
$(BUILD)/unit/test_daemon $(BUILD)/unit/test_outlive $(BUILD)/unit/test_processes $(BUILD)/unit/test_resolver: | $(PROGRAMS)
$(BUILD)/unit/test_hostile: | $(PROGRAMS) $(BUILD)/hostile_engine
# Under `make fuzz` libFuzzer brings main; otherwise a replayer of files does.
FUZZ_MAIN ?= $(BUILD)/tests/fuzz/replay.o

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_HELP) $(LIB)
	@mkdir -p $(@D)
	$(LD_ALL) -o $@ $^ $(LIB) $(CHECK_LIBS) $(LIBS)
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_MAIN) $(LIB)
	@mkdir -p $(@D)
	$(LD_ALL) $(FUZZ_LDFLAGS) -o $@ $^ $(LIB) $(LIBS)
$(BUILD)/golden/%: $(BUILD)/tests/golden/%.o $(LIB)
	@mkdir -p $(@D)
	$(LD_ALL) -o $@ $^ $(LIBS)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(LD_ALL) -o $@ $^ $(LIBS)
# What tests/check-codes holds manuals, schemas and completions against.
$(BUILD)/codes: $(BUILD)/tests/print_codes.o $(LIB)
	$(LD_ALL) -o $@ $^ $(LIBS)
LAB_PROGRAMS = $(addprefix $(BUILD)/,kernel_test hostile_engine fdkeep ivcheck sas vty)
# What scenario kernel of the lab runs.
$(BUILD)/kernel_test: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lab/kernel_*.c)) $(LIB)
	$(LD_ALL) -o $@ $^ $(LIBS)
# An engine that somebody took over: test_hostile and the lab's scenario hostile put it in the engine's place.
$(BUILD)/hostile_engine: $(BUILD)/tests/hostile/engine.o $(LIB)
	$(LD_ALL) -o $@ $^ $(LIBS)
# A service manager that keeps descriptors, what reads the captures of scenarios hitless*, and vtysh in small.
$(BUILD)/fdkeep $(BUILD)/ivcheck $(BUILD)/sas $(BUILD)/vty: $(BUILD)/%: $(BUILD)/tests/lab/%.o $(LIB)
	$(LD_ALL) -o $@ $^ $(LIBS)
$(BUILD)/sim: $(SIM_SRC:%.c=$(BUILD)/%.o) $(LIB)
	$(LD_ALL) -o $@ $^ $(LIBS)
# Tests of the state machine live in the simulator's world.
WORLD = $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/sim/sim.c tests/sim/alloc.c,$(SIM_SRC)))
$(BUILD)/unit/test_answers $(BUILD)/unit/test_bugs $(BUILD)/unit/test_bugs_child $(BUILD)/unit/test_certified $(BUILD)/unit/test_first $(BUILD)/unit/test_frag $(BUILD)/unit/test_gate $(BUILD)/unit/test_ids $(BUILD)/unit/test_looks $(BUILD)/unit/test_pfs $(BUILD)/unit/test_repetition $(BUILD)/unit/test_restore $(BUILD)/unit/test_step $(BUILD)/unit/test_sync $(BUILD)/unit/test_trust $(BUILD)/fuzz/fuzz_machine $(BUILD)/fuzz/fuzz_fragments $(BUILD)/fuzz/fuzz_record: $(WORLD)

# Other programs as judges: what they are given is printed by these.
ORACLE = $(patsubst tests/oracle/%.c,$(BUILD)/oracle/%,$(wildcard tests/oracle/*.c))
$(BUILD)/oracle/%: $(BUILD)/tests/oracle/%.o $(WORLD) $(LIB)
	@mkdir -p $(@D)
	$(LD_ALL) -o $@ $^ $(LIBS)
oracle: $(ORACLE)
	@BUILD='$(BUILD)' tests/oracle/kdf
	@BUILD='$(BUILD)' tests/oracle/tshark

tests: all $(UNIT) $(GOLDEN) $(FUZZ) $(SIM)

# --- rings: each prints counts that tests/summary adds up ------------------------------------------------------------
SEEDS ?= 10000
ROOTLESS = check-layers check-unit check-golden check-sim check-fuzz
# MORE_RINGS come after these, BESIDE_RINGS beside them, with what the processors have left.
RINGS = $(ROOTLESS) check-lab $(MORE_RINGS) $(and $(BESIDE_RINGS),--beside $(BESIDE_RINGS))
RUN = BUILD='$(BUILD)' BIN='$(BIN)' MAKE='$(MAKE)'

# All is built first, with every processor. What does not build fails again in its ring, and is counted there.
PARALLEL = $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,-j$(shell nproc))
BUILD_TESTS = -@echo "== building"; $(MAKE) -s -k $(PARALLEL) tests

check:
	tests/install-deps
	+$(BUILD_TESTS)
	+@$(RUN) tests/summary $(RINGS)
check-rootless:
	+$(BUILD_TESTS)
	+@$(RUN) tests/summary $(ROOTLESS)
check-asan:
	+$(MAKE) BUILD=$(BUILD)-asan SANITIZE=address,undefined check-rootless

# Builds in a Debian 13 root with gcc and clang, warnings as errors, and runs the rootless rings there (as root; the machine stays as it is).
check-debian13:
	@tests/debian13 $(BUILD)/debian13

# Debian packages for both suites and architectures: lintian, the same bytes twice, installed and purged (as root; some 20 minutes).
check-packages: configure
	@tests/packages

check-unit: all $(UNIT)
	@$(RUN) tests/run-unit $(UNIT)
# Those that need no root, no kernel of their own and no program of others: what the build of a package runs, and with EMULATOR=qemu-... another machine's.
UNIT_ALONE = $(filter-out $(addprefix $(BUILD)/unit/test_,accounts daemon export hostile metrics outlive privilege processes resolver sandbox service),$(UNIT))
check-unit-alone: all $(UNIT_ALONE)
	@$(RUN) tests/run-unit $(UNIT_ALONE)
check-golden: all $(GOLDEN)
	@$(RUN) tests/golden/run
check-sim: $(SIM)
	@$(or $(SIM),tests/sim/missing) --seeds $(SEEDS)
	@$(or $(SIM),tests/sim/missing) --seeds $$(($(SEEDS) / 5)) --deaths 10
check-fuzz: $(FUZZ)
	@tests/run-fuzz $(FUZZ)
check-lab: all $(LAB_PROGRAMS)
	@$(RUN) tests/lab/run
# Six scenarios, about three minutes: before each commit.
check-smoke: all $(LAB_PROGRAMS)
	@$(RUN) tests/lab/run --smoke
# s2sd as a service: its package installed on a Debian 13 with systemd, under QEMU (as root; some eight minutes).
check-systemd:
	@BUILD='$(BUILD)' tests/lab/systemd/run
# What it needs, made beside other rings.
check-systemd-packages:
	@BUILD='$(BUILD)' tests/lab/systemd/run --prepare
check-layers: $(OBJ) $(PROGRAMS) $(BUILD)/codes
	@NM='$(NM)' tests/check-layers $(BUILD) $(BIN)/s2sd
	@tests/check-bugs
	@tests/check-told
	@tests/check-codes $(BUILD)
	@tests/mutants/run --check

sim: $(BUILD)/sim
	$(BUILD)/sim --seeds $(SEEDS)
# Do the tests bite? Bugs are planted, each must be found by its own test (tests/mutants). The lab's take minutes each and are asked for by name.
mutants: tests
	@$(RUN) tests/mutants/run
sim-mutants: $(BUILD)/sim
	@$(RUN) tests/mutants/run sim
lab-mutants: all
	@$(RUN) tests/mutants/run lab
demo: all
	$(RUN) tests/lab/demo
flood: all $(BUILD)/bench/flooder
	$(RUN) tests/bench/flood
bench: all $(BENCH) $(BUILD)/bench/flooder
	$(RUN) tests/bench/run
bench-peers: all $(BUILD)/bench/bench_dial
	$(RUN) tests/bench/peers

# Searches for new inputs, FUZZ_TIME seconds per target; what it finds stays under $(BUILD)-fuzz until someone keeps it.
FUZZ_TIME ?= 60
FUZZ_MAKE = $(MAKE) BUILD=$(BUILD)-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined FUZZ_MAIN= FUZZ_LDFLAGS=-fsanitize=fuzzer
fuzz:
	+$(FUZZ_MAKE) fuzz-programs
	tests/run-fuzz -t $(FUZZ_TIME) $(FUZZ:$(BUILD)/%=$(BUILD)-fuzz/%)
# The same targets under AFL++ (package afl++), whose driver brings main.
fuzz-afl:
	+AFL_QUIET=1 $(MAKE) BUILD=$(BUILD)-afl CC=afl-clang-fast FUZZ_MAIN= FUZZ_LDFLAGS=-fsanitize=fuzzer fuzz-programs
	tests/run-fuzz -a -t $(FUZZ_TIME) $(FUZZ:$(BUILD)/%=$(BUILD)-afl/%)
fuzz-programs: $(FUZZ)

# Which lines of wire/ and ike/ are run by unit tests, simulator and kept fuzz inputs (gcc; COVERAGE=-v lists those that are not).
coverage:
	+$(MAKE) BUILD=$(BUILD)-cov EXTRA_CFLAGS='--coverage -Og -fno-inline' -k tests
	find $(BUILD)-cov -name '*.gcda' -delete
	+-$(MAKE) BUILD=$(BUILD)-cov EXTRA_CFLAGS='--coverage -Og -fno-inline' -k check-unit check-fuzz check-sim
	tests/coverage $(BUILD)-cov $(COVERAGE)

# --- care of the sources ---------------------------------------------------------------------------------------------
C_FILES = $(sort $(wildcard include/*/*.h src/*/*.[ch] src/*/*/*.[ch] tests/*/*.[ch]))
MAN = $(wildcard man/*.[1-8])
CPPCHECK = cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=internalAstError -D_GNU_SOURCE -Iinclude -Isrc -I.

lint:
	clang-format --dry-run -Werror $(C_FILES)
	$(CPPCHECK) src tests
	$(if $(MAN),mandoc -T lint -W warning $(MAN))
format:
	clang-format -i $(C_FILES)

# --- install ---------------------------------------------------------------------------------------------------------
D = $(DESTDIR)
EXPAND = sed -e 's|@sbindir@|$(sbindir)|g' -e 's|@bindir@|$(bindir)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' \
	-e 's|@runstatedir@|$(runstatedir)|g' -e 's|@libexecdir@|$(libexecdir)|g' -e 's|@docdir@|$(docdir)|g'
DOCS = $(wildcard README.md HACKING.md COPYING CHANGES.md etc/*.example)
prefixlib = $(prefix)/lib
# file:where it goes; a name that ends in .in has its directories filled in
EXTRAS = etc/s2sd.service.in:$(systemdsystemunitdir)/s2sd.service \
	etc/s2sd-remove.service.in:$(systemdsystemunitdir)/s2sd-remove.service \
	etc/s2sd-metrics.service.in:$(systemdsystemunitdir)/s2sd-metrics.service \
	etc/s2sd.sysusers:$(prefixlib)/sysusers.d/s2sd.conf \
	etc/s2sd.tmpfiles:$(prefixlib)/tmpfiles.d/s2sd.conf \
	etc/networkd.conf.d/s2sd.conf:$(prefixlib)/systemd/networkd.conf.d/s2sd.conf \
	contrib/completion/s2sctl:$(datadir)/bash-completion/completions/s2sctl \
	contrib/completion/_s2sctl:$(datadir)/zsh/vendor-completions/_s2sctl \
	$(foreach f,$(wildcard contrib/schema/*.json contrib/grafana/*.json contrib/prometheus/*.y*ml),$(f):$(datadir)/s2sd/$(f:contrib/%=%))

install: all
	install -d $(D)$(sbindir) $(D)$(bindir) $(D)$(libexecdir)/s2sd $(D)$(docdir) $(D)$(sysconfdir)/s2sd/conf.d
	install -d -m 0700 $(D)$(sysconfdir)/s2sd/keys
	install -m 0755 $(BIN)/s2sd $(D)$(sbindir)/s2sd
	install -m 0755 $(BIN)/s2sd-engine $(BIN)/s2sd-resolver $(BIN)/s2sd-signer $(D)$(libexecdir)/s2sd
	install -m 0755 $(BIN)/s2sctl $(D)$(bindir)/s2sctl
	install -m 0644 $(DOCS) $(D)$(docdir)
	set -e; for m in $(MAN); do install -D -m 0644 $$m $(D)$(mandir)/man$${m##*.}/$${m##*/}; done
	set -e; for x in $(EXTRAS); do from=$${x%%:*} to=$(D)$${x#*:}; install -d "$${to%/*}"; $(EXPAND) "$$from" > "$$to"; chmod 0644 "$$to"; done

# Settings and keys are the operator's: they stay.
uninstall:
	rm -f $(D)$(sbindir)/s2sd $(D)$(bindir)/s2sctl $(addprefix $(D)$(libexecdir)/s2sd/,s2sd-engine s2sd-resolver s2sd-signer)
	rm -f $(foreach m,$(MAN),$(D)$(mandir)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
	rm -f $(foreach x,$(EXTRAS),$(D)$(lastword $(subst :, ,$(x))))
	rm -f $(addprefix $(D)$(docdir)/,$(notdir $(DOCS)))
	-rmdir $(D)$(docdir) $(D)$(libexecdir)/s2sd $(wildcard $(D)$(datadir)/s2sd/*) $(D)$(datadir)/s2sd
	@echo "left: $(sysconfdir)/s2sd with keys, the accounts s2sd, s2sd-resolver, s2sd-signer and s2sd-token; what is to be done yet: systemctl daemon-reload"

# --- dist: from the tree, no git needed ------------------------------------------------------------------------------
DIST = $(NAME)-$(VERSION)
TARBALL = $(DIST).tar.gz
DIST_FILES = Makefile configure configure.ac config.mk.in config.h.in .clang-format .gitignore .ci $(wildcard *.md) COPYING \
	include src tests $(wildcard man etc contrib)
dist: configure
	tar --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw $(and $(SOURCE_DATE_EPOCH),--mtime=@$(SOURCE_DATE_EPOCH)) \
		--exclude='*.o' --exclude='*~' --transform='s|^|$(DIST)/|' -c $(DIST_FILES) | gzip -9n > $(TARBALL).tmp
	mv $(TARBALL).tmp $(TARBALL)

# Debian packages in $(BUILD)/deb, for this machine; SUITE=trixie or SUITE=bookworm for that one (as root), with ARCH=arm64 cross built.
deb: configure
	contrib/make-deb $(and $(SUITE),-s $(SUITE)) $(and $(ARCH),-a $(ARCH)) $(and $(DEB_VERSION),-v $(DEB_VERSION)) -o $(BUILD)/deb

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz $(BUILD)-afl $(BUILD)-cov $(if $(filter build,$(BUILD)),$(notdir $(PROGRAMS)))
distclean: clean
	rm -rf config.mk config.h config.log config.status autom4te.cache configure $(NAME)-*.tar.gz

.PHONY: all tests check check-rootless check-asan check-debian13 check-packages check-unit check-unit-alone check-golden check-sim check-fuzz check-lab check-smoke check-systemd check-systemd-packages check-layers sim \
	mutants sim-mutants lab-mutants demo bench bench-peers flood fuzz fuzz-afl fuzz-programs coverage oracle lint format install uninstall dist deb clean distclean FORCE
.SECONDARY:
.DELETE_ON_ERROR:
-include $(patsubst %.o,%.d,$(OBJ)) $(wildcard $(BUILD)/src/*/*.d $(BUILD)/tests/*.d $(BUILD)/tests/*/*.d)
