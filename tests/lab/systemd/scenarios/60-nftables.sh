# systemctl reload nftables flushes the whole ruleset: the table of s2sd is back at once, and that is told.
# timeout: 40
# Elements come in any order.
table()
{
	nft list table inet s2sd | tr -s ' ,\t' '\n' | sort
}
nft list table inet s2sd >/dev/null || fail "there is no table inet s2sd"
table >"$L/table.before"
journal_mark
ping_begin
for what in reload restart; do
	systemctl $what nftables
	wait_for 5 "$what: the table is back" eval 'table | diff "$L/table.before" -'
done
ping_end
journal_new >"$L/journal"
grep -qi 'nf_tables\|nftables\|table' "$L/journal" || fail "nothing is told of it"
