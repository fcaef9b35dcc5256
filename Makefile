# SPDX-License-Identifier: BSD-3-Clause
# Non-recursive. `make help` lists the targets; `make SANITIZE=address,undefined check` tests an
# instrumented build; variables on the command line: CC, CFLAGS, PREFIX, DESTDIR, SANITIZE, BUILD, V.

PREFIX ?= /usr/local
SANITIZE ?=
BUILD ?= build$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))
comma := ,
V ?=
Q := $(if $(V),,@)

MODULES := common analyzer tracer matcher builder memanalyser crawler verifier optimiser catalogue cli
PACKAGES := libelf libdw capstone jansson libcgraph libgvc libseccomp libgit2
PKG_CONFIG ?= pkg-config

# Read by instrumented builds only.
export LSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
export ASAN_OPTIONS ?= detect_leaks=1

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. $(WARNINGS) $(CFLAGS) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
PKG_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(PACKAGES))
# Those that few runs need are not linked but loaded when they are first called (common/lazy.c).
LAZY := git2 capstone gvc cgraph opcodes bfd elf dw jansson seccomp m z
LIBS = $(filter-out $(LAZY:%=-l%) -lcdt,$(shell $(PKG_CONFIG) --libs $(PACKAGES))) -lcadical -static-libgcc -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -liberty -ldl -lpthread
# What a program linked with a library would name it.
LAZY_NAME = $(shell d=$$(mktemp -d) && $(CC) -shared -nostdlib -o $$d/probe -Wl,--no-as-needed -l$(1) 2>/dev/null && \
    LC_ALL=C readelf -d $$d/probe | sed -n 's/.*(NEEDED).*\[\(lib$(1)[-.].*\)\]/\1/p'; rm -rf $$d)
LAZY_NAMES = $(foreach l,$(LAZY),-DLAZY_$(shell echo $(l) | tr a-z A-Z)='"$(call LAZY_NAME,$(l))"')

SOURCES := $(foreach m,$(MODULES),$(wildcard $(m)/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY := $(BUILD)/libtoolchain.a
PROGRAM := $(BUILD)/toolchain
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
TAP_TESTS := $(wildcard tests/integration/*.t)

.PHONY: all docs check check-unit check-integration bench install uninstall deps lint format clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAM)

help:
	@echo 'all               build $(PROGRAM)'
	@echo 'check             unit tests, then the command-line tests'
	@echo 'check-unit        unit tests only; check-integration: command-line tests only (TESTS="a.t b.t")'
	@echo 'bench             measure against the peers, print the table'
	@echo 'lint              clang-format, clang-tidy and cppcheck; format: rewrite with clang-format'
	@echo 'docs              write docs/schema and the man page from the program'
	@echo 'install           into DESTDIR$(PREFIX); uninstall removes it'
	@echo 'deps              install the packages that building and testing need (Debian)'
	@echo 'clean             remove build folders'

$(PROGRAM): $(BUILD)/cli/main.o $(LIBRARY)
	@echo '  LD    $@'
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBS)

$(LIBRARY): $(filter-out $(BUILD)/cli/main.o,$(OBJECTS))
	@echo '  AR    $@'
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/common/lazy.o: PKG_CFLAGS = $(LAZY_NAMES)

# .incbin is not seen by -MMD.
$(BUILD)/crawler/library_page.o: crawler/page.html
$(BUILD)/catalogue/embedded.o $(BUILD)/catalogue/rules.o: $(wildcard catalogue/*.json)
$(BUILD)/memanalyser/html_page.o: memanalyser/page.html

# Compare with all of capstone, not only what the program calls of it.
$(BUILD)/tests/test_decode $(BUILD)/tests/test_decode_aarch64: TEST_LIBS := -lcapstone
# What tests call of lazy libraries beyond that.
TEST_LAZY := elf dw jansson seccomp m z

$(BUILD)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIBRARY) $(TEST_LIBS) $(LIBS) -lcmocka \
	    -Wl,--as-needed $(TEST_LAZY:%=-l%)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:=.d)

check: check-unit check-integration

# Each unit test is a cmocka program speaking TAP.
check-unit: $(UNIT_TESTS)
	CMOCKA_MESSAGE_OUTPUT=TAP prove --exec '' $(UNIT_TESTS)

check-integration: $(PROGRAM)
	TOOLCHAIN=$(abspath $(PROGRAM)) SRC=$(CURDIR) prove --timer $(or $(TESTS:%=tests/integration/%),$(TAP_TESTS))

bench: $(PROGRAM)
	TOOLCHAIN=$(abspath $(PROGRAM)) bench/run

lint:
	clang-format --dry-run --Werror $$(git ls-files '*.c' '*.h')
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem -I. -D_GNU_SOURCE -D__cppcheck__ $(MODULES)
	printf '%s\n' $(SOURCES) | xargs -P $$(nproc) -n 8 sh -c 'clang-tidy --quiet "$$@" -- -std=gnu11 -D_GNU_SOURCE -I. $(PKG_CFLAGS) 2>/dev/null' tidy

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# What docs/ holds of the program's own words.
docs: $(PROGRAM)
	for d in profile catalogue selection layout supplement test run verif perf graph difference; do $(PROGRAM) --schema $$d >docs/schema/$$d.json || exit 1; done
	docs/make-man $(PROGRAM) >docs/toolchain.1
	docs/make-catalogue $(PROGRAM) >docs/CATALOGUE.md

deps:
	./quickstart --packages

install: $(PROGRAM)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/toolchain
	install -D -m 644 docs/toolchain.1 $(DESTDIR)$(PREFIX)/share/man/man1/toolchain.1
	install -D -m 644 cli/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/toolchain

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/toolchain $(DESTDIR)$(PREFIX)/share/man/man1/toolchain.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/toolchain

clean:
	rm -rf build build-*
