# SPDX-License-Identifier: GPL-2.0-only
# nvlink-isolation: `make help` lists the targets. The module itself is described in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
BUILD := build
CORE := $(wildcard src/core/*.c)
HEADERS := $(wildcard include/nvlink_isolation/*.h src/core/*.h)
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)

UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude
UNIT_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/%,$(wildcard tests/unit/*_test.c))
FUZZ := $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))
FIXTURES := $(patsubst tests/%.dts,$(BUILD)/%.dtb,$(wildcard tests/fixtures/*.dts))

.DEFAULT_GOAL := modules

.PHONY: help
help:
	@echo 'For users:'
	@echo '  modules       build the module for the running kernel, or for the one in KDIR=... (default)'
	@echo '  command       build the command nvlink-isolation, on any architecture'
	@echo '  abi           $(ABI): what the files in sysfs mean'
	@echo '  install       install the command, its manual, what boot needs and the source for DKMS, below'
	@echo '                $$(DESTDIR)$$(prefix) (/usr/local), $$(DESTDIR)/usr/src and $$(DESTDIR)/etc'
	@echo '  uninstall     undo that, and dkms-install; what is configured in /etc stays'
	@echo '  dkms-install  build and install it by DKMS for each kernel whose headers are installed'
	@echo '  dkms-remove   undo that, for all kernels'
	@echo '  deb, rpm      build the packages of what is committed, in $(PACKAGES); dist: its tarball'
	@echo '  demo          show the module at work on an emulated POWER9 with four emulated V100s, or with'
	@echo '                PLATFORM=x86 on an emulated PC'
	@echo '  demo-packages the same with the module of the Debian package, which DKMS builds (as root)'
	@echo 'For developers:'
	@echo '  check         all tests: unit, fuzz, command, boot, layers, lint, make, scenarios, package'
	@echo '                (first installs what they need)'
	@echo '  unit          tests of the core and of the sequence, under AddressSanitizer and UBSan'
	@echo '  fuzz          the core and device trees, RUNS=... inputs for each target (default: 50000)'
	@echo '  mutants       break the state table in 68 ways: would fuzz notice?'
	@echo '  boot-test     what is installed for a boot, beside configuration that hosts have'
	@echo '  command-test  the command on machines made of files, under AddressSanitizer and UBSan'
	@echo '  layers        each file of the module uses only those below it, and the gate alone changes'
	@echo "                a GPU's command and BARs. TREE=DIR prints the figures of another tree"
	@echo '  lint          warnings, sparse, cppcheck, checkpatch, shellcheck'
	@echo '  scenarios     every scenario on the emulated POWER9 or PC; SCENARIOS="reset gate" for some'
	@echo '  matrix        each way to reset a GPU on each kernel in the lab; renews the table in results.md'
	@echo '  matrix-x86    the same on x86-64'
	@echo '  bench         what the module costs; renews the figures in results.md. BEFORE=COMMIT measures'
	@echo '                the module of that commit, too'
	@echo '  faults        each fault of a GPU at each step, each allocation; renews the table in results.md'
	@echo '  debug-check   every scenario on a kernel that looks for mistakes; SCENARIOS="reset gate" for some'
	@echo '  debug-check-x86  the same on x86-64'
	@echo '  soak          everything at once on two processors, SEED=... MINUTES=... (default: 10)'
	@echo '  package       the deb and DKMS in a ppc64el and in an amd64 Debian (as root)'
	@echo '  lifecycle     upgrades, downgrades, initramfs and RPMs there, and then system: all of a'
	@echo '                package that check leaves out'
	@echo '  release-check says what keeps this commit from being released'
	@echo '  system        a whole Debian 13 with the packages boots from a disk, before and after a'
	@echo '                kernel upgrade (as root)'
	@echo '  setup         install the Debian packages that check and demo need'
	@echo '  clean         remove what was built'
	@echo
	@echo 'Downloads are kept in $${XDG_CACHE_HOME:-~/.cache}/nvlink-isolation'
	@echo '($$NVLINK_ISOLATION_CACHE for another place); everything built is in build/.'

# A feature test that failed leaves those that passed, which git would show.
.PHONY: modules
modules: $(if $(wildcard $(KDIR)/Makefile),,no-headers)
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules || { rm -f src/features/*.feature* \
		src/features/.*.feature*; exit 1; }

.PHONY: no-headers
no-headers:
	@case $$(uname -m) in \
	ppc64* | x86_64) echo "nvlink-isolation: no kernel headers in $(KDIR):" \
		"install those of the kernel, or name others by KDIR=..." ;; \
	*) echo "nvlink-isolation: this machine is $$(uname -m), and the module is for ppc64le and" \
		"x86_64: name headers for one of these by KDIR=..." ;; \
	esac >&2; exit 1

COMMAND := $(wildcard src/command/*.c)
COMMAND_NEEDS := $(COMMAND) $(wildcard src/command/*.h) $(CORE) $(HEADERS) Makefile dkms.conf
COMMAND_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Iinclude
COMMAND_CFLAGS += -DNVLI_VERSION='"$(VERSION)"'
COMMAND_LIBS := -lfdt -ljansson -lkmod
CFLAGS ?= -O2 -g

.PHONY: command
command: $(BUILD)/nvlink-isolation

$(BUILD)/nvlink-isolation: $(COMMAND_NEEDS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(COMMAND_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(COMMAND) $(CORE) $(COMMAND_LIBS)

# The files in sysfs, in the form of the kernel's Documentation/ABI: each is described where it is made.
ABI := $(BUILD)/sysfs-bus-pci-nvlink_isolation

.PHONY: abi
abi: $(ABI)

$(ABI): src/module/sysfs.c Makefile
	@mkdir -p $(@D)
	awk '/^ \* What:/ { on = 1 } on && /^ \*\// { on = 0; print "" } \
		on { print substr($$0, 4) }' $< >$@

# Installing. Packages set these; a package for a distribution has prefix=/usr.
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
completiondir ?= $(prefix)/share/bash-completion/completions
docdir ?= $(prefix)/share/doc/nvlink-isolation
sourcedir ?= /usr/src
sysconfdir ?= /etc
# Where a package has its hooks it is /usr/share/initramfs-tools.
initramfsdir ?= $(sysconfdir)/initramfs-tools
# udev and dracut look in no other place, and a rule names the last one. It also has what an administrator
# copies for a boot: minimal installations leave out /usr/share/doc.
udevdir := /usr/lib/udev
dracutdir := /usr/lib/dracut
helperdir := /usr/lib/nvlink-isolation

# Each is part of what the recipes below remove.
PATHS := DESTDIR prefix bindir mandir completiondir docdir sourcedir sysconfdir initramfsdir
$(foreach name,$(PATHS),$(if $(filter-out 1,$(words x$($(name))x)),$(error \
	nvlink-isolation: $(name)='$($(name))' is not accepted: use a path without blanks)))

DKMS_SOURCE := $(DESTDIR)$(sourcedir)/nvlink-isolation-$(VERSION)
CONFIGURATION := $(DESTDIR)$(sysconfdir)/modprobe.d/nvlink-isolation.conf
INITRAMFS_HOOK := $(DESTDIR)$(initramfsdir)/hooks/nvlink-isolation
UDEV_RULE := $(DESTDIR)$(udevdir)/rules.d/70-nvlink-isolation.rules
DRACUT_MODULE := $(DESTDIR)$(dracutdir)/modules.d/90nvlink-isolation
HELPERS := $(DESTDIR)$(helperdir)
BOOT_EXAMPLES := nvlink-isolation.conf modules-load.conf 71-nvlink-isolation-required.rules
# 0.1.0 installed the command there, where only root finds it. An old copy would be found first.
FORMER_COMMAND := $(DESTDIR)$(prefix)/sbin/nvlink-isolation
INSTALL ?= install

.PHONY: install uninstall
install: install-command install-module

.PHONY: install-command
install-command: command abi install-pages
	rm -f $(FORMER_COMMAND)
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(docdir)/examples \
		$(DESTDIR)$(completiondir)
	$(INSTALL) $(BUILD)/nvlink-isolation $(DESTDIR)$(bindir)/
	$(INSTALL) -m 644 src/command/nvlink-isolation.8 $(DESTDIR)$(mandir)/man8/
	$(INSTALL) -m 644 src/command/completion.sh $(DESTDIR)$(completiondir)/nvlink-isolation
	$(INSTALL) -m 644 $(ABI) $(DESTDIR)$(docdir)/
	$(INSTALL) -m 644 src/command/examples/* Documentation/examples/* $(DESTDIR)$(docdir)/examples/

# All pages that link to each other, so that no link is dead where they are installed
.PHONY: install-pages
install-pages:
	$(INSTALL) -d $(DESTDIR)$(docdir)/Documentation
	$(INSTALL) -m 644 README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md $(DESTDIR)$(docdir)/
	$(INSTALL) -m 644 Documentation/*.md $(DESTDIR)$(docdir)/Documentation/

# What Kbuild leaves among the sources
BUILT_FILES := \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o \
	-name Module.symvers -o -name '*.feature' -o -name '.*.feature.d' -o -name modules.order \)

# What DKMS needs to build the module (`dkms add .` would copy all that lies about in a clone), and
# what a boot needs to have it early. The administrator's configuration is not ours to install; what
# 0.1.0 installed there is put right.
.PHONY: install-module
install-module:
	rm -rf $(DKMS_SOURCE)
	$(INSTALL) -d $(DKMS_SOURCE)/src $(dir $(UDEV_RULE)) $(dir $(INITRAMFS_HOOK)) $(DRACUT_MODULE) \
		$(HELPERS)
	$(INSTALL) -m 644 $(BOOT_EXAMPLES:%=src/boot/%) $(HELPERS)/
	cp -r dkms.conf Kbuild include $(DKMS_SOURCE)/
	cp -r src/core src/dkms src/features src/module $(DKMS_SOURCE)/src/
	find $(DKMS_SOURCE) $(BUILT_FILES) -type f -exec rm {} +
	$(INSTALL) -m 644 src/boot/70-nvlink-isolation.rules $(UDEV_RULE)
	$(INSTALL) src/boot/initramfs-hook $(INITRAMFS_HOOK)
	$(INSTALL) src/boot/dracut/module-setup.sh $(DRACUT_MODULE)/
	$(INSTALL) src/boot/guard src/boot/retire-softdeps src/boot/warn-removal $(HELPERS)/
	src/boot/retire-softdeps $(CONFIGURATION)

# For a module whose source is gone DKMS prints an error at each new kernel.
uninstall:
	$(if $(DESTDIR),,$(DKMS_FORGET))
	$(MAKE) --no-print-directory uninstall-module
	rm -f $(FORMER_COMMAND) $(DESTDIR)$(bindir)/nvlink-isolation $(DESTDIR)$(mandir)/man8/nvlink-isolation.8 \
		$(DESTDIR)$(completiondir)/nvlink-isolation
	rm -rf $(DESTDIR)$(docdir)

.PHONY: uninstall-module
uninstall-module:
	$(if $(DESTDIR),,@src/boot/warn-removal)
	rm -rf $(DKMS_SOURCE) $(INITRAMFS_HOOK) $(UDEV_RULE) $(DRACUT_MODULE) $(HELPERS)

DKMS_FORGET = if [ -n "$$(dkms status nvlink-isolation/$(VERSION) 2>/dev/null)" ]; then \
	dkms remove nvlink-isolation/$(VERSION) --all; fi

PACKAGES := $(BUILD)/packages

.PHONY: dkms-install
dkms-install: install-module
	$(DKMS_SOURCE)/src/dkms/install-modules $(VERSION)

.PHONY: dkms-remove
dkms-remove:
	$(DKMS_FORGET)
	$(MAKE) --no-print-directory uninstall-module

# What is committed, the same bytes each time. In a pipe, the status of git would be lost.
DIST_TAR := $(PACKAGES)/nvlink-isolation-$(VERSION).tar
DIST := $(DIST_TAR).gz

.PHONY: dist
dist:
	@mkdir -p $(PACKAGES)
	@rm -f $(DIST)
	git archive --format=tar --prefix=nvlink-isolation-$(VERSION)/ HEAD >$(DIST_TAR) || { rm -f $(DIST_TAR); \
		echo "nvlink-isolation: git archive failed, so nothing was built: make dist, deb and rpm need git" \
		"and a clone of the repository that belongs to you" >&2; exit 1; }
	gzip -n $(DIST_TAR)

.PHONY: deb
deb: dist
	rm -rf $(PACKAGES)/deb
	mkdir -p $(PACKAGES)/deb
	tar -x -C $(PACKAGES)/deb -f $(DIST)
	cd $(PACKAGES)/deb/nvlink-isolation-$(VERSION) && dpkg-buildpackage -us -uc -b
	rm -r $(PACKAGES)/deb/nvlink-isolation-$(VERSION)

.PHONY: release-check
release-check:
	@tests/release-check

# --nodeps, for where packages have other names than on RHEL
RPMBUILD ?= rpmbuild --nodeps

.PHONY: rpm
rpm: dist
	rm -rf $(PACKAGES)/rpm
	$(RPMBUILD) --define '_topdir $(CURDIR)/$(PACKAGES)/rpm' -ta $(DIST)

.PHONY: setup
setup:
	@tests/setup

.PHONY: demo
demo:
	@tests/setup tests/demo.packages
	@tests/demo

.PHONY: demo-packages
demo-packages: setup
	@tests/demo --packages

.PHONY: check
check: setup programs
	@tests/check

# What the tests without a machine run
.PHONY: programs
programs: $(UNIT) $(FUZZ) $(BUILD)/asan/nvlink-isolation

.PHONY: unit
unit: $(UNIT)
	@prove $^

$(BUILD)/%_test: tests/unit/%_test.c $(CORE) $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -o $@ $(filter %.c,$^) -lcmocka $(LIBS)

# The one file of the module that knows no kernel
$(BUILD)/sequence_test: src/module/sequence.c src/module/sequence.h

$(BUILD)/fixtures_test: LIBS := -lfdt
$(BUILD)/fixtures_test: tests/unit/tree.c tests/unit/tree.h $(FIXTURES)

# Each may include any other. -q: what a fixture leaves out of the real tree is no mistake.
$(BUILD)/fixtures/%.dtb: tests/fixtures/%.dts $(wildcard tests/fixtures/*.dts)
	@mkdir -p $(@D)
	dtc -q -I dts -O dtb -o $@ $<

.PHONY: fuzz
fuzz: $(FUZZ)
	@RUNS=$(RUNS) prove --verbose tests/fuzz/check

$(BUILD)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(CORE) $(HEADERS) Makefile
	@mkdir -p $(@D)
	clang $(UNIT_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c,$^) $(LIBS)

$(BUILD)/fuzz/blobs: LIBS := -lfdt
$(BUILD)/fuzz/blobs: tests/unit/tree.c tests/unit/tree.h $(FIXTURES)

.PHONY: mutants
mutants:
	@prove tests/fuzz/mutants

.PHONY: command-test
command-test: $(BUILD)/asan/nvlink-isolation $(FIXTURES)
	@prove tests/command/check

$(BUILD)/asan/nvlink-isolation: $(COMMAND_NEEDS)
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(UNIT_CFLAGS) -o $@ $(COMMAND) $(CORE) $(COMMAND_LIBS)

.PHONY: boot-test
boot-test:
	@prove tests/boot/check

.PHONY: layers
layers:
	$(if $(TREE),@tests/layers --report $(TREE),@prove tests/layers)

.PHONY: lint
lint:
	@prove tests/lint

# Some need a guest with files of their own, and are run by who makes those.
SCENARIOS ?= $(basename $(notdir $(shell grep -LE '^. (overlay|long|matrix|matrix-x86|trees|bench|soak|debug):' tests/scenarios/*.sh)))

.PHONY: scenarios
scenarios:
	@prove --verbose tests/lab/run :: $(SCENARIOS)

.PHONY: matrix
matrix: setup
	@tests/matrix

.PHONY: matrix-x86
matrix-x86: setup
	@tests/matrix --x86

.PHONY: bench
bench: setup
	@tests/bench $(if $(BEFORE),--before $(BEFORE))

.PHONY: faults
faults: setup
	@tests/faults

# Its kernel is built first: some minutes on two processors that have nothing else to do.
.PHONY: debug-check
debug-check: setup
	@prove --verbose tests/debug-check $(if $(filter command line,$(origin SCENARIOS)),:: $(SCENARIOS))

.PHONY: debug-check-x86
debug-check-x86: setup
	@prove --verbose tests/debug-check :: --x86 $(if $(filter command line,$(origin SCENARIOS)),$(SCENARIOS))

SEED ?= $(shell date +%s)
MINUTES ?= 10

.PHONY: soak
soak: setup
	@LAB_TIMEOUT=$$((($(MINUTES) + 60) * 60)) \
		prove --verbose tests/lab/run :: --set SEED=$(SEED) --set MINUTES=$(MINUTES) soak

.PHONY: package
package:
	@prove --verbose tests/package/check

.PHONY: lifecycle
lifecycle: setup
	@prove --verbose tests/package/lifecycle tests/system/check

.PHONY: system
system: setup
	@prove --verbose tests/system/check

.PHONY: clean
clean:
	rm -rf $(BUILD)
	find . -path ./.git -prune -o $(BUILT_FILES) -type f -exec rm {} +
