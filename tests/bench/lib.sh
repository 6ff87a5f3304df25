# lib.sh - sourced by run: two gates in namespaces, what they cost, how a figure is set against its bar.

die()
{
	echo "bench: $*" >&2
	exit 2
}

[ "$(id -u)" = 0 ] || die "needs root, for its network namespaces; nothing was measured"
for need in ip jq openssl "$s2sd" "$build/bench/bench_floor"; do
	command -v "$need" >/dev/null || die "$need is missing; nothing was measured"
done

work=$(mktemp -d /tmp/s2sd-bench.XXXXXX) || exit 2
chmod 755 "$work"
a=s2sb-a-$$ b=s2sb-b-$$
declare -A pid

cleanup()
{
	for side in "${!pid[@]}"; do
		kill "${pid[$side]}" 2>/dev/null && wait "${pid[$side]}"
	done 2>/dev/null
	ip netns del "$a"
	ip netns del "$b"
	rm -rf "$work"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 2' INT TERM

network()
{
	ip netns add "$a" && ip netns add "$b" || die "no network namespaces here"
	ip link add va netns "$a" type veth peer name vb netns "$b" || die "no veth here"
	ip -n "$a" addr add 10.254.0.1/30 dev va
	ip -n "$b" addr add 10.254.0.2/30 dev vb
	for x in "$a" "$b"; do ip -n "$x" link set lo up; done
	ip -n "$a" link set va up
	ip -n "$b" link set vb up
	ip -n "$a" route add local 10.1.0.0/16 dev lo
	ip -n "$b" route add 10.1.0.0/16 via 10.254.0.1
}

# certificates KIND: a CA, and for each gate a key and a certificate with its name, in $work/certs-KIND
certificates()
{
	local dir=$work/certs-$1 how=(-algorithm RSA -pkeyopt rsa_keygen_bits:2048) side
	[ "$1" = ecp256 ] && how=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
	mkdir "$dir"
	for side in ca a b; do openssl genpkey "${how[@]}" -out "$dir/$side.key" 2>/dev/null || die "openssl makes no key"; done
	openssl req -x509 -new -key "$dir/ca.key" -subj /CN=ca -days 2 -addext keyUsage=critical,keyCertSign -out "$dir/ca.pem" || die "openssl makes no CA"
	for side in a b; do
		openssl req -new -key "$dir/$side.key" -subj "/CN=$side" -out "$dir/$side.csr" &&
			openssl x509 -req -in "$dir/$side.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial $RANDOM -days 1 -out "$dir/$side.pem" 2>/dev/null \
				-extfile <(echo "subjectAltName=DNS:$side.example") || die "openssl makes no certificate"
	done
}

# config SIDE DIR PREFIX:GROUP:FIRST:COUNT[:KIND]... - tunnel number n of all has the address 10.1.(n/256).(n%256)
# KIND: plain - children without PFS; asked - also, gate a asks every second whether b lives; else by certificates of that kind
config()
{
	local side=$1 dir=$2
	shift 2
	mkdir -p "$dir"
	(umask 077; : >"$dir/s2sd.yaml") # for root alone, as keys stand in it: each tunnel has its own
	{
		echo "s2sd:"
		echo "  status-interval: 0"
		echo "  log-level: warning"
		[ "$side" = a ] || echo "  cookie-threshold: 1000000" # nobody is asked for one: no_cookies looks
		echo "tunnels:"
		for part; do
			awk -v side="$side" -v part="$part" 'BEGIN {
				split(part, p, ":")
				for (i = p[3]; i < p[3] + p[4]; i++) {
					there = sprintf("10.1.%d.%d", int(i / 256), i % 256)
					printf "  %s%05d:\n", p[1], i
					if (p[5] == "" || p[5] == "plain" || p[5] == "asked")
						printf "    psk: abcdefghijklmnopqrstuvwxyz%05d\n", i
					else
						printf "    certificate: %s.pem\n    private-key: %s.key\n    ca: ca.pem\n    local-id: %s.example\n    remote-id: %s.example\n",
							side, side, side, side == "a" ? "b" : "a"
					printf "    dpd-interval: %s\n    dpd-timeout: 11m\n", side == "a" && p[5] == "asked" ? "1s" : "10m"
					printf "    ike-proposals: aes256-sha256-%s\n", p[2]
					printf "    esp-proposals: aes256-sha256%s\n", p[5] == "plain" || p[5] == "asked" ? "" : "-" p[2]
					printf "    routes: [10.%d.%d.0/24]\n", 128 + int(i / 256), i % 256
					if (side == "a")
						printf "    local: %s\n    remote: 10.254.0.2\n    start: manual\n", there
					else
						printf "    local: 10.254.0.2\n    remote: %s\n    start: respond\n", there
				}
			}'
		done
	} >"$dir/s2sd.yaml"
}

