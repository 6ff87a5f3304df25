# An uplink whose address changes again and again: the tunnel follows, and explain says what is going on. Its IKE SA outlives no move, and the peer
# knows us by name.
# timeout: 180
. "$LAB/explain.sh"
aws_world remote=%any us-id=gw.example
aws_start 's2sd: {retry-min: 1s, retry-max: 2s}' 'local-id: gw.example'
wait_up aws
old=7
for new in 8 9 10; do
	ip -n gw addr add 198.51.100.$new/24 dev out
	ip -n gw addr del 198.51.100.$old/24 dev out
	ip -n gw addr show dev out | grep "198.51.100.$new" >/dev/null || ip -n gw addr add 198.51.100.$new/24 dev out
	ip -n gw route replace default via 198.51.100.1
	wait_status aws '.local | sub(":[0-9]+$"; "")' 198.51.100.$new 40
	wait_up aws 40
	old=$new
done
expect_verdict aws address-flapping
expect_words .text '[3-9] times in ten minutes'
expect_words .blame network
wait_ping gw-host 10.20.0.10
s2sd_stop gw 10
