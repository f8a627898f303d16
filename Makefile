# The call recording server. `make help` lists the targets.
#
# Everything that is made lands below build/ (or BUILD=...). V=1 shows the
# commands, SAN=address,undefined or SAN=thread builds with sanitizers.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3
V       ?= 0
SAN     ?=
OPT     ?= -O2
VERSION := 0.1.0

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

LAYERS  := base storage auth media srs web
SRCS    := $(sort $(foreach d,$(LAYERS),$(shell find $(d) -name '*.c' 2>/dev/null)))
ASMS    := $(sort $(shell find $(LAYERS) -name '*.S' 2>/dev/null))
MAIN    := srs/main.c
OBJS    := $(patsubst %.c,$(BUILD)/obj/%.o,$(SRCS)) \
           $(patsubst %.S,$(BUILD)/obj/%.o,$(ASMS))
LIBOBJS := $(filter-out $(BUILD)/obj/srs/main.o,$(OBJS))

UNIT_SRCS  := $(sort $(wildcard tests/unit/test_*.c tests/prop/test_*.c))
UNIT_BINS  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SRCS))
FUZZ_SRCS  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BINS  := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS))
CORPUS_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/corpus/%,$(FUZZ_SRCS))
BENCH_SRCS := $(sort $(wildcard tests/bench/bench_*.c))
BENCH_BINS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(BENCH_SRCS))
SUPPORT    := $(sort $(wildcard tests/support/*.c))
SUPOBJS    := $(patsubst %.c,$(BUILD)/obj/%.o,$(SUPPORT))

PKGS := sofia-sip-ua sqlite3 libmicrohttpd gnutls jansson openssl expat libsodium \
        libcurl ogg opus libavcodec libavformat libavutil libswresample libsrtp2
# Only asked for when something is compiled: `make help` needs no package.
PKG_CFLAGS  = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS    = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wwrite-strings
# gcc guesses at snprintf() differently at each -O and with sanitizers; a cut
# text is on purpose where the result is not looked at.
WARN += $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
HARD := -fstack-protector-strong -fPIE -fno-strict-aliasing \
        $(if $(filter -O0,$(OPT)),,$(if $(SAN),,-D_FORTIFY_SOURCE=2))
CFLAGS_ALL = -std=gnu17 -g $(OPT) $(WARN) $(HARD) -I. -D_GNU_SOURCE \
        -DSRS_VERSION='"$(VERSION)"' $(PKG_CFLAGS) \
        $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CFLAGS)
# What clang's tools understand when the compiler is gcc.
CLANG_CFLAGS = $(filter-out -Wno-format-truncation,$(CFLAGS_ALL))
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed \
        $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
LIBS_ALL = $(PKG_LIBS) -linih -lm -lpthread

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY: $(SUPOBJS)
.SUFFIXES:
.PHONY: all help check check-unit check-e2e check-asan check-tsan check-fuzz \
	check-all fuzz bench demo run install uninstall format lint tidy compdb \
	bench-sip coverage clean setup setup-test unit fuzz-build bench-build

help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

#: all          build build/bin/srs (the default)
all: $(BUILD)/bin/srs

#: setup        install missing build packages (Debian 12)
setup:
	$(Q)tests/support/setup build
setup-test:
	$(Q)tests/support/setup build test

$(BUILD)/bin/srs: $(OBJS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_ALL)

$(BUILD)/lib/libsrs.a: $(LIBOBJS)
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Embedded files: .incbin names are listed beside the .S as a .deps file.
$(BUILD)/obj/%.o: %.S
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -I. -c -o $@ $<
$(BUILD)/obj/web/assets.o: $(wildcard web/ui/*)
$(BUILD)/obj/storage/migrations.o: $(wildcard migrations/*/*.sql)

$(BUILD)/tests/%: tests/%.c $(SUPOBJS) $(BUILD)/lib/libsrs.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -MMD -MP -MF $@.d \
		$(LDFLAGS_ALL) -o $@ $< $(SUPOBJS) $(BUILD)/lib/libsrs.a \
		$(LIBS_ALL) -lcmocka

# Fuzz targets without a fuzzer: `make check` runs them over their corpora.
$(BUILD)/tests/corpus/%: tests/fuzz/%.c tests/fuzz/driver.c $(BUILD)/lib/libsrs.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-missing-prototypes $(LDFLAGS_ALL) -o $@ \
		$< tests/fuzz/driver.c $(BUILD)/lib/libsrs.a $(LIBS_ALL)

# Fuzz targets: clang's libFuzzer; the library is built once more with it.
FUZZLIB := $(BUILD)/fuzzlib/lib/libsrs.a
$(FUZZLIB): FORCE
	$(Q)$(MAKE) --no-print-directory CC="$(FUZZ_CC)" BUILD=$(BUILD)/fuzzlib \
		SAN=fuzzer-no-link,address,undefined OPT=-O1 $@
FUZZ_CC ?= clang
$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZLIB)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CLANG_CFLAGS) -O1 -U_FORTIFY_SOURCE \
		-Wno-missing-prototypes -fsanitize=fuzzer,address,undefined \
		-o $@ $< $(FUZZLIB) $(LIBS_ALL)
