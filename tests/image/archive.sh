# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A signed Debian archive of packages that a test makes out of shell commands (needs gpg and ar).

# archive_new FOLDER: an empty archive and its key; $keyring holds that key and Debian's.
archive_new() {
	archive=$1 keyring=$1/keyring.gpg
	mkdir -p "$archive/pool" "$archive/gnupg"
	chmod 700 "$archive/gnupg"
	: >"$archive/Packages"
	archive_gpg --quick-generate-key 'Archive of a test <test@example.org>' ed25519 sign never 2>/dev/null
	{ archive_gpg --export; cat /usr/share/keyrings/debian-archive-keyring.gpg; } >"$keyring"
}
archive_gpg() { gpg --homedir "$archive/gnupg" --batch --quiet --no-tty --passphrase '' --pinentry-mode loopback "$@"; }

# archive_add NAME FIELDS [SCRIPT TEXT]: a package with one file of documentation; FIELDS are further
# lines of its control file, each with "\n"; SCRIPT is postinst or another, with the shell's TEXT.
archive_add() {
	local name=$1 fields=$2 script=${3:-} text=${4:-} made file
	made=$(mktemp -d "$archive/make.XXXXXX") file=pool/${1}_1_all.deb
	mkdir -p "$made/control" "$made/data/usr/share/doc/$name"
	echo "$name" >"$made/data/usr/share/doc/$name/README"
	printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: Test <test@example.org>\n%bDescription: of a test\n' \
		"$name" "$fields" >"$made/control/control"
	if [ -n "$script" ]; then
		printf '#!/bin/sh\n%s\n' "$text" >"$made/control/$script"
		chmod 755 "$made/control/$script"
	fi
	echo 2.0 >"$made/debian-binary"
	tar --owner=0 --group=0 -C "$made/control" -cJf "$made/control.tar.xz" .
	tar --owner=0 --group=0 -C "$made/data" -cJf "$made/data.tar.xz" .
	(cd "$made" && ar qcD new.deb debian-binary control.tar.xz data.tar.xz)
	mv "$made/new.deb" "$archive/$file"
	{
		cat "$made/control/control"
		printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$archive/$file")" \
			"$(sha256sum <"$archive/$file" | cut -d' ' -f1)"
	} >>"$archive/Packages"
	rm -r "$made"
}

# archive_sign: writes the index of what was added.
archive_sign() {
	local index=$archive/dists/test/main/binary-amd64
	mkdir -p "$index"
	cp "$archive/Packages" "$index/Packages"
	printf 'Origin: Test\nSuite: test\nCodename: test\nDate: Sat, 15 Nov 2025 10:12:13 UTC\nArchitectures: amd64 all\nComponents: main\nSHA256:\n %s %s main/binary-amd64/Packages\n' \
		"$(sha256sum <"$index/Packages" | cut -d' ' -f1)" "$(stat -c %s "$index/Packages")" >"$archive/Release"
	rm -f "$archive/dists/test/InRelease"
	archive_gpg --digest-algo SHA256 --clearsign --output "$archive/dists/test/InRelease" "$archive/Release"
}
