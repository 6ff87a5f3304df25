# Somebody deletes something of ours every two seconds for a minute: traffic flows in between, what was deleted comes back each time, who does it is named, and
# somebody who never stops is answered once a second, not faster.
# timeout: 150
. "$LAB/heal.sh"
. "$LAB/explain.sh"
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
heal_begin gw-host 10.20.0.10

# One process for all, as a routing daemon or a script that goes wrong would be: it can be named.
mkfifo "$W/deleter"
exec_in gw ip -force -batch - <"$W/deleter" >"$L/deleter.log" 2>&1 &
exec {deleter}>"$W/deleter"
since=$(now_ms)
for turn in $(seq 30); do
	echo 'route del 10.20.0.0/24 dev s2s-aws' >&"$deleter"
	pause 2
done
read -r _ calm <<<"$(outage "$since")"
answers=$(awk -v since="$since" -F '[][]' '/bytes from/ && $2 * 1000 > since { n++ } END { print n + 0 }' "$W/answers")
note "$answers answers in $(( $(now_ms) - since )) ms; calm for $calm ms"
[ "$answers" -ge 600 ] || fail "only $answers answers in a minute of 1200 questions: the deleter wins"
told=$(repairs | grep -c '^route') || true
[ "$told" -ge 1 ] && [ "$told" -le 31 ] || fail "expected between 1 and 31 events for 30 deletions, saw $told"
expect_log s2sd-gw 'route.*(by|process) .*ip\b'

note "and without any pause"
before=$(repairs | wc -l) since=$(now_ms)
while [ "$(now_ms)" -lt $(( since + 10000 )) ]; do
	for turn in 1 2 3 4 5; do echo 'route del 10.20.0.0/24 dev s2s-aws'; done >&"$deleter"
	pause 0.1
done
# Each repair is told or counted in a later line; 10 s are 10 repairs, and one at each end.
told=$(( $(repairs | wc -l) - before ))
[ "$told" -le 12 ] || fail "$told repairs in 10 s: faster than once a second"
expect_verdict aws kernel-differs
expect_words .blame local
expect_words .text 'route is removed or changed again and again, by ip'
exec {deleter}>&-
back()
{
	[ -n "$(ip -n gw route show 10.20.0.0/24 dev s2s-aws)" ] && kernel_as_wanted aws
}
wait_for 5 "the route is back" back
ping_lossless gw-host 10.20.0.10 20 0.05
heal_end
s2sd_stop
kernel_is_clean
no_clear_text esp
