# SPDX-License-Identifier: LGPL-2.1-or-later
# A web server for benchmarks: nginx on the loopback interface, which counts. Sourced; `work` is a
# folder of the caller's.
# shellcheck shell=bash disable=SC2154

# serve FOLDER: over http on the loopback interface at $url; every answer is a line in $work/wire.
serve() {
	local port=$((20000 + $$ % 20000))
	mkdir -p "$work/nginx"
	cat >"$work/nginx.conf" <<-END
		daemon off; worker_processes 1; error_log $work/nginx.log; pid $work/nginx.pid;
		events { worker_connections 512; }
		http {
		  log_format wire '\$request_length \$bytes_sent \$status \$request_uri';
		  access_log $work/wire wire; sendfile on; keepalive_requests 100000;
		  client_body_temp_path $work/nginx; proxy_temp_path $work/nginx;
		  fastcgi_temp_path $work/nginx; uwsgi_temp_path $work/nginx; scgi_temp_path $work/nginx;
		  server { listen 127.0.0.1:$port; root $1; }
		}
	END
	# Named users cannot be changed to without root.
	[ "$(id -u)" != 0 ] || sed -i '1i user root;' "$work/nginx.conf"
	nginx -c "$work/nginx.conf" -p "$work" 2>>"$work/nginx.log" &
	nginx_pid=$!
	url=http://127.0.0.1:$port
	for _ in $(seq 50); do
		if curl -so /dev/null "$url"; then wire >/dev/null; return; fi
		sleep 0.1
	done
	tail -5 "$work/nginx.log" >&2
	return 1
}
# wire: bytes of the answers and of the requests since the last time, and how many requests.
wire() {
	sleep 0.3
	awk '{i += $1; o += $2} END {printf "%d %d %d\n", o, i, NR}' "$work/wire"
	: >"$work/wire"
}
serve_no_more() {
	[ -n "${nginx_pid:-}" ] || return 0
	kill "$nginx_pid" 2>/dev/null || true
	wait "$nginx_pid" 2>/dev/null || true
	nginx_pid=
}
