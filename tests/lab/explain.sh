# What `s2sctl explain` must say. Sourced by the scenarios that provoke its verdicts.

# The verdict and those beside it, as codes, the worst first.
verdicts()
{
	ctl explain "$1" --json | jq -r '[.verdict, .also[]] | map(.code) | join(" ")'
}

verdict_is()
{
	[[ " $(verdicts "$1") " == *" $2 "* ]]
}

# expect_verdict TUNNEL CODE [SECONDS]: the verdict comes, and its words are kept for expect_words. What was answered is in $W/explained.
expect_verdict()
{
	local end=$(( $(now_ms) + ${3:-20} * 1000 )) seen=

	until ctl explain "$1" --json >"$W/explained" && seen=$(jq -r '[.verdict, .also[]] | map(.code) | join(" ")' "$W/explained") && [[ " $seen " == *" $2 "* ]]; do
		[ "$(now_ms)" -lt "$end" ] || fail "explain $1: expected the verdict $2, saw \"$seen\": $(ctl explain "$1" | head -n 3 | tr '\n' ';')"
		pause "$between"
	done
	jq --arg code "$2" '[.verdict, .also[]] | map(select(.code == $code))[0]' "$W/explained" >"$W/verdict"
	{ echo "== $2"; cat "$W/explained"; } >>"$L/explain.txt"
	note "explain $1: $seen: $(jq -r .text "$W/verdict")"
}

# expect_first TUNNEL CODE [SECONDS]: it is the verdict, not one of those beside it.
expect_first()
{
	expect_verdict "$@"
	[ "$(jq -r .verdict.code "$W/explained")" = "$2" ] || wait_for 5 "explain $1: $2 is the first of its verdicts" is_first "$1" "$2"
}

is_first()
{
	[ "$(ctl explain "$1" --json | jq -r .verdict.code)" = "$2" ]
}

# expect_answer FILE CODE: the same of an answer that was taken already.
expect_answer()
{
	jq .verdict "$1" >"$W/verdict"
	[ "$(jq -r .code "$W/verdict")" = "$2" ] || fail "explain: expected the verdict $2, saw $(jq -r .code "$W/verdict")"
}

# expect_words FILTER REGEX: of the verdict that was just expected.
expect_words()
{
	local seen

	seen=$(jq -r "$1" "$W/verdict") || seen="no such member"
	grep -Eq -- "$2" <<<"$seen" || fail "explain: expected $1 like /$2/, saw \"$seen\""
}

# expect_gone TUNNEL CODE [SECONDS]: what was mended is not said any more.
expect_gone()
{
	local end=$(( $(now_ms) + ${3:-10} * 1000 )) seen=

	while seen=$(verdicts "$1") && [[ " $seen " == *" $2 "* ]]; do
		[ "$(now_ms)" -lt "$end" ] || fail "explain $1: expected no $2 any more, saw \"$seen\""
		pause "$between"
	done
}
