# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of devices share (tests/vm/device): their package, keys and versions, the nginx on this host
# that serves releases, and commands that root does in the guest. Before it is read, $port is the port of
# that nginx, another one in every test. What is built stands in $made, and is built anew when something changed.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for program in nginx gpg dpkg-deb openssl; do
	PATH=$PATH:/usr/sbin command -v $program >/dev/null || {
		echo "1..0 # SKIP not run: no $program"
		exit 0
	}
done
[ "$(id -u)" = 0 ] || {
	echo "1..0 # SKIP not run: the package for the device is built in a root of its release, as root"
	exit 0
}
if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
	echo "1..0 # SKIP not run: somebody listens on port $port"
	exit 0
fi
recipe=$source_folder/tests/vm/device shared=$images/device made=$images/device-$port
new_folder
site=$new_folder/site
as_user mkdir "$site" "$site/do"
mkdir -p "$shared" "$made"
chown "$user:$user" "$shared" "$made"

# What goes into the images: the package and the keys, made once, of all these tests.
make_package() {
	local stamp
	stamp=$(cd "$source_folder" && cat meson.build tools/deb <(git ls-files -z src data | sort -z | xargs -0 sha256sum) | sha256sum)
	[ "$(cat "$shared/package.stamp" 2>/dev/null)" = "$stamp" ] && return
	"$source_folder/tools/deb" ingot-small &&
		dpkg-deb --fsys-tarfile "$source_folder"/build/deb/ingot-small_*.deb >"$shared/ingot.tar" &&
		chown "$user:$user" "$shared/ingot.tar" && echo "$stamp" >"$shared/package.stamp"
}
in_gpg() { as_user gpg --homedir "$shared/gnupg" --batch --quiet "$@"; }
make_keys() {
	[ -e "$shared/release.asc" ] && return
	as_user "$ingot" key new release --subject="The device" --output="$shared" &&
		as_user mkdir -p -m 700 "$shared/gnupg" &&
		in_gpg --passphrase '' --quick-gen-key "The device's releases <device@example.org>" rsa3072 sign never &&
		in_gpg --armor --output "$shared/release.secret.asc" --export-secret-keys &&
		in_gpg --armor --output "$shared/release.asc" --export &&
		as_user gpgconf --homedir "$shared/gnupg" --kill all # its agent would stay
}
prepare() { # with no other test beside it
	(
		flock 9 && make_package && make_keys
	) 9>"$shared/lock"
}

