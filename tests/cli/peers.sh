# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests with the programs of others share: a folder that goes at the end, with a GNUPGHOME,
# and TAP.
set -u
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/ingot-peers-XXXXXX")
trap 'GNUPGHOME=$folder/gnupg gpgconf --kill all 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export GNUPGHOME=$folder/gnupg
mkdir -m 700 gnupg
number=0 failed=0
report() { # OK NAME [WHY]
	number=$((number + 1))
	if [ "$1" = 0 ]; then echo "ok $number - $2"; else
		echo "not ok $number - $2"
		[ -z "${3-}" ] || printf '%s\n' "$3" | sed 's/^/#   /'
		failed=1
	fi
}
# expect STATUS WORDS NAME ARGUMENTS...: ingot verify exits so, and says the words
expect() {
	local want=$1 words=$2 name=$3 output got
	shift 3
	output=$("$INGOT" verify "$@" 2>&1 </dev/null)
	got=$?
	[ "$got" = "$want" ] && [[ $output == *"$words"* ]]
	report $? "$name" "exit status $got, not $want, or no '$words': $output"
}
missing() { # NAME PROGRAM...
	local name=$1 program
	shift
	for program; do
		command -v "$program" >/dev/null && continue
		number=$((number + 1))
		echo "ok $number - $name # SKIP $program is missing"
		return 0
	done
	return 1
}
# finish: the plan, and the exit status
finish() {
	echo "1..$number"
	exit $failed
}
