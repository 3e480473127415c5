# `make help` prints the lines of the form "target: ... ## what it does".

GO ?= go
export GO
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))

PREFIX ?= /usr
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/pam_persistent
PAMDIR ?= $(shell packaging/pamdir)

export CGO_ENABLED := 1

# -s -w, no build ID and no paths: builds in two directories give the same file.
HARDEN := -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--build-id=none
EXPORTS := -Wl,--version-script=$(CURDIR)/c/exports.map
GOSTART := -Wl,-T,$(CURDIR)/c/gostart.lds
# These flags let it share the standard library that the build of the module has compiled.
DEFER := GOARCH= $(GO) run -trimpath -buildmode=pie ./c/defer-relocations
NOTE := $(CURDIR)/build/package-note.s
LDFLAGS := -s -w -buildid= -linkmode=external
# c/c.go has the other flags that protect the C half; the go command does not allow these there.
BRANCHES_amd64 := -fcf-protection
BRANCHES_arm64 := -mbranch-protection=standard
CGO_CFLAGS ?= -g -O2
MODULE_CFLAGS = $(CGO_CFLAGS) $(BRANCHES_$(shell $(GO) env GOARCH))
MODULE_LDFLAGS = $(LDFLAGS) -extldflags '$(HARDEN) $(EXPORTS) $(GOSTART) $(NOTE) $(CROSS_LDFLAGS)'
REPRODUCIBLE := -trimpath -buildvcs=false
MODULE_DIRS := c pam_persistent $(addprefix internal/,keyctl options persistent)
GO_FILES = $(shell find $(MODULE_DIRS) ! -name "*_test.go" -type f) go.mod go.sum Makefile

.PHONY: all help demo check test test-all mutants fuzz lint bench deps clean FORCE
.PHONY: install uninstall completions deb packages release
all: build/pam_persistent.so build/persistent-keyring ## the module and the command (the default)
help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

build/pam_persistent.so: $(GO_FILES) $(NOTE) | toolchain
	$(call build_module,$@,./pam_persistent)

COMMAND_FILES := $(shell find cmd internal ! -name "*_test.go" -name "*.go") \
	internal/document/schema.json go.mod go.sum Makefile
BUILD_COMMAND = $(GO) build $(REPRODUCIBLE) -buildmode=pie \
	-ldflags "$(LDFLAGS) -extldflags '$(HARDEN) $(NOTE)'" -o $@ ./cmd/persistent-keyring
build/persistent-keyring: $(COMMAND_FILES) $(NOTE) | toolchain
	$(BUILD_COMMAND)

# The C half with children that crash, hang or give wrong replies, and a deadline of two seconds.
build/tests/broken.so: tests/support/modules/broken/broken.go $(GO_FILES) $(NOTE) | toolchain
	$(call build_module,$@,./tests/support/modules/broken)

# The module with a deadline of two seconds instead of ten, for tests in which the child hangs.
build/tests/impatient.so: $(GO_FILES) $(NOTE) | toolchain
	$(call build_module,$@,./pam_persistent)
build/tests/broken.so build/tests/impatient.so: export CGO_CFLAGS := -O2 -DPP_DEADLINE_MS=2000

# The plain Go module, for comparison: its runtime starts at dlopen(3).
build/tests/plain.so: tests/support/modules/plain/plain.go go.mod
	$(GO) build $(REPRODUCIBLE) -buildmode=c-shared -ldflags '-s -w' -o $@ ./$(<D)

