# ZeroOS. "make run" shows it working; "make test" proves it. "make help" lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help deps kernel image repro run demo test test-boot docker lint siege siege-node fuzz bench clean

help:    ## this list
	@grep -hE '^[a-z-]+: .*##' Makefile | sed -E 's/: .*## */\t/' | expand -t 12

deps:    ## install the Debian packages that are missing, by name
	@scripts/deps build test

kernel: deps ## build (once, cached) the guest and the host kernel
	@scripts/kernel guest out/kernels/guest && scripts/kernel host out/kernels/host

image: deps ## build everything into out/: zeroos.efi, zeroos.img, zeroos.iso, netboot/, vmlinuz, initramfs.cpio.zst, SHA256SUMS; with SECURE_BOOT_KEY= SECURE_BOOT_CERTIFICATE= PCR_KEY= signed
	@scripts/image

repro: deps ## build the image twice, in different folders at different times, and compare every file
	@scripts/repro

run: image ## boot a node in QEMU, run a web server on it, show the page, stay until Ctrl-C
	@scripts/demo --stay

demo: image ## the same as run, and exit when the page was shown
	@scripts/demo

test: ## every tier: lint, unit, kernel, image, system
	@scripts/test

test-boot: image ## the long system tests: every way to boot
	@scripts/test lint boot

docker: image ## whole compose projects against a booted node, by an unmodified docker compose
	@scripts/test lint docker

lint: deps ## formatting and analysers
	@scripts/test lint

siege: ## attack a node's bus from all sides for SECONDS= (60) while an owner and a tenant work
	@scripts/siege --seconds $(or $(SECONDS),60)

siege-node: image ## the same against a node in QEMU, with a hostile guest and a hostile registry
	@scripts/siege --booted --seconds $(or $(SECONDS),60)

fuzz: ## play random inputs to every place that reads foreign bytes, for SECONDS= (60)
	@scripts/fuzz --seconds $(or $(SECONDS),60)

bench: image ## figures against QEMU microvm, one JSON object each
	@scripts/bench

clean: ## remove what was built; caches outside the checkout stay
	@rm -rf out
