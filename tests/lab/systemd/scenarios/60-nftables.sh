# systemctl reload nftables flushes the whole ruleset: the table of s2sd is back at once, and that is told.
# timeout: 40
nft list table inet s2sd | grep -v elements >"$L/table.before"
nft list table inet s2sd >/dev/null || fail "there is no table inet s2sd"
journal_mark
ping_begin
for what in reload restart; do
	systemctl $what nftables
	wait_for 5 "$what: the table is back" eval 'nft list table inet s2sd | grep -v elements | diff "$L/table.before" -'
done
ping_end
journal_new >"$L/journal"
grep -qi 'nf_tables\|nftables\|table' "$L/journal" || fail "nothing is told of it"