# version VERSION ARGUMENTS...: built once, in $made/VERSION/build.
version() {
	local folder=$made/$1 stamp version=$1
	shift
	stamp=$(cat "$ingot" "$shared/ingot.tar" "$shared/release.crt" "$shared/release.asc" <(echo "$@") \
		<(cd "$recipe" && find . -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum)
	[ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ] && return
	rm -rf "$folder"
	as_user mkdir "$folder" && cp -r "$recipe/." "$folder/" &&
		cp "$shared"/{ingot.tar,release.crt,release.asc} "$folder/" && chown -R "$user:$user" "$folder" &&
		as_user "$ingot" build --quiet "$folder" --set "Image.Version=$version" \
			--set "Update.Source=http://10.0.2.2:$port" "$@" || return
	echo "$stamp" >"$folder/.stamp"
}

# The server. Requests of the machine come from the emulator, on this host.
cat >"$new_folder/nginx.conf" <<-END
	daemon off; master_process off; pid $new_folder/nginx.pid; error_log $new_folder/nginx.log;
	events { }
	http {
		access_log off; default_type application/octet-stream;
		client_body_temp_path $new_folder/t1; proxy_temp_path $new_folder/t2; fastcgi_temp_path $new_folder/t3;
		uwsgi_temp_path $new_folder/t4; scgi_temp_path $new_folder/t5;
		server { listen 127.0.0.1:$port; root $site; }
	}
END
server=
stop_server() { [ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null; }
trap 'stop_machine; stop_server; cleanup' EXIT
PATH=$PATH:/usr/sbin
set_by_user
"${by_user[@]}" nginx -c "$new_folder/nginx.conf" </dev/null >"$new_folder/nginx.out" 2>&1 &
server=$!

publish() { # VERSION ARGUMENTS...
	local build=$made/$1/build
	shift
	as_user "$ingot" release --quiet "$site" "$build" --keep=0 --key release="$shared/release.key" \
		--key release="$shared/release.secret.asc" "$@"
}

# What root does in the guest: each boot it says "ready VERSION" on the console when it has come up, then
# takes commands N from the server, one after another, and says what they print between "begin N" and
# "end N STATUS". N is kept, so that a command that restarts the machine is not done again.
guest_script="port=$port"'
exec >/dev/ttyS0 2>&1
count=/var/lib/test/count
mkdir -p /var/lib/test
[ -e $count ] || echo 0 >$count
until systemctl is-system-running --wait | grep -qx "running\|degraded"; do sleep 1; done
until [ ! -e /sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f ] ||
	[ -e /run/ingot/boot-complete ]; do sleep 1; done
get() { # PATH: what stands there, or nothing
	exec 3<>/dev/tcp/10.0.2.2/$port || return
	printf "GET $1 HTTP/1.0\r\n\r\n" >&3
	IFS=" " read -r -u 3 protocol status rest
	while read -r -u 3 line && [ ${#line} -gt 1 ]; do :; done
	[ "$status" = 200 ] && cat <&3
	exec 3<&-
}
echo
echo "ready $(. /usr/lib/os-release; echo $IMAGE_VERSION)"
while :; do
	n=$(($(cat $count) + 1))
	get /do/$n >/run/command
	[ -s /run/command ] || { sleep 1; continue; }
	echo $n >$count
	sync
	echo
	echo "begin $n"
	bash /run/command </dev/null
	printf "\nend $n $?\n"
done
'
guest_unit='[Unit]
Description=Commands of a test
[Service]
Type=exec
LoadCredential=test.commands
ExecStart=/bin/bash %d/test.commands
StandardInput=null
'
start_device() { # NAME ARGUMENTS...: with the disk $image, and its state in a folder of that name
	local name=$1
	shift
	console=$new_folder/console.$name readies=0
	as_user rm -f "$site"/do/*
	start_machine "$console" --state="$new_folder/$name" \
		--credential "test.commands=$guest_script" \
		--credential "systemd.extra-unit.test-commands.service=$guest_unit" \
		--credential $'systemd.unit-dropin.multi-user.target=[Unit]\nWants=test-commands.service\n' \
		"$@" "$image"
}
seen() { [ "$(tr -d '\r' <"$console" | grep -acE -- "$1")" -ge "$2" ]; }
# ready VERSION: it came up, once more.
ready() {
	local all
	readies=$((readies + 1))
	until_true seen '^ready ' $readies || {
		tail -40 "$console"
		return 1
	}
	all=$(tr -d '\r' <"$console" | sed -n 's/^ready //p' | tail -1)
	is "$all" "$1"
}
send() { # COMMAND: is done next
	commands=$(($(find "$site/do" -type f | wc -l) + 1)) # not counted here: this may be a subshell
	as_user sh -c 'printf "%s\n" "$1" >"$2.new" && mv "$2.new" "$2"' sh "$1" "$site/do/$commands"
}
guest() { # COMMAND: what it printed, with its status
	send "$1"
	until_true seen "^end $commands [0-9]" 1 || {
		tail -40 "$console" >&2
		return 1
	}
	tr -d '\r' <"$console" | sed -n "/^begin $commands\$/,/^end $commands /{//!p}" | grep -av -e '^\[ *[0-9.]*\] ' -e '^$'
	return "$(tr -d '\r' <"$console" | sed -n "s/^end $commands //p" | tail -1)"
}
guest_is() { # WANT COMMAND
	local out
	out=$(guest "$2") || { echo "$out"; return 1; }
	is "$out" "$1"
}
