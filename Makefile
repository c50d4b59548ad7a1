# SPDX-License-Identifier: GPL-2.0-only
# nvlink-isolation: `make help` lists the targets. The module itself is described in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
BUILD := build
CORE := $(wildcard src/core/*.c)
HEADERS := $(wildcard include/nvlink_isolation/*.h)

UNIT_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude
UNIT_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.DEFAULT_GOAL := modules

.PHONY: help
help:
	@echo 'For users:'
	@echo '  modules       build the module for the running kernel, or for the one in KDIR=... (default)'
	@echo '  dkms-install  build and install it by DKMS for the running kernel, or for KERNEL=...'
	@echo '  dkms-remove   undo that, for all kernels'
	@echo '  demo          show the module at work on an emulated POWER9 with four emulated V100s'
	@echo 'For developers:'
	@echo '  check         all tests: unit, lint, scenarios, package (first installs what they need)'
	@echo '  unit          tests of the core, under AddressSanitizer and UBSan'
	@echo '  lint          warnings, sparse, checkpatch, shellcheck'
	@echo '  scenarios     every scenario on the emulated POWER9; SCENARIOS="reset gate" for some'
	@echo '  package       the deb and DKMS in a ppc64el Debian (as root)'
	@echo '  setup         install the Debian packages that check and demo need'
	@echo '  clean         remove what was built'
	@echo
	@echo 'Downloads are kept in $${XDG_CACHE_HOME:-~/.cache}/nvlink-isolation'
	@echo '($$NVLINK_ISOLATION_CACHE for another place); everything built is in build/.'

.PHONY: modules
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# DKMS refuses a version that it has already, so the one before goes first. Only what a build needs
# is handed over: `dkms add .` would copy all that lies about in a clone.
KERNEL ?= $(shell uname -r)
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)
DKMS_SOURCE := /usr/src/nvlink-isolation-$(VERSION)

.PHONY: dkms-install
dkms-install: dkms-remove
	mkdir -p $(DKMS_SOURCE)
	cp -r dkms.conf Kbuild include src $(DKMS_SOURCE)/
	dkms install nvlink-isolation/$(VERSION) -k $(KERNEL)

.PHONY: dkms-remove
dkms-remove:
	if [ -n "$$(dkms status nvlink-isolation/$(VERSION))" ]; then \
		dkms remove nvlink-isolation/$(VERSION) --all; fi
	rm -rf $(DKMS_SOURCE)

.PHONY: setup
setup:
	@tests/setup

.PHONY: demo
demo: setup
	@tests/demo

.PHONY: check
check: setup $(BUILD)/core_test
	@tests/check

.PHONY: unit
unit: $(BUILD)/core_test
	@prove $<

$(BUILD)/core_test: tests/unit/core_test.c $(CORE) $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -o $@ $< $(CORE) -lcmocka

.PHONY: lint
lint:
	@prove tests/lint

# Some need a guest with files of their own, and are run by who makes those.
SCENARIOS ?= $(basename $(notdir $(shell grep -L '^. overlay:' tests/scenarios/*.sh)))

.PHONY: scenarios
scenarios:
	@prove --verbose tests/lab/run :: $(SCENARIOS)

.PHONY: package
package:
	@prove --verbose tests/package/check

.PHONY: clean
clean:
	rm -rf $(BUILD)
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o \
		-name '*.mod.c' -o -name '.*.cmd' -o -name Module.symvers -o \
		-name modules.order \) -type f -exec rm {} +
