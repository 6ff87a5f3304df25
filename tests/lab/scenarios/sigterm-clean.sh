# SIGTERM: the peers are told, all that is ours goes, all that is not stays; and a peer that is out of reach does not hold us.
#
#   gw-host ---- gw  198.51.100.7 ----- inet --+-- aws   203.0.113.10 ---- aws-host   10.20.0.10
#   10.1.0.10                                  +-- azure 192.0.2.10 ------ azure-host 10.30.0.10
# timeout: 60
aws_sites
site azure 192.0.2.10 10.30.0
aws_peer
peer_start azure azure start=listen inside=169.254.21.5/30 routes=10.1.0.0/24

# Strangers in our kernel: an interface, a SA, a policy, a route, a rule, a table of nf_tables.
ip -n gw link add strange0 type xfrm dev out if_id 77
ip -n gw link set strange0 up
ip -n gw route add 10.77.0.0/16 dev strange0
ip -n gw rule add from 10.77.0.0/16 lookup 77
in_ns gw ip xfrm state add src 198.51.100.7 dst 203.0.113.77 proto esp spi 0x77777777 reqid 77 if_id 77 mode tunnel \
	aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128
in_ns gw ip xfrm policy add src 0.0.0.0/0 dst 10.77.0.0/16 dir out if_id 77 tmpl src 198.51.100.7 dst 203.0.113.77 \
	proto esp reqid 77 mode tunnel
in_ns gw nft add table inet strange

key t.psk lab-secret-of-both-ends
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: t.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	  azure:
	    cloud: azure
	    remote: 192.0.2.10
	    psk-file: t.psk
	    inside: 169.254.21.6/30
	    routes: [10.30.0.0/24]
END
wait_up aws
wait_up azure
ping_lossless gw-host 10.20.0.10 5 0.05
ping_lossless gw-host 10.30.0.10 5 0.05
s2sd_stop gw 5
expect_log peer-aws 'received DELETE for IKE_SA'
expect_log peer-azure 'received DELETE for IKE_SA'
kernel_is_clean
[ -z "$(ls -A "$W/s2sd-gw/run")" ] || fail "left in the run directory: $(ls -A "$W/s2sd-gw/run" | tr '\n' ' ')"

s2sd_run
wait_up aws
wait_up azure
cut_path azure
s2sd_stop gw 5
kernel_is_clean
no_clear_text esp
