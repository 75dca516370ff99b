# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of booted images share: machines in the background, what is asked of them from
# inside, and the PCR value that was predicted.
# shellcheck source=tests/image/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../image/lib.sh"

boot_seconds=${INGOT_TEST_BOOT_SECONDS:-900} # one boot, emulated, with others on the machine

# Programs without which no machine starts; the whole file is skipped then.
for program in qemu-system-x86_64 qemu-img swtpm; do
	command -v $program >/dev/null || {
		echo "1..0 # SKIP not run: no $program"
		exit 0
	}
done

# A port of 127.0.0.1 that nobody listens on now.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo $port
}

# What root sees in the guest. A unit brings it as a credential, so that the image needs nothing for
# it and no one in it needs to become root. Each line is "fact NAME VALUE"; it stands in
# /run/test/facts. /run/test/off then switches the machine off. With --check the unit is a part of the
# boot, and ends; the lines then stand on the first serial port, which no getty has hung up. With
# "restart" behind the script's name the machine restarts after its first lines, and is switched off
# after the second ones.
facts_unit='[Unit]
Description=Facts for a test
After=systemd-pcrphase.service
ConditionPathExists=!/etc/initrd-release
[Service]
Type=exec
LoadCredential=test.facts
ExecStart=/bin/bash %d/test.facts
StandardInput=null
TTYPath=/dev/ttyS0
StandardOutput=tty
StandardError=null
'
facts_script='
mkdir -p -m 1777 /run/test
hash() { sha256sum "$@" 2>/dev/null | cut -d " " -f 1; }
facts() {
	echo machine-id "$(cat /etc/machine-id)"
	echo dbus-id "$(cat /var/lib/dbus/machine-id)"
	echo random-seed "$(hash /var/lib/systemd/random-seed)"
	echo seed-found "$(cat /run/test/seed-found)"
	echo seed-left "$(cat /var/lib/test-seed-left)"
	echo host-keys "$(cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null | hash)"
	echo host-keys-count "$(ls /etc/ssh/ssh_host_*_key 2>/dev/null | wc -l)"
	for m in / /etc /var; do echo "mount $m $(findmnt -n -o FSTYPE,SOURCE,OPTIONS -M $m | tr -s " ")"; done
	echo var-megabytes "$(findmnt -n -b -o SIZE -M /var | awk "{print int(\$1 / 1048576)}")"
	echo root-password "$(grep ^root: /etc/shadow | cut -d : -f 2)"
	echo image "$(. /usr/lib/os-release; echo $IMAGE_ID $IMAGE_VERSION)"
	echo made-again "$(for u in ldconfig systemd-hwdb-update systemd-journal-catalog-update; do
		[ -z "$(systemctl show --value -p ExecMainStartTimestamp $u)" ] || echo $u; done | tr "\n" " ")"
	echo kernel-taint "$(cat /proc/sys/kernel/tainted)"
	echo phases "$(grep -ao "\"string\":\"[a-z-]*\"" /run/log/systemd/tpm2-measure.log | cut -d \" -f 4 | tr "\n" " ")"
	echo pcr11 "$(cat /sys/class/tpm/tpm0/pcr-sha256/11 | tr A-F a-f)"
	echo state "$(systemctl is-system-running)"
	echo kept "$(cat /etc/test-kept /var/lib/test-kept 2>/dev/null | tr "\n" " ")"
	if command -v dpkg >/dev/null; then
		echo packages "$(dpkg-query -W | wc -l)"
		[ ! -e /run/credentials/@system/test.verify ] || dpkg --verify 2>&1 | sed "s/^/changed /"
	fi
	echo end
}
# It says "unknown" where the machine is too slow to answer.
[ "$1" = once ] || until systemctl is-system-running --wait | grep -qx "running\|degraded\|maintenance"; do sleep 1; done
facts | sed "s/^/fact /" >/run/test/facts.new
echo >>/run/test/facts.new
mv /run/test/facts.new /run/test/facts
chmod 644 /run/test/facts
cat /run/test/facts
case $1 in
once) exit 0 ;;
restart)
	[ ! -e /var/lib/test-restarted ] || exec systemctl poweroff
	touch /var/lib/test-restarted
	exec systemctl reboot
	;;
