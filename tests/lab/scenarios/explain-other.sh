# A peer that has not answered yet, one that refuses with an error of its own, a daemon that speaks of what s2sctl does not know, and a rekey that
# fails because the ends were changed apart.
# timeout: 150
. "$LAB/explain.sh"
aws_sites
often='s2sd: {retry-min: 1s, retry-max: 2s}'

# Nobody is there yet; that is no error until we have asked for a while.
aws_start "$often"
expect_first aws connecting
expect_words .blame null
expect_words '.evidence | join(";")' 'nothing was ever received.*sent [1-9][0-9]* times'
ctl events aws --json | jq -e '.events[] | select(.code == "connecting" and .text == "connecting to 203.0.113.10")' >/dev/null ||
	fail "no event says that it connects"

# It is there, and wants an IKE SA without a child first.
aws_peer local-ts=10.20.0.0/24 more='childless = force'
expect_first aws refused 40
expect_words .blame peer
expect_words .there "see the tunnel's log"
note "refused: $(jq -r '.text + ": " + (.evidence | join("; "))' "$W/verdict")"

# The same, reported by a daemon of another version: a relay between it and s2sctl changes the codes.
mkdir "$W/relay"
mkfifo "$W/relay/back"
relay()
{
	local line

	while read -r line; do
		nc -q 1 -U "$W/s2sd-gw/run/control.sock" <<<"$line" | head -n 1 |
			sed 's/"code":"[a-z-]*"/"code":"of-tomorrow"/g'
	done
}
nc -lkU "$W/relay/control.sock" <"$W/relay/back" 2>>"$L/relay.log" | relay >"$W/relay/back" 2>>"$L/relay.log" &
wait_for 10 "the relay listens" test -S "$W/relay/control.sock"
in_ns gw "$S2SCTL" explain -r "$W/relay" aws --json >"$W/answer" || fail "explain fails on a daemon of another version: $(cat "$W/answer")"
expect_answer "$W/answer" unknown
expect_words .text 'nothing that explains it'
expect_words .here 's2sctl events aws'

# Agreed; then the operator changes algorithms here alone, and the rekey that follows from it is refused.
peer_edit aws '/childless/d'
wait_up aws 40
wait_ping gw-host 10.20.0.10
aws_reload "$often" 'ike-proposals: aes128gcm16-prfsha384-ecp384'
expect_verdict aws rekey-failed
expect_words '.evidence | join(";")' 'the IKE SA could not be rekeyed'
expect_words .blame peer
# Then another IKE SA is tried beside it, and what that one hears says more.
expect_first aws ike-proposal
expect_status aws .state up
wait_ping gw-host 10.20.0.10
aws_reload "$often"
expect_gone aws ike-proposal 20
aws_reload "$often" 'remote-ts: 10.99.0.0/24'
expect_first aws selectors
aws_reload "$often"
wait_ping gw-host 10.20.0.10
s2sd_stop
