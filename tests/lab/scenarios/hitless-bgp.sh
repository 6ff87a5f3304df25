# As hitless, between both clouds with four tunnels: no BGP session is lost, no route leaves the table.
#
#   gw-host ---- gw ------ inet ------ aws1, aws2        AS 64512   10.20.0.10
#   10.1.0.10    AS 65010        '---- azure1, azure2    AS 65515   10.30.0.10
#                s2sd, FRR
# timeout: 180
# lasts: HITLESS_SECONDS
# needs: routing
. "$LAB/clouds.sh"
. "$LAB/hitless.sh"
clouds_stand
clouds_import
kernel_before gw
s2sd_configure </dev/null
managed_start
frr_start gw
frr_take gw
clouds_are_up
wait_ping gw-host 10.20.0.10
wait_ping gw-host 10.30.0.10

# How often each session was lost until now, and what FRR has in the kernel's table.
routing()
{
	frr gw -c 'show bgp neighbors json' | jq -c 'to_entries | map(.key + " " + (.value.connectionsDropped | tostring))'
	ip -n gw route show proto bgp
}
before=$(routing) dialled=$(dials)
exec_in gw ip monitor route link >"$L/monitor" 2>&1 &
ping_begin gw-host 10.20.0.10 0.01 aws
ping_begin gw-host 10.30.0.10 0.01 azure
theirs()
{
	peer_rekey "${1/-/}" child # Azure makes a new IKE SA in place of a rekey
}
deaths 'aws-1 aws-2 azure-1 azure-2'
pause 3
ping_end aws
ping_end azure
[ "$(routing)" = "$before" ] || fail "BGP was: $before; it is: $(routing)"
! grep -E 'proto bgp|state DOWN' "$L/monitor" >"$L/moved" || fail "routes or links moved: $(head -n 2 "$L/moved" | tr '\n' ';')"
[ "$(dials)" = "$dialled" ] || fail "$dialled messages of IKE_SA_INIT before the deaths, $(dials) after them"
wire_is_clean
frr_stop gw
managed_stop
kernel_is_clean