esac
until [ -e /run/test/off ]; do sleep 1; done
[ -s /run/test/off ] && echo kept >/etc/test-kept && echo kept >/var/lib/test-kept
exec systemctl poweroff
'
facts_wanted=(
	--credential "test.facts=$facts_script"
	--credential $'systemd.unit-dropin.multi-user.target=[Unit]\nWants=test-facts.service\n'
)
facts_options=("${facts_wanted[@]}" --credential "systemd.extra-unit.test-facts.service=$facts_unit")
facts_once=${facts_unit/Type=exec/Type=oneshot}
facts_once=${facts_once/\/test.facts/\/test.facts once}

# check REPORT CONSOLE ARGUMENTS...: a whole boot; its result as JSON, and the console with the facts.
check() {
	local report=$1 console=$2
	shift 2
	as_user timeout -k 10 $((boot_seconds + 30)) "$ingot" boot --check --json --verbose --no-network \
		--timeout="$boot_seconds" "${facts_wanted[@]}" \
		--credential "systemd.extra-unit.test-facts.service=$facts_once" "$@" \
		</dev/null >"$report" 2>"$console" || {
		cat "$report"
		tail -20 "$console"
		return 1
	}
}
is() { echo "it is '$1', not '$2'"; [ "$1" = "$2" ]; }

# start_machine LOG ARGUMENTS...: ingot boot in the background with its console in LOG; $machine is
# its process itself, not a shell around it. It ends by itself after $boot_seconds, and at the latest with this test.
machine=
start_machine() {
	local log=$1 by_user
	shift
	set_by_user
	"${by_user[@]}" timeout -k 10 $((boot_seconds + 30)) "$ingot" boot --timeout="$boot_seconds" "$@" \
		</dev/null >"$log" 2>&1 &
	machine=$!
}
stop_machine() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null
	wait_machine
}
wait_machine() {
	local status=0
	[ -z "$machine" ] || wait "$machine" || status=$?
	machine=
	return $status
}
trap 'stop_machine; cleanup' EXIT

# until_true COMMAND...: tries until it succeeds, at most for one boot; gives up when the machine ended.
until_true() {
	local end=$((SECONDS + boot_seconds))
	until "$@"; do
		if ((SECONDS > end)) || ! kill -0 "$machine" 2>/dev/null; then return 1; fi
		sleep 1
	done
}

# emulator_failed CONSOLE: the kernel died of an exception before any process ran. Emulated processors
# do that now and then (docs/decisions/041); what an image does wrong comes later.
emulator_failed() {
	grep -q 'Kernel panic - not syncing: Fatal exception in interrupt' "$1" &&
		! grep -q 'Run /init as init process' "$1"
}

# fact FILE NAME: what the guest said of it.
fact() { sed -n "s|^fact $2 ||p" "$1" | tr -d '\r' | tail -1; }

# predict_pcr11 UKI WORD...: what the stub measures of a UKI (the sections in the order of the
# specification: the name with its NUL, then the content), then the words of the phases. SHA-256 bank.
predict_pcr11() {
	local uki=$1 pcr section word at size json
	shift
	pcr=$(printf '0%.0s' {1..64})
	extend() { pcr=$(printf '%s%s' "$pcr" "$(sha256sum | cut -d ' ' -f 1)" | xxd -r -p | sha256sum | cut -d ' ' -f 1); }
	json=$("$ingot" inspect --json "$uki") || return
	for section in linux osrel cmdline initrd ucode splash dtb dtbauto hwids uname sbat pcrpkey profile; do
		read -r size at < <(grep -o "{\"name\":\"\\.$section\",\"size\":[0-9]*,\"offset\":[0-9]*" <<<"$json" |
			sed 's/.*"size":\([0-9]*\),"offset":/\1 /') || continue
		extend < <(printf '.%s\0' "$section")
		extend < <(tail -c "+$((at + 1))" "$uki" | head -c "$size")
	done
	for word; do extend < <(printf '%s' "$word"); done
	echo "$pcr"
}
