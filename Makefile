# `make help` prints the lines of the form "target: ... ## what it does".

GO ?= go
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))

PREFIX ?= /usr
MANDIR ?= $(PREFIX)/share/man
PAMDIR ?= $(shell packaging/pamdir)

export CGO_ENABLED := 1
export CGO_LDFLAGS_ALLOW := .*

# -s -w, no build ID and no paths: two builds from two places are the same file.
HARDEN := -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--build-id=none
EXPORTS := -Wl,--version-script=$(CURDIR)/c/exports.map
GOSTART := -Wl,-T,$(CURDIR)/c/gostart.lds
NOTE := $(CURDIR)/build/package-note.s
MODULE_LDFLAGS = -s -w -buildid= -linkmode=external -extldflags '$(HARDEN) $(EXPORTS) $(GOSTART) $(NOTE) $(CROSS_LDFLAGS)'
REPRODUCIBLE := -trimpath -buildvcs=false
MODULE_DIRS := c pam_persistent $(addprefix internal/,fsuid keyctl options persistent)
GO_FILES = $(shell find $(MODULE_DIRS) ! -name "*_test.go" -type f) go.mod go.sum Makefile

.PHONY: all help demo test mutants fuzz lint bench install uninstall packages deps clean FORCE
all: build/pam_persistent.so build/persistent-keyring ## build/pam_persistent.so and build/persistent-keyring (what make does)
help: ## this list
	@sed -n 's/^\([a-z]*\):.* ## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

build/pam_persistent.so: $(GO_FILES) $(NOTE) | toolchain
	$(call build_module,$@,./pam_persistent)

COMMAND_FILES := $(shell find cmd internal ! -name "*_test.go" -name "*.go") \
	internal/document/schema.json go.mod go.sum Makefile
COMMAND_LDFLAGS = -s -w -buildid= -linkmode=external -extldflags '$(HARDEN) $(NOTE)'
build/persistent-keyring: $(COMMAND_FILES) $(NOTE)
	$(GO) build $(REPRODUCIBLE) -buildmode=pie -ldflags "$(COMMAND_LDFLAGS)" -o $@ ./cmd/persistent-keyring

# The C half with children that crash, hang or lie, and less patience with them.
build/tests/broken.so: tests/modules/broken/broken.go $(GO_FILES) $(NOTE) | toolchain
	$(call build_module,$@,./tests/modules/broken)

# The module with two seconds' patience instead of ten: for tests in which the child hangs.
build/tests/impatient.so: $(GO_FILES) $(NOTE) | toolchain
	$(call build_module,$@,./pam_persistent)
build/tests/broken.so build/tests/impatient.so: export CGO_CFLAGS := -O2 -DPP_DEADLINE_MS=2000

# Go's own c-shared module, started at dlopen: what this project does not do, for comparison.
build/tests/plain.so: tests/modules/plain/plain.go go.mod
	$(GO) build $(REPRODUCIBLE) -buildmode=c-shared -ldflags '-s -w' -o $@ ./tests/modules/plain