TEST_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -O2
build/tests/pamhost: $(wildcard tests/support/pamhost/c/*.[ch]) | build/tests/pamhost-malloc.so
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) -lpam -lpthread

# For LD_PRELOAD: the malloc of a host that has its own.
build/tests/pamhost-malloc.so: tests/support/pamhost/c/preload/malloc.c
	@mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -fno-builtin -fPIC -shared -o $@ $< -lpthread

build/arm64/pam_persistent.so: $(GO_FILES) $(NOTE) build/arm64/sysroot
	GOARCH=arm64 CC=aarch64-linux-gnu-gcc $(MAKE) --no-print-directory cross OUT=$@ \
		CROSS_LDFLAGS='-L$(CURDIR)/build/arm64/sysroot'

build/arm64/persistent-keyring: $(COMMAND_FILES) $(NOTE) build/arm64/sysroot
	GOARCH=arm64 CC=aarch64-linux-gnu-gcc \
		CGO_LDFLAGS='-L$(CURDIR)/build/arm64/sysroot -Wl,--allow-shlib-undefined' \
		$(BUILD_COMMAND)

# libpam of another architecture, without the libraries that libpam needs. Nothing is installed.
build/arm64/sysroot: packaging/foreign-libpam
	packaging/foreign-libpam arm64 $@

.PHONY: cross toolchain
cross: $(NOTE) | toolchain
	$(call build_module,$(OUT),./pam_persistent)

# $(1): file to make, $(2): main package
define build_module
@mkdir -p $(dir $(1))
CGO_CFLAGS='$(MODULE_CFLAGS)' $(GO) build $(REPRODUCIBLE) -buildmode=c-shared \
	-ldflags "$(MODULE_LDFLAGS)" -o $(1).new $(2)
@rm -f $(basename $(1)).h $(1).h
$(DEFER) $(1).new
c/check-module $(1).new
mv $(1).new $(1)
endef

# The files in build/ that tests use.
.PHONY: for-tests
for-tests: all $(addprefix build/tests/,plain.so broken.so impatient.so pamhost)

toolchain:
	@c/check-toolchain $(GO) $(CC)

# Written only if the version has changed, so that nothing is linked unnecessarily.
$(NOTE): FORCE
	@mkdir -p $(@D)
	@packaging/package-note "$$(packaging/version)" >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:

# The module, because tests/product/build looks at it.
check: build/pam_persistent.so ## run the tests that need no root: on any distribution, in 2 minutes
	@$(GO) run ./tests/support/check $(or $(PACKAGES),./...)

deps:
	tests/install-needed

demo: deps ## a login, a key kept, a logout, the key still there; changes nothing on this machine
	@$(MAKE) --no-print-directory all
	tests/demo

test: deps ## run the tests; installs what they need (Debian, as root); tests/one runs one test
	tests/run

test-all: deps ## also run the tests that take too long for every change (tests/release-only)
	tests/run -all

mutants: deps ## remove each safeguard in turn; a test must notice it
	tests/mutants

fuzz: deps ## run each fuzz target for FUZZTIME (10m)
	FUZZTIME=$(or $(FUZZTIME),10m) tests/fuzz

lint: deps ## every static check
	tests/lint

bench: deps ## compare the module with a plain Go one, pam_keyinit, pam_fscrypt and others
	$(MAKE) --no-print-directory all
	bench/run

BUILT ?= build
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
SCHEMADIR := $(PREFIX)/share/persistent-keyring
SCHEMA := $(SCHEMADIR)/schema.json
UNITS := persistent-keyring-renew.service persistent-keyring-renew.timer
PAGES := $(patsubst docs/%,%,$(wildcard docs/admin/*.md))

build/completions/%: build/persistent-keyring
	@mkdir -p $(@D)
	build/persistent-keyring completion $* > $@.new
	@mv $@.new $@

completions: build/completions/bash build/completions/zsh build/completions/fish

install: all completions ## into DESTDIR, PREFIX, PAMDIR
	packaging/put 644 $(BUILT)/pam_persistent.so '$(DESTDIR)$(PAMDIR)/pam_persistent.so'
	packaging/put 755 $(BUILT)/persistent-keyring '$(DESTDIR)$(PREFIX)/bin/persistent-keyring'
	packaging/put 644 docs/pam_persistent.8 '$(DESTDIR)$(MANDIR)/man8/pam_persistent.8'
	packaging/put 644 docs/persistent-keyring.1 '$(DESTDIR)$(MANDIR)/man1/persistent-keyring.1'
	packaging/put 644 internal/document/schema.json '$(DESTDIR)$(SCHEMA)'
	packaging/put 644 build/completions/bash '$(DESTDIR)$(BASHDIR)/persistent-keyring'
	packaging/put 644 build/completions/zsh '$(DESTDIR)$(ZSHDIR)/_persistent-keyring'
	packaging/put 644 build/completions/fish '$(DESTDIR)$(FISHDIR)/persistent-keyring.fish'
	for unit in $(UNITS); do \
		packaging/put 644 packaging/systemd/$$unit '$(DESTDIR)$(UNITDIR)'/$$unit || exit; \
	done
	for page in $(PAGES); do \
		packaging/put 644 docs/$$page '$(DESTDIR)$(DOCDIR)'/$$page || exit; \
	done

# packaging/in-use fails if a stack names the module: a missing module may lock all users out.
uninstall: ## remove what install has installed; refuses while a stack names the module
	@packaging/in-use '$(DESTDIR)'
	rm -f '$(DESTDIR)$(PAMDIR)/pam_persistent.so' \
		'$(DESTDIR)$(PREFIX)/bin/persistent-keyring' \
		'$(DESTDIR)$(MANDIR)/man8/pam_persistent.8' \
		'$(DESTDIR)$(MANDIR)/man1/persistent-keyring.1' \
		'$(DESTDIR)$(SCHEMA)' \
		'$(DESTDIR)$(BASHDIR)/persistent-keyring' \
		'$(DESTDIR)$(ZSHDIR)/_persistent-keyring' \
		'$(DESTDIR)$(FISHDIR)/persistent-keyring.fish'
	for unit in $(UNITS); do rm -f '$(DESTDIR)$(UNITDIR)'/$$unit || exit; done
	for page in $(PAGES); do rm -f '$(DESTDIR)$(DOCDIR)'/$$page || exit; done
	rmdir '$(DESTDIR)$(DOCDIR)/admin' '$(DESTDIR)$(DOCDIR)' '$(DESTDIR)$(SCHEMADIR)' \
		2>/dev/null || :

deb: all ## build/packages: the .deb for this machine; installs nothing
	FORMATS=deb ARCHITECTURES=$$($(GO) env GOARCH) packaging/build

packages: deps ## build/packages: .deb and .rpm for amd64 and arm64
	$(MAKE) --no-print-directory all build/arm64/pam_persistent.so \
		build/arm64/persistent-keyring
	BILLS=yes packaging/build

release: deps ## build/release, tagged with the newest version of CHANGELOG.md
	@packaging/release

clean: ## remove build
	rm -rf build
