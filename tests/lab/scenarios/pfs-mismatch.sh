# One end wants PFS for child SAs and the other does not, in both directions, and either end asks first: each rekey is refused, a new IKE SA is
# made beside, it is told, and nothing is lost but what no key can open yet: strongSwan sends by the new child SA before its answer to our IKE_AUTH
# is on its way, and who has not proved himself is given no SA here.
#
#                                  .--- strict1  203.0.113.10   it has PFS, we have not; we rekey
#   gw-host ---- gw ---------- inet---- strict2  203.0.114.10   the same, but it rekeys
#   10.1.0.10    198.51.100.7      |--- lax1     203.0.115.10   we have PFS, it has not; we rekey
#                                  '--- lax2     203.0.116.10   the same, but it rekeys
#
# A child lives a fifth of the time: PFS_SECONDS=300 is esp-lifetime 60s for five minutes; 90 s is the ordinary run.
# timeout: 100
# lasts: PFS_SECONDS
seconds=${PFS_SECONDS:-90}
life=$(( seconds / 5 ))
peers='strict1 strict2 lax1 lax2'
with=aes256-sha256-modp2048 without=aes256-sha256

internet
site gw 198.51.100.7 10.1.0
watch_outside

n=0
for peer in $peers; do
	n=$(( n + 1 ))
	site "$peer" "203.0.$(( 112 + n )).10" "10.2$n.0"
	ours=$without theirs=$with rekey=3000s end=3600s unique=replace
	[[ $peer == strict* ]] || ours=$with theirs=$without
	# Who asks first does so long before the other would; and strongSwan with "no" keeps the old IKE SA until we delete it.
	[[ $peer == *1 ]] || rekey=$(( life / 2 ))s end=$(( life * 4 ))s unique=no
	peer_start "$peer" none inside="169.254.2$n.1/30" routes=10.1.0.0/24 psk="secret-of-both-for-$peer" esp=$theirs unique=$unique \
		child-rekey=$rekey child-life=$end
	tunnel_conf "$peer" "203.0.$(( 112 + n )).10" "169.254.2$n.2/30" "10.2$n.0.0/24" "esp-proposals: $ours" "esp-lifetime: ${life}s"
done >"$W/tunnels"
s2sd_start < <(echo tunnels:; cat "$W/tunnels")
for peer in $peers; do
	wait_up "$peer"
	wait_ping "$peer-host" 10.1.0.10
done
early=$(xfrm_error gw XfrmInNoStates)
for peer in $peers; do ping_begin "$peer-host" 10.1.0.10 0.05; done
note "for $seconds s, a child lives $life s"
pause "$seconds"
all_lost=0
for peer in $peers; do
	expect_status "$peer" .state up
	ping_stop "$peer-host"
	all_lost=$(( all_lost + lost ))
done
early=$(( $(xfrm_error gw XfrmInNoStates) - early ))

# What was told, and that it happened again and again, not once.
all_made=0
for peer in $peers; do
	made=$(grep -c "$peer: .*: another IKE SA is made beside" "$L/s2sd-gw.log" || true)
	all_made=$(( all_made + made ))
	note "$peer: $made IKE SAs made beside"
	[ "$made" -ge 3 ] || fail "$peer: only $made IKE SAs were made beside another in $seconds s of children of $life s"
	ctl events "$peer" --json >"$L/events-$peer.json"
	grep pfs-mismatch "$L/events-$peer.json" >/dev/null || fail "no event tells the PFS mismatch of $peer"
done
note "$all_lost lost in all; $early came by $all_made new SAs before their keys could be here"
note "our kernel: $(xfrm_errors gw)"
[ "$all_lost" -le "$early" ] || fail "$all_lost packets are lost, only $early of them because they came before the answer to our IKE_AUTH"
[ "$early" -le $(( all_made * slack )) ] || fail "$early packets came before the keys of $all_made new SAs: too slow"
for peer in $peers; do
	[ "$(xfrm_error "$peer" XfrmInNoStates)" -eq 0 ] || fail "$peer got $(xfrm_error "$peer" XfrmInNoStates) packets by SAs that it has not"
done
s2sd_stop gw 15
kernel_is_clean
no_clear_text esp