TEST_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -O2
build/tests/pamhost: $(wildcard tests/pamhost/*.[ch]) | build/tests/pamhost-malloc.so
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) -lpam -lpthread

# For LD_PRELOAD: the malloc of a host that brings its own.
build/tests/pamhost-malloc.so: tests/pamhost/preload/malloc.c
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -fno-builtin -fPIC -shared -o $@ $< -lpthread

build/arm64/pam_persistent.so: $(GO_FILES) $(NOTE) build/arm64/sysroot
	GOARCH=arm64 CC=aarch64-linux-gnu-gcc $(MAKE) --no-print-directory cross OUT=$@ CROSS_LDFLAGS='-L$(CURDIR)/build/arm64/sysroot'

build/arm64/persistent-keyring: $(COMMAND_FILES) $(NOTE) build/arm64/sysroot
	GOARCH=arm64 CC=aarch64-linux-gnu-gcc CGO_LDFLAGS='-L$(CURDIR)/build/arm64/sysroot -Wl,--allow-shlib-undefined' \
		$(GO) build $(REPRODUCIBLE) -buildmode=pie -ldflags "$(COMMAND_LDFLAGS)" -o $@ ./cmd/persistent-keyring

# libpam for another architecture (what libpam itself needs is not there), without making this machine a multi-architecture one.
build/arm64/sysroot: packaging/foreign-libpam
	packaging/foreign-libpam arm64 $@

.PHONY: cross toolchain
cross: $(NOTE) | toolchain
	$(call build_module,$(OUT),./pam_persistent)

# $(1): file to make, $(2): main package
define build_module
@mkdir -p $(dir $(1))
$(GO) build $(REPRODUCIBLE) -buildmode=c-shared -ldflags "$(MODULE_LDFLAGS)" -o $(1).new $(2)
@rm -f $(basename $(1)).h $(1).h
c/check-module $(1).new
mv $(1).new $(1)
endef

toolchain:
	@c/check-toolchain $(CC)

# Written anew only if the version is another one, so that nothing is linked again without need.
$(NOTE): FORCE
	@mkdir -p $(@D)
	@packaging/package-note "$$(packaging/version)" >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:

deps:
	tests/install-needed

demo: deps ## a login, a key kept, a logout, the key still there: on this machine, changing nothing
	@$(MAKE) --no-print-directory all
	tests/demo

test: deps ## every test; installs what it needs (Debian, as root)
	$(MAKE) --no-print-directory all
	tests/run

mutants: deps ## take away one safeguard after the other and see a test fail for each
	tests/mutants

fuzz: deps ## each fuzz target for FUZZTIME (10m)
	FUZZTIME=$(or $(FUZZTIME),10m) tests/fuzz/run

lint: deps ## every static check
	tests/lint

bench: deps ## this module beside a plain Go one, pam_keyinit and pam_permit
	$(MAKE) --no-print-directory all
	bench/run

BUILT ?= build
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SCHEMA := $(PREFIX)/share/persistent-keyring/schema.json
UNITS := persistent-keyring-renew.service persistent-keyring-renew.timer

build/completions/%: build/persistent-keyring
	@mkdir -p $(@D)
	build/persistent-keyring completion $* > $@.new
	@mv $@.new $@

install: all build/completions/bash build/completions/zsh build/completions/fish ## into DESTDIR, PREFIX, PAMDIR
	install -D -m 644 $(BUILT)/pam_persistent.so '$(DESTDIR)$(PAMDIR)/pam_persistent.so'
	install -D -m 755 $(BUILT)/persistent-keyring '$(DESTDIR)$(PREFIX)/bin/persistent-keyring'
	install -D -m 644 docs/pam_persistent.8 '$(DESTDIR)$(MANDIR)/man8/pam_persistent.8'
	install -D -m 644 docs/persistent-keyring.1 '$(DESTDIR)$(MANDIR)/man1/persistent-keyring.1'
	install -D -m 644 internal/document/schema.json '$(DESTDIR)$(SCHEMA)'
	install -D -m 644 build/completions/bash '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/persistent-keyring'
	install -D -m 644 build/completions/zsh '$(DESTDIR)$(ZSHDIR)/_persistent-keyring'
	install -D -m 644 build/completions/fish '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/persistent-keyring.fish'
	for unit in $(UNITS); do install -D -m 644 packaging/systemd/$$unit '$(DESTDIR)$(UNITDIR)'/$$unit || exit; done

# A stack that names a missing module may lock everybody out.
uninstall: ## take it out again; refuses while a stack names the module
	@packaging/named '$(DESTDIR)'
	rm -f '$(DESTDIR)$(PAMDIR)/pam_persistent.so' '$(DESTDIR)$(PREFIX)/bin/persistent-keyring' \
		'$(DESTDIR)$(MANDIR)/man8/pam_persistent.8' '$(DESTDIR)$(MANDIR)/man1/persistent-keyring.1' \
		'$(DESTDIR)$(SCHEMA)' \
		'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/persistent-keyring' '$(DESTDIR)$(ZSHDIR)/_persistent-keyring' \
		'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/persistent-keyring.fish'
	for unit in $(UNITS); do rm -f '$(DESTDIR)$(UNITDIR)'/$$unit || exit; done

packages: deps ## build/packages: .deb and .rpm for amd64 and arm64
	$(MAKE) --no-print-directory all build/arm64/pam_persistent.so build/arm64/persistent-keyring
	packaging/build

clean: ## remove build
	rm -rf build
