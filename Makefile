# ZeroOS. "make run" shows it working; "make test" proves it. "make help" lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help deps kernel image run demo test lint bench clean

help:    ## this list
	@grep -hE '^[a-z]+: .*##' Makefile | sed -E 's/: .*## */\t/' | expand -t 10

deps:    ## install the Debian packages that are missing, by name
	@scripts/deps build test

kernel: deps ## build (once, cached) the guest and the host kernel
	@scripts/kernel guest out/kernels/guest && scripts/kernel host out/kernels/host

image: deps ## build everything into out/zeroos.efi, out/vmlinuz and out/initramfs.cpio.zst
	@scripts/image

run: image ## boot a node in QEMU, run a web server on it, show the page, stay until Ctrl-C
	@scripts/demo --stay

demo: image ## the same as run, and exit when the page was shown
	@scripts/demo

test: ## every tier: lint, unit, kernel, image, system
	@scripts/test

lint: deps ## formatting and analysers
	@scripts/test lint

bench: image ## figures against QEMU microvm, one JSON object each
	@scripts/bench

clean: ## remove what was built; caches outside the checkout stay
	@rm -rf out