FORCE:

unit: $(UNIT_BINS) $(CORPUS_BINS)
fuzz-build: $(FUZZ_BINS)
bench-build: $(BENCH_BINS) $(BUILD)/bin/srs

#: check        install test tools, build, run every test
check: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 all unit bench-build
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/run lint unit fuzz-corpus e2e

#: check-unit   unit tests only (packages must be there)
check-unit: $(UNIT_BINS) $(CORPUS_BINS)
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/run unit
#: check-e2e    end-to-end tests only
check-e2e: all
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/run e2e

#: check-asan   the tests with address and undefined behaviour sanitizers
check-asan: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/asan OPT=-O1 \
		SAN=address,undefined all unit
	$(Q)BUILD=$(BUILD)/asan PYTHON=$(PYTHON) TORTURE_FULL=1 \
		tests/run unit fuzz-corpus e2e
#: check-tsan   the tests of the threaded role with the thread sanitizer
check-tsan: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/tsan OPT=-O1 \
		SAN=thread all
	$(Q)BUILD=$(BUILD)/tsan PYTHON=$(PYTHON) tests/run e2e-web
#: check-fuzz   every fuzz target for FUZZ_SECONDS (60) each
FUZZ_SECONDS ?= 60
check-fuzz: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 fuzz-build
	$(Q)BUILD=$(BUILD) tests/support/fuzz $(FUZZ_SECONDS)
#: fuzz         the same for 10 minutes each
fuzz:
	$(Q)$(MAKE) --no-print-directory check-fuzz FUZZ_SECONDS=600
#: check-all    check, check-asan, check-tsan, check-fuzz, the whole corpus
check-all:
	$(Q)$(MAKE) --no-print-directory check
	$(Q)$(MAKE) --no-print-directory check-asan
	$(Q)$(MAKE) --no-print-directory check-tsan
	$(Q)$(MAKE) --no-print-directory check-fuzz
	$(Q)CORPUS_FULL=1 BUILD=$(BUILD) PYTHON=$(PYTHON) \
		tests/run e2e -- tests/e2e/test_corpus.py

#: bench        measure: capture per packet, render speed (ratios)
bench: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 bench-build
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/bench/run

#: demo         install what is missing, build, run the main job
DEMO_ARGS ?=
demo: setup
	$(Q)$(MAKE) --no-print-directory -j2 all
	$(Q)$(BUILD)/bin/srs demo $(DEMO_ARGS)

#: bench-sip    measure the SIP side against bare nta and SIPp's own UAS
bench-sip: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 all $(BUILD)/tests/bench/peer_nta
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/bench/bench_sip.py $(BENCH_ARGS)

#: run          run the server with srs.conf (or CONF=...)
CONF ?= srs.conf
run: all
	$(Q)$(BUILD)/bin/srs -c $(CONF) run

#: install      to DESTDIR/PREFIX
install: all
	install -D -m 0755 $(BUILD)/bin/srs $(DESTDIR)$(PREFIX)/bin/srs
	install -D -m 0644 srs.conf.example \
		$(DESTDIR)$(PREFIX)/share/doc/srs/srs.conf.example
	install -D -m 0644 README.md $(DESTDIR)$(PREFIX)/share/doc/srs/README.md
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(abspath $(PREFIX))|g' packaging/srs.service.in \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/srs.service
	chmod 0644 $(DESTDIR)$(PREFIX)/lib/systemd/system/srs.service
#: uninstall    the reverse
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/srs \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/srs.service
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/srs

#: format       clang-format every C file in place
FORMAT_FILES = $(shell find $(LAYERS) tests -name '*.[ch]')
format:
	$(Q)clang-format -i $(FORMAT_FILES)
#: lint         layers, fenced headers, banned functions, lengths, format, tidy
lint:
	$(Q)BUILD=$(BUILD) PYTHON=$(PYTHON) tests/run lint
#: tidy         the checks of .clang-tidy alone
tidy:
	$(Q)printf '%s\n' $(SRCS) | xargs -P2 -n4 sh -c \
		'clang-tidy --quiet "$$@" -- $(subst ','\'',$(CLANG_CFLAGS)) 2>/dev/null' sh
#: compdb       build/compile_commands.json for editors
compdb:
	$(Q)mkdir -p $(BUILD)
	$(Q)$(PYTHON) tests/support/compdb '$(CC) $(subst ','\'',$(CLANG_CFLAGS))' $(SRCS) \
		> $(BUILD)/compile_commands.json
#: coverage     line coverage of the unit tests
coverage: setup-test
	$(Q)$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/cov OPT=-O0 \
		CFLAGS=--coverage \
		LDFLAGS='--coverage -Wl,-u,__gcov_dump' unit
	$(Q)BUILD=$(BUILD)/cov PYTHON=$(PYTHON) tests/run unit
	$(Q)tests/support/coverage $(BUILD)/cov
#: clean        remove build/
clean:
	rm -rf $(BUILD)

-include $(OBJS:.o=.d) $(SUPOBJS:.o=.d) $(addsuffix .d,$(UNIT_BINS) $(BENCH_BINS))
