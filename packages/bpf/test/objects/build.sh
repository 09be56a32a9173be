#!/bin/sh
# Rebuilds the objects of these tests. Debian: clang-14, libbpf-dev, linux-libc-dev.
set -eu
cd "$(dirname "$0")"
for source in *.bpf.c; do
	clang -O2 -g -mcpu=v3 -target bpf -Wall -Wno-unused-variable -fdebug-prefix-map="$PWD"=. -fdebug-compilation-dir=. \
		-I"/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "${source%.bpf.c}.o"
	llvm-strip -g "${source%.bpf.c}.o"
done
