# The tunnel of a Cisco 891FJ, as the portal's script sets it up there: one route-based Azure gateway with its default policy (AES-256,
# SHA-1, group 2, no PFS), a static route, MSS 1350. Taken from Azure's files; what import says to write where the policy has to stay is written.
#
#   gw-host ---- gw ---------- inet ------ azure ---- azure-host
#   10.1.0.10    198.51.100.7              192.0.2.10  10.30.0.10
# timeout: 120
. "$LAB/clouds.sh"
internet
site gw 198.51.100.7 10.1.0
site azure 192.0.2.10 10.30.0
watch_outside
peer_start azure azure-default ike=aes256-sha1-modp1024 esp=aes256-sha1 inside=169.254.0.2/32 routes=10.1.0.0/24 psk=Lab.Secret_key_of_azure

azure_files "$W/azure" azure Lab.Secret_key_of_azure '[]' '' 192.0.2.10 ''
import azure "$W"/azure/*.json --route 10.30.0.0/24
grep -q 'DH group 2' "$L/import.out" || fail "import does not mention the default policy: $(head -c 300 "$L/import.out")"
grep -q 'allow-weak: modp1024' "$L/azure.yaml" || fail "the file does not say what to write for the default policy"

# As it is, the tunnel stays down, and it is said why.
imported_start
expect_error azure 'proposal|group' 'peer|operator|local'
expect_status azure .state connecting
ctl explain azure >"$L/explain" 2>&1 || true
grep -Eq 'modp1024|DH group 2|group 2' "$L/explain" || fail "explain does not name group 2: $(head -c 400 "$L/explain")"

# The legacy policy, knowingly.
sed -i -e 's/^\(    *\)remote: .*/&\n\1ike-proposals: aes256-sha1-modp1024\n\1esp-proposals: aes256-sha1\n\1allow-weak: [modp1024, sha1]/' \
	"$W/s2sd-gw/conf.d/azure.yaml"
"$S2SD" -n -c "$W/s2sd-gw/s2sd.yaml" >"$L/s2sd-n.out" 2>&1 || fail "s2sd -n: $(tail -n 1 "$L/s2sd-n.out")"
ctl reload >"$L/reload" 2>&1 || fail "reload: $(cat "$L/reload")"
wait_up azure 40
expect_status azure .ike.proposal aes256-sha1-modp1024
expect_status azure '.children[0].proposal' aes256-sha1
wait_ping gw-host 10.30.0.10
ping_lossless gw-host 10.30.0.10 20 0.05
ping_lossless azure-host 10.1.0.10 20 0.05
[[ $(ip -n gw route show 10.30.0.0/24) == *"dev s2s-azure"* ]] || fail "no static route: $(ip -n gw route)"

exec_in azure-host tcpdump -i any -n -v -c 1 -l 'tcp[tcpflags] & tcp-syn != 0' >"$L/syn" 2>&1 &
wait_for 20 "tcpdump listens" grep -q 'listening on' "$L/syn"
in_ns gw-host bash -c 'echo >/dev/tcp/10.30.0.10/9' 2>/dev/null || true
wait_for 10 "a connection reaches azure-host" grep -q mss "$L/syn"
grep -q 'mss 1350' "$L/syn" || fail "MSS of a connection through the tunnel: expected 1350, saw $(grep -o 'mss [0-9]*' "$L/syn")"

# Azure rekeys without a key exchange.
ping_begin gw-host 10.30.0.10 0.02
old=$(child_spis azure)
peer_rekey azure child
wait_new child azure "$old"
ping_end gw-host
expect_status azure .state up

s2sd_stop
kernel_is_clean
no_clear_text esp
