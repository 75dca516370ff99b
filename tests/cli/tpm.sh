# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A TPM for scripts: swtpm with its state in the folder tpm. It ends by itself.

# start_tpm: power on. The same folder is the same TPM; its PCRs are at their start.
start_tpm() {
	command -v swtpm >/dev/null || { echo "swtpm is missing"; exit 77; }
	mkdir -p tpm
	rm -f tpm/socket
	timeout 300 swtpm socket --tpm2 --server type=unixio,path=tpm/socket \
		--ctrl type=unixio,path=tpm/socket.ctrl --tpmstate dir=tpm,mode=0600 --pid file=tpm/pid \
		--flags not-need-init,startup-clear >/dev/null 2>&1 &
	for _ in $(seq 100); do
		[ -S tpm/socket ] && [ -s tpm/pid ] && return
		sleep 0.05
	done
	echo "swtpm does not start"
	exit 1
}

stop_tpm() {
	kill "$(cat tpm/pid)"
	while [ -e tpm/pid ]; do sleep 0.02; done
}

# sign_pcr KEY [PCR] >tpm2-pcr-signature.json: a signed policy over PCR 11, or 23, bank sha256, as it
# starts.
sign_pcr() {
	case ${2-11} in 11) mask=000800 ;; 23) mask=000080 ;; esac
	zeros=$(printf '%064d' 0)
	value=$(printf %s "$zeros" | xxd -r -p | sha256sum | cut -d ' ' -f 1)
	policy=$(printf %s "${zeros}0000017f00000001000b03$mask$value" | xxd -r -p | sha256sum |
		cut -d ' ' -f 1)
	finger=$(openssl rsa -in "$1" -RSAPublicKey_out -outform DER 2>/dev/null | sha256sum |
		cut -d ' ' -f 1)
	signature=$(printf %s "$policy" | xxd -r -p | openssl dgst -sha256 -sign "$1" | base64 -w 0)
	printf '{"sha256":[{"pcrs":[%d],"pkfp":"%s","pol":"%s","sig":"%s"}]}\n' "${2-11}" "$finger" \
		"$policy" "$signature"
}
