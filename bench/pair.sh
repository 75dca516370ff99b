# SPDX-License-Identifier: LGPL-2.1-or-later
# The pair of releases that the benchmarks of updates share: Debian trixie, and the same with the
# security updates of today. Sourced; `build` is
# ingot's build folder, `work` a folder of the caller's.
# shellcheck shell=bash disable=SC2154

pair_recipe() { # FOLDER VERSION SOURCE
	mkdir -p "$1"
	cat >"$1/ingot.conf" <<-END
		[Image]
		Name=pair
		Version=$2

		[Distribution]
		Release=trixie
		$3

		[Packages]
		Install=linux-image-cloud-amd64 systemd systemd-sysv systemd-boot-efi systemd-resolved
		Install=udev dbus login openssh-server nginx curl ca-certificates python3 perl openssl sudo
	END
}

pair_versions() { sed -n 's/^package \([^ ]* [^ ]*\) .*/\1/p' "$1" | sort; }

# pair_lock FOLDER: the locks of FOLDER/1, of FOLDER/2 (kernel held) and of FOLDER/2k (the kernel, too).
# Says what is newer.
pair_lock() {
	local mirror source
	mirror=$(tools/mirror)
	source="Source=${mirror%/debian*}/debian-security trixie-security main"
	pair_recipe "$1/1" 1 ''
	pair_recipe "$1/2" 2 "$source"
	pair_recipe "$1/2k" 2 "$source"
	"$build/ingot" lock "$1/1" --quiet
	cp "$1/1/ingot.lock" "$1/2k/"
	"$build/ingot" lock "$1/2k" --upgrade --quiet
	mapfile -t newer < <(comm -13 <(pair_versions "$1/1/ingot.lock") \
		<(pair_versions "$1/2k/ingot.lock") | cut -d' ' -f1 | grep -v '^linux-')
	[ ${#newer[@]} -gt 0 ] || { echo "no security updates today" >&2; return 1; }
	cp "$1/1/ingot.lock" "$1/2/"
	"$build/ingot" lock "$1/2" --quiet --upgrade "${newer[@]}"
	echo "${#newer[@]} newer packages: ${newer[*]}"
}

# A key that signs both, for this run alone: $work/release.pem and .crt.
pair_key() {
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=bench -days 2 -keyout "$work/release.pem" \
		-out "$work/release.crt" 2>/dev/null
	cat "$work/release.crt" >>"$work/release.pem"
}

# Builds all three in $pair, $work/pair; 2 and 2k like 1.
pair_build() {
	pair=$work/pair
	mkdir "$pair"
	pair_lock "$pair"
	local v like=()
	for v in 1 2 2k; do
		"$build/ingot" build "$pair/$v" --locked --quiet "${like[@]}" --key release="$work/release.pem" \
			--key verity="$work/release.pem" --set Sign.SecureBoot=no >/dev/null
		like=(--like "$(echo "$pair"/1/build/*.root-x86-64.*.raw)")
	done
}
