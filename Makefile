# Two commands for a newcomer, as root on a fresh Debian or Ubuntu with Go:
#   make demo   shows the product's main job on two nodes of one machine
#   make test   sets up what the tests need and runs all of them
SHELL   := /bin/bash
VERSION := $(shell cat VERSION)
LDFLAGS := -s -w -X github.com/safehold/safehold/runtime/version.Version=$(VERSION)
PREFIX  ?= /opt/safekit
# The replicas' tests share two cores; more packages at once only disturb each other.
GOTEST  := go test -p 2 -timeout 30m

.PHONY: all build setup setup-kvm check generate test test-pure demo demo-kvm bench install clean help

all: build

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## build      the one static binary and the packages, in build/
build:
	@mkdir -p build
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/safekit ./tools/safekit
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/safepack ./tools/safepack
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/lab ./tools/lab/cmd/lab
	@for m in kvm generic/mirror generic/farm generic/light; do \
	  build/safepack pack modules/$$m build/$$(basename $$m).safe >/dev/null || exit 1; done

setup:
	@tools/setup/setup.sh base

setup-kvm:
	@tools/setup/setup.sh base kvm

## check      formatting, vet, staticcheck, import rules, generated files, races of the pure packages
check: setup
	tools/setup/check.sh

## generate   rebuild what is generated from code: gRPC stubs, pages, manual
generate: setup
	go generate ./...

## test       everything: check, unit, real mounts, the lab, a real virtual machine
test: setup-kvm build check
	$(GOTEST) ./...

## demo       two nodes, first start, power cut, failover, return, swap (STAY=1 keeps them)
demo: setup build
	build/lab demo $(if $(STAY),--stay)

## demo-kvm   the same with a real virtual machine under libvirt
demo-kvm: setup-kvm build
	build/lab demo-kvm $(if $(STAY),--stay)

## bench      figures side by side: failover times, 25 modules, data path
bench: setup build
	build/lab bench

## install    onto this machine: PREFIX=/opt/safekit, systemd units
install: build
	tools/setup/install.sh $(PREFIX)

clean:
	rm -rf build
