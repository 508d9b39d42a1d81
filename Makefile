# Millrace. `make` builds build/millrace; `make help` lists the rest.
MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
O ?= $(if $(filter release-gcc,$(MODE)-$(CC)),build,build/$(MODE)-$(CC))

ROOMS := base db net store queue intake route work keep status dev
PKGS := libpq libcurl libcrypto jansson libmicrohttpd expat
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS)))
PKG_LIBS := $(shell pkg-config --libs $(PKGS))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wwrite-strings -Wcast-qual -Wcast-align -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wconversion \
	-Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion -Wnull-dereference -fno-common -Werror
WARN_gcc := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wtrampolines -Wbidi-chars=any -Wstack-usage=16384
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing -fPIE
HARDEN_gcc := -ftrivial-auto-var-init=zero
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed

OPT_release := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
OPT_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer
OPT_analyze := -O2 -fanalyzer -DANALYZE
# ASan's redzones blow up frames, so the stack bound holds for the builds that ship.
NOWARN_asan := -Wno-stack-usage -Wno-null-dereference
NOWARN_tsan := -Wno-stack-usage
# With libraries of their own, UndefinedBehaviorSanitizer would tell AddressSanitizer where its reports go.
LINK_asan := -static-libasan -static-libubsan
# gcc 12 takes a destructor's own body for a use after free, follows no ownership into a struct, and believes that
# fault_set may answer RC_OK: LeakSanitizer and AddressSanitizer look for those.
NOWARN_analyze := $(addprefix -Wno-analyzer-,malloc-leak use-after-free use-of-uninitialized-value mismatching-deallocation)

CFLAGS_ALL := -std=gnu17 -g $(OPT_$(MODE)) $(WARN) $(if $(findstring gcc,$(CC)),$(WARN_gcc) $(HARDEN_gcc) $(NOWARN_$(MODE))) \
	$(HARDEN) -D_GNU_SOURCE -I. -Isrc $(PKG_CFLAGS) -pthread $(CFLAGS)
LDFLAGS_ALL := $(OPT_$(MODE)) $(if $(findstring gcc,$(CC)),$(LINK_$(MODE))) $(HARDEN_LD) -pthread $(LDFLAGS)

# Which rooms a room's tests link with: itself and the layers below it.
DEPS_base := base
DEPS_db := db base
DEPS_net := net base
DEPS_store := store net base
DEPS_queue := queue db base
STATION := queue db store net base
DEPS_intake := intake $(STATION)
DEPS_route := route $(STATION)
DEPS_work := work $(STATION)
DEPS_keep := keep $(STATION)
DEPS_status := status $(STATION)
DEPS_dev := dev $(STATION)

