# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of whole images share: TAP, an ordinary user, and images that are built once.
#
# Images are built below INGOT_TEST_IMAGES (/var/tmp/ingot-test-images), which belongs to that user,
# and are built anew when the program or the recipe changed.
set -uo pipefail

source_folder=${INGOT_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
build_folder=${INGOT_BUILD:-$source_folder/build}
images=${INGOT_TEST_IMAGES:-/var/tmp/ingot-test-images}
test_number=0
test_status=0

# As root, everything that ingot does in these tests is done by uid 1000: it has no line in
# /etc/subuid, and its home is in $images.
user=1000
set_by_user() { # $by_user: the words before a command of theirs
	if [ "$(id -u)" = 0 ]; then
		by_user=(setpriv --reuid=$user --regid=$user --clear-groups --inh-caps=-all
			env -i PATH="$PATH" HOME="$images/home" XDG_CACHE_HOME="$images/cache"
			LC_ALL=C.UTF-8 TMPDIR="${TMPDIR:-/var/tmp}"
			${XDG_CONFIG_HOME:+XDG_CONFIG_HOME="$XDG_CONFIG_HOME"}
			${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"})
	else
		by_user=(env XDG_CACHE_HOME="$images/cache")
	fi
}
as_user() {
	local by_user
	set_by_user
	"${by_user[@]}" "$@"
}

mkdir -p "$images/home" "$images/bin" "$images/cache"
if ! cmp -s "$build_folder/ingot" "$images/bin/ingot"; then
	cp "$build_folder/ingot" "$images/bin/ingot.$$" && mv "$images/bin/ingot.$$" "$images/bin/ingot" || {
		echo "Bail out! no $build_folder/ingot: an older program would be tested"
		exit 1
	}
fi
if [ "$(id -u)" = 0 ]; then chown $user:$user "$images" "$images/home" "$images/cache"; fi
ingot=$images/bin/ingot

plan() { echo "1..$1"; }

# ok NAME COMMAND...: one test; what the command says is shown when it fails.
ok() {
	local name=$1 log
	shift
	log=$(mktemp)
	test_number=$((test_number + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $test_number - $name"
	else
		echo "not ok $test_number - $name"
		tail -40 "$log" | sed 's/^/# /'
		test_status=1
	fi
	rm -f "$log"
}

skip() { # NAME WHY
	test_number=$((test_number + 1))
	echo "ok $test_number - $1 # SKIP $2"
}

# Programs out of the oracles' root (tools/oracles).
newest() { INGOT_ORACLES=${INGOT_ORACLES:-} "$source_folder/tools/oracles" run "$@"; }
have_newest() { [ "$(id -u)" = 0 ] && [ -e "${INGOT_ORACLES:-/nowhere}/.complete" ]; }
with_newest_here() { # NAME FUNCTION...: one that runs some of them
	local name=$1
	shift
	if have_newest; then ok "$name" "$@"; else skip "$name" "not run: no oracles' root"; fi
}

# bail WHY: what follows would test nothing.
bail() {
	echo "Bail out! $1"
	exit 1
}

# new_folder: an empty folder of the user's, removed at the end.
made_folders=()
cleanup() {
	local f
	for f in "${made_folders[@]:+${made_folders[@]}}"; do rm -rf --one-file-system "$f"; done
}
trap cleanup EXIT
new_folder() {
	new_folder=$(mktemp -d "$images/test.XXXXXX")
	made_folders+=("$new_folder")
	if [ "$(id -u)" = 0 ]; then chown $user:$user "$new_folder"; fi
}

# copy_recipe NAME FOLDER: a recipe of examples/ as the user's own.
copy_recipe() {
	mkdir -p "$2"
	cp -r "$source_folder/examples/$1/." "$2/"
	rm -rf "$2/build"
	if [ "$(id -u)" = 0 ]; then chown -R $user:$user "$2"; fi
}

# image NAME: builds examples/NAME if it is not there as it would be now; $image is the disk image,
# $artifacts its folder.
image() {
	local name=$1 folder=$images/$1 stamp
	stamp=$(cat "$ingot" "$source_folder"/tests/image/lib.sh | cat - <(cd "$source_folder/examples/$name" &&
		find . -path ./build -prune -o -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum)
	exec 8>"$images/.lock.$name"
	flock 8
	if [ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$folder"
		copy_recipe "$name" "$folder"
		as_user "$ingot" build "$folder" >"$images/$name.log" 2>&1 || {
			tail -20 "$images/$name.log" >&2
			flock -u 8
			return 1
		}
		echo "$stamp" >"$folder/.stamp"
	fi
	flock -u 8
	artifacts=$folder/build
	image=$artifacts/${name}_1_x86-64.raw
}
