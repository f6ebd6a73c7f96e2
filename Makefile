# Thin wrappers; the work is in meson and in tests/. As root, missing Debian packages are installed.
#
#   make run  [CALLS=n] [RATE=n] [CONFIG=file]   calls through the lab, or your own interfaces
#   make test [ONLY=stage,...]                   every test (tests/run.py tells the stages)
#   make bench [QUICK=1]                         the benchmarks: build/bench/report.html
#   make install [DESTDIR=dir]                   programs, manual pages, completion, systemd units
#   make package                                 a Debian package of it: build/strowger_*.deb

BUILD ?= build
PYTHON := /usr/bin/python3
PROGRAMS := dataplane/strowger-dataplane control/strowger-control control/strowgerctl
PACKAGES := tests/support/install-packages.sh

.PHONY: all run test bench install package
all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@$(PACKAGES) build
	meson setup $(BUILD)

RUN = exec $(PYTHON) tests/lab/run.py --build $(BUILD) $(if $(CONFIG),--config '$(CONFIG)') \
	$(if $(CALLS),--calls '$(CALLS)') $(if $(RATE),--rate '$(RATE)')

# What would stop it is told before the minutes of a first build.
run: $(BUILD)/build.ninja
	@$(RUN) --before
	@$(PACKAGES) build $(if $(CONFIG),,lab)
	@echo "building; the messages are in $(BUILD)/ninja.log"
	@ninja -C $(BUILD) $(PROGRAMS) >$(BUILD)/ninja.log || { cat $(BUILD)/ninja.log; exit 1; }
	@$(RUN)

test: $(BUILD)/build.ninja
	@$(PACKAGES) build lab
	@exec $(PYTHON) tests/run.py --build $(BUILD) $(if $(ONLY),--only $(ONLY))

# Reconfigured, so that parsers to compare with are found when they came just now.
bench: $(BUILD)/build.ninja
	@$(PACKAGES) build bench
	@meson setup --reconfigure $(BUILD) >$(BUILD)/meson-bench.log || { cat $(BUILD)/meson-bench.log; exit 1; }
	@ninja -C $(BUILD) >$(BUILD)/ninja.log || { cat $(BUILD)/ninja.log; exit 1; }
	@exec $(PYTHON) bench/run.py --build $(BUILD) $(if $(QUICK),--quick)

install: all
	meson install -C $(BUILD) --no-rebuild

package: $(BUILD)/build.ninja
	@packaging/deb.sh $(BUILD) $(BUILD)