srcs = $(sort $(wildcard src/$(1)/*.c))
objs = $(patsubst %.c,$(O)/obj/%.o,$(1))
lib = $(O)/lib$(1).a
SQL := $(sort $(wildcard sql/migrations/*.sql)) $(sort $(wildcard sql/functions/*.sql)) $(sort $(wildcard sql/views/*.sql)) \
	$(wildcard sql/grants.sql)

.PHONY: all help clean demo test bench lint
.DELETE_ON_ERROR:
.SECONDARY:

all: $(O)/millrace

# Everything compiled, nothing linked.
.PHONY: libs
libs: $(foreach r,$(ROOMS),$(O)/lib$(r).a) $(patsubst %.c,$(O)/obj/%.o,$(sort $(wildcard cmd/*.c)))

## all: build/millrace (the default)
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

define room_rules
$(call lib,$(1)): $(call objs,$(call srcs,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The SQL, embedded as a table of db/migrate.h's struct sql_file.
$(O)/gen/sql_files.c: sql/embed.awk $(SQL)
	@mkdir -p $(@D)
	sha256sum $(SQL) | LC_ALL=C awk -f sql/embed.awk >$@
$(O)/obj/gen/sql_files.o: $(O)/gen/sql_files.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

# The status pages' static files, embedded as a table of status/assets.h's struct asset.
ASSETS := $(sort $(wildcard src/status/assets/*))
$(O)/gen/assets.c: src/status/embed.awk $(ASSETS)
	@mkdir -p $(@D)
	awk -f src/status/embed.awk $(ASSETS) >$@
$(O)/obj/gen/assets.o: $(O)/gen/assets.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

GEN_OBJS = $(O)/obj/gen/sql_files.o $(O)/obj/gen/assets.o
$(O)/millrace: $(call objs,$(sort $(wildcard cmd/*.c))) $(GEN_OBJS) $(foreach r,$(ROOMS),$(call lib,$(r)))
	$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS)

# Unit tests: tests/unit/ROOM/test_NAME.c becomes $(O)/unit/ROOM/test_NAME.
UNIT_SRCS := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BINS := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRCS))
define unit_rules
$(O)/unit/$(1)/%: $(O)/obj/tests/unit/$(1)/%.o $(foreach d,$(DEPS_$(1)),$(call lib,$(d))) \
		$(if $(filter db,$(DEPS_$(1))),$(O)/obj/gen/sql_files.o) $(if $(filter status,$(1)),$(O)/obj/gen/assets.o)
	@mkdir -p $$(@D)
	$$(CC) $$(LDFLAGS_ALL) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group \
		$$(PKG_LIBS) $$(shell pkg-config --libs check)
endef
$(foreach r,$(ROOMS),$(eval $(call unit_rules,$(r))))
.PHONY: unit
unit: $(UNIT_BINS)

# Tests of db/ and queue/ against a real server: tests/db/test_NAME.c becomes $(O)/tests/db/test_NAME.
DB_TESTS := $(patsubst %.c,$(O)/%,$(sort $(wildcard tests/db/test_*.c)))
$(O)/tests/db/%: $(O)/obj/tests/db/%.o $(O)/obj/tests/db/database.o $(O)/obj/gen/sql_files.o \
		$(foreach d,$(DEPS_queue),$(call lib,$(d)))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(PKG_LIBS) $(shell pkg-config --libs check)
.PHONY: db-tests
db-tests: $(DB_TESTS)
# Lets a test in Python call store/ and net/sigv4.
$(O)/tests/lib/store_driver: $(O)/obj/tests/lib/store_driver.o $(foreach d,$(DEPS_store),$(call lib,$(d)))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS)
.PHONY: store-driver
store-driver: $(O)/tests/lib/store_driver
.PHONY: print-O print-CFLAGS print-LDFLAGS
print-O:
	@echo $(O)
print-CFLAGS:
	@echo $(CFLAGS_ALL)
print-LDFLAGS:
	@echo $(LDFLAGS_ALL)

# The bench: its drivers, and a run on a PostgreSQL of its own.
BENCH_QUEUE := $(patsubst %,tests/bench/%.c,queue fill drain wake pace quantiles)
BENCH_BINS := $(patsubst %,$(O)/bench/%,queue post stamp floor)
$(O)/bench/queue: $(call objs,$(BENCH_QUEUE)) $(foreach d,$(DEPS_queue),$(call lib,$(d)))
$(O)/bench/floor: $(O)/obj/tests/bench/peers/floor.o $(O)/obj/tests/bench/quantiles.o $(call lib,base)
$(O)/bench/post: $(O)/obj/tests/bench/quantiles.o
$(O)/bench/post $(O)/bench/stamp: $(O)/bench/%: $(O)/obj/tests/bench/%.o $(call lib,base)
$(BENCH_BINS):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS)

.PHONY: bench-bins bench-check
bench-bins: $(BENCH_BINS)
## bench: measures every bar of tests/bench/bars.tsv beside the peers (QUICK=1: 10 minutes; ROWS=1,5: those rows only)
bench: $(O)/millrace $(BENCH_BINS)
	O=$(O) QUICK=$(QUICK) ROWS=$(ROWS) tests/bench/run
## bench-check: plans and WAL of the hot calls against tests/bench/baselines.tsv, two minutes (UPDATE=1: writes it)
bench-check: $(O)/millrace $(BENCH_BINS)
	O=$(O) UPDATE=$(UPDATE) tests/bench/check

# Fuzzing, with clang's libFuzzer: each target for FUZZ_SECONDS, from its seeds and what earlier runs found.
FUZZ_SECONDS ?= 30
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
$(O)/fuzz/%: $(O)/obj/tests/fuzz/fuzz_%.o $(foreach d,intake route queue db store net base,$(call lib,$(d)))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS)
.PHONY: fuzz fuzz-run
fuzz-run: $(patsubst %,$(O)/fuzz/%,$(FUZZ_TARGETS))
	@for t in $(FUZZ_TARGETS); do \
		mkdir -p $(O)/fuzz/corpus/$$t; echo "fuzz $$t: $(FUZZ_SECONDS) s"; \
		$(O)/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=5 -rss_limit_mb=1024 -verbosity=0 \
			-print_final_stats=1 -artifact_prefix=$(O)/fuzz/found- $(O)/fuzz/corpus/$$t tests/fuzz/seeds/$$t || exit 1; \
	done
## fuzz: the parsers on bytes from nowhere (FUZZ_SECONDS=30 each; needs clang)
fuzz:
	@$(MAKE) --no-print-directory MODE=fuzz CC=clang fuzz-run

## demo: everything on this machine, five files through it (DEMO_EXIT=1: stops by itself)
demo:
	deploy/demo/run

## test: every layer of tests, or one: T=unit, T=work
test:
	@tests/run
## nightly: what is too long for every change: .ci/run, longer faults, fuzzing, image, alert rules, bench
.PHONY: nightly
nightly:
	@tests/nightly
## lint: the checks of the house
lint:
	@tests/lint/run

## clean: removes build/
clean:
	rm -rf build

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
