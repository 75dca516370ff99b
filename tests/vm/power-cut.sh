# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# One update, recorded: version 1 of the device runs, and its other slot has version 0, when `ingot update
# apply` brings version 2. What tests of power cuts need stands in $recording, made once:
#
#     base.raw   the disk before that boot           releases/   versions 1 and 2
#     log        every write of it                   machine/V/  what root of version V has for updates
#     window     the entries of the log that are the update: first, end
# shellcheck source=tests/vm/device.sh
. "$(dirname "${BASH_SOURCE[0]}")/device.sh"

for program in mcopy fsck.vfat sfdisk; do
	command -v $program >/dev/null || {
		echo "1..0 # SKIP not run: no $program"
		exit 0
	}
done
recording=$made/recording power_cut=$build_folder/tests/power-cut
# shellcheck disable=SC2034 # read by those that read this
seed=${INGOT_SEED:-1}

# Version 0 is a tiny image without packages: nothing ever starts it.
make_old() {
	local folder=$new_folder/0
	as_user mkdir "$folder" && as_user env INGOT_SOURCE="$source_folder" "$source_folder/tests/cli/bare-recipe" \
		"$folder" device <<<$'[Sign]\nSecureBoot=no\nVerity=no' &&
		as_user "$ingot" build --quiet --set Image.Version=0 "$folder" &&
		as_user "$ingot" release --quiet "$new_folder/releases-0" "$folder/build" --key release="$shared/release.key"
}
make_machine() { # VERSION
	local root=$recording/machine/$1 disk=$made/$1/build/device_$1_x86-64.raw
	as_user mkdir -p "$root/usr/lib" &&
		as_user "$ingot" extract --quiet "$disk" usr/lib/sysupdate.d -o "$root/usr/lib/sysupdate.d" &&
		as_user "$ingot" extract --quiet "$disk" usr/lib/os-release -o "$root/usr/lib"
}
# The disk of version 1 with version 0 in its second slot, found good once.
make_base() {
	local base=$recording/base.raw esp=$new_folder/esp start
	as_user cp --sparse=always "$made/1/build/device_1_x86-64.raw" "$base" && truncate -s 4G "$base" &&
		as_user "$ingot" extract --quiet -p esp "$base" -o "$esp" &&
		as_user "$ingot" update apply --quiet --version=0 --source="$new_folder/releases-0" --key="$shared/release.crt" \
			--root="$recording/machine/1" --disk="$base" --esp="$esp" || return
	start=$(sfdisk --dump "$base" | sed -n 's/.*start= *\([0-9]*\),.*type=C12A7328.*/\1/p')
	mcopy -i "$base@@$((512 * start))" "$esp/EFI/Linux/device_0+3-0.efi" ::EFI/Linux/device_0.efi &&
		mcopy -i "$base@@$((512 * start))" "$esp/loader/ingot/device_0.measurement.json" ::loader/ingot/
}
# Entries that the log has up to its last flush.
entries() { od -A n -t u8 -j 16 -N 8 "$recording/log" | tr -d ' '; }
record() {
	local image=$recording/base.raw first end
	publish 1 && publish 2 && as_user cp -r "$site/." "$recording/releases" || return
	start_device recorded --no-tpm --write-log="$recording/log" && ready 1 || return
	guest sync && first=$(entries) && guest 'ingot update apply' && guest sync && end=$(entries) &&
		send 'systemctl poweroff' && wait_machine && echo "$first $end" >"$recording/window"
}
# The log is that of the disk: replayed to its end it gives what the machine left.
is_complete() {
	"$power_cut" whole "$recording/log" "$recording/base.raw" "$new_folder/whole.raw" &&
		qemu-img compare -f raw -F qcow2 "$new_folder/whole.raw" "$new_folder/recorded/disk.qcow2" &&
		rm "$new_folder/whole.raw"
}
make_recording() {
	local stamp
	prepare && version 1 &&
		version 2 --set Packages.Install=tcpdump --set Files.File=device.conf-2:/etc/device.conf || return
	stamp=$(cat "$made"/{1,2}/.stamp "$source_folder/tests/vm/power-cut.sh" | sha256sum)
	if [ "$(cat "$recording/.stamp" 2>/dev/null)" != "$stamp" ]; then
		rm -rf "$recording"
		as_user mkdir "$recording" && make_machine 1 && make_machine 2 && make_old && make_base && record &&
			is_complete && echo "$stamp" >"$recording/.stamp" || return
	fi
	read -r first end <"$recording/window"
}
