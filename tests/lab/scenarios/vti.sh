# The same tunnel on a VTI, for those whose tools know nothing else.
# timeout: 60
aws_world
aws_start 'interface-type: vti'
wait_up aws
[[ $(ip -n gw -d link show s2s-aws) == *' vti '* ]] || fail "s2s-aws is no VTI: $(ip -n gw -d link show s2s-aws | tr '\n' ' ')"
ping_lossless gw-host 10.20.0.10 30 0.02
ping_lossless aws-host 10.1.0.10 20 0.02
ping_begin gw-host 10.20.0.10 0.02
old=$(child_spis aws)
ctl rekey aws
wait_new child aws "$old"
old=$(child_spis aws)
peer_rekey aws child
wait_new child aws "$old"
ping_end gw-host
s2sd_stop
kernel_is_clean
no_clear_text esp
