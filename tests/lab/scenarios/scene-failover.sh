# Four tunnels with BGP to two clouds: a tunnel falls silent, an endpoint says goodbye, an instance dies. Traffic moves to the other tunnel
# of the same cloud within seconds, measured at the host behind us, and returns without a packet lost.
#
#                                  .-- aws1   203.0.113.10 --.
#                                 /                           >-- aws-host    10.20.0.10
#   gw-host ---- gw ------ inet -+--- aws2   203.0.113.20 ---'
#   10.1.0.10    198.51.100.7    |\
#                FRR             | '- azure1 192.0.2.10 -----.
#                                 \                           >-- azure-host  10.30.0.10
#                                  '- azure2 192.0.2.20 -----'
# timeout: 400
# needs: routing
. "$LAB/clouds.sh"
both_clouds
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy'
wait_ping gw-host 10.20.0.10
wait_ping gw-host 10.30.0.10

moved aws 10.20.0.0/24 10.20.0.10 "a tunnel falls silent" 6000 mute_path
returned aws 10.20.0.0/24 10.20.0.10 unmute_path
moved azure 10.30.0.0/24 10.30.0.10 "an instance dies" 6000 instance_dies
returned azure 10.30.0.0/24 10.30.0.10 instance_returns
moved aws 10.20.0.0/24 10.20.0.10 "an endpoint says goodbye" 1000 peer_stop
returned aws 10.20.0.0/24 10.20.0.10 peer_run

frr_stop gw
s2sd_stop
kernel_is_clean
no_clear_text esp
