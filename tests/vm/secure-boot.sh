# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
# What the tests with Secure Boot share: keys, signed copies of examples/minimal, and what the console
# says of them.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for program in openssl sbsign mcopy sfdisk; do
	PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || {
		echo "1..0 # SKIP not run: no $program"
		exit 0
	}
done
new_folder
console=$new_folder/console keys=$new_folder/keys
loader=EFI/BOOT/BOOTX64.EFI uki=EFI/Linux/minimal_1.efi

make_keys() { # NAME...: pairs of key and certificate in $keys
	local name
	as_user mkdir "$keys" || return
	for name; do
		as_user openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=test $name" \
			-keyout "$keys/$name.key" -out "$keys/$name.crt" || return
	done
}
enroll() { # OUTPUT ARGUMENTS...: PK, KEK and db
	as_user "$ingot" key enroll --pk "$keys/PK.crt" --kek "$keys/KEK.crt" --db "$keys/db.crt" \
		-o "$@"
}

# sign KEY PATH: a file of the ESP, signed by KEY, in $new_folder/KEY/.
sign() {
	local file=$new_folder/$1/${2##*/}
	as_user mkdir -p "$new_folder/$1" &&
		as_user "$ingot" extract --partition=esp "$image" "$2" -o "$new_folder/$1" &&
		as_user mv "$file" "$file.unsigned" &&
		as_user sbsign --key "$keys/$1.key" --cert "$keys/$1.crt" --output "$file" "$file.unsigned"
}

# disk NAME KEY PATH...: a copy of the image with these files as KEY signed them.
disk() {
	local disk=$new_folder/$1.raw key=$2 path
	shift 2
	as_user cp --sparse=always "$image" "$disk" || return
	for path; do
		as_user mcopy -D o -i "$disk@@1M" "$new_folder/$key/${path##*/}" "::/$path" || return
	done
}
# A slow host delays timer interrupts so much that the kernel gives up: it is not to check.
start() { # NAME VARS WORDS...: the last for the command line
	local name=$1 vars=$2
	shift 2
	start_machine "$console" --no-network --no-tpm --secure-boot --vars="$new_folder/$vars" \
		--cmdline="console=ttyS0 no_timer_check $*" \
		"$new_folder/$name.raw"
}
says() { grep -aqiE -- "$1" "$console"; }
says_in_time() {
	until_true says "$1" || {
		tail -40 "$console"
		return 1
	}
}