start()
{
	local side=$1 ns=$2 dir=$3 run=$work/run-$1
	mkdir -p "$run"
	ip netns exec "$ns" "$s2sd" -c "$dir/s2sd.yaml" -r "$run" -d --null-kernel 2>"$work/log-$side" &
	pid[$side]=$!
	for _ in $(seq 400); do
		[ -S "$run/control.sock" ] && echo '{"command":"ping"}' | timeout 5 "$bin/s2sctl" -r "$run" status >/dev/null 2>&1 && return
		kill -0 "${pid[$side]}" 2>/dev/null || break
		sleep 0.02
	done
	cat "$work/log-$side" >&2
	die "gate $side did not start"
}

stop()
{
	kill "${pid[$1]}"
	wait "${pid[$1]}" || die "gate $1 did not stop in order"
	unset "pid[$1]"
}

both_of()
{
	local kids
	read -r kids <"/proc/${pid[$1]}/task/${pid[$1]}/children"
	echo "${pid[$1]} $kids"
}

cpu() # nanoseconds of both processes
{
	local p sum=0 ns
	for p in $(both_of "$1"); do
		for t in /proc/"$p"/task/*/schedstat; do
			read -r ns _ <"$t"
			sum=$((sum + ns))
		done
	done
	echo "$sum"
}

pss() # kB of both processes
{
	local p sum=0 kb
	for p in $(both_of "$1"); do
		kb=$(awk '$1 == "Pss:" { print $2 }' "/proc/$p/smaps_rollup")
		sum=$((sum + kb))
	done
	echo "$sum"
}

# ordered COMMAND PREFIX FIRST COUNT [one] - microseconds of b for each: 64 at a time, or one after the other
ordered()
{
	local before after i jobs=() n=$dialers window=16
	[ "${5:-}" != one ] || n=1 window=1
	local each=$(($4 / n))
	before=$(cpu b)
	for ((i = 0; i < n; i++)); do
		"$build/bench/bench_dial" "$work/run-a/control.sock" "$2" $(($3 + i * each)) "$each" "$1" "$window" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do
		wait "$i" || die "$1 failed: $(tail -3 "$work/log-b")"
	done
	sleep 0.2
	after=$(cpu b)
	awk -v d=$((after - before)) -v n="$4" 'BEGIN { printf "%.1f\n", d / n / 1000 }'
}

handshakes() { ordered up "$@"; } # PREFIX FIRST COUNT [one]

# total SIDE METRIC - the sum over all tunnels
total()
{
	"$bin/s2sctl" -r "$work/run-$1" metrics >"$work/metrics" || die "gate $1 tells no metrics"
	awk -v m="$2" '{ name = $1; sub(/[{].*/, "", name) } name == m "_total" { sum += $NF; n++ } END { if (!n) exit 1; printf "%d\n", sum }' "$work/metrics" ||
		die "there is no metric $2"
}

no_cookies()
{
	local n
	n=$(total b s2s_ike_cookies_sent) || exit 2
	[ "$n" = 0 ] || die "$n dialers were asked for a cookie: that is another handshake"
}

median()
{
	sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# line WHAT FIGURE UNIT BAR
line()
{
	local verdict
	verdict=$(awk -v x="$2" -v bar="$4" 'BEGIN { print x + 0 <= bar + 0 ? "ok" : "MISSED" }')
	[ "$verdict" = ok ] || missed=1
	printf '%-64s %9s %-6s bar %6s  %s\n' "$1" "$2" "$3" "$4" "$verdict"
}

ratio() { awk -v x="$1" -v y="$2" 'BEGIN { printf "%.2f\n", x / y }'; }

spread() { echo "[$(sort -g "$1" | head -1)-$(sort -g "$1" | tail -1)]"; } # of a file of figures

# floor_of GROUP - microseconds that a handshake cannot do without
floor_of() { "$build/bench/bench_floor" "$1" || die "no floor"; }

mean() { awk -v x="$1" -v y="$2" 'BEGIN { print (x + y) / 2 }'; }
