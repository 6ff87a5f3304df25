/* judge.c - which leg of the way works, and what that means; see ping.h. Pure. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "ping.h"

const char *ping_code_word(enum ping_code c)
{
	static const char *const words[PING_CODES] = {
#define X(code, word) [PING_##code] = word,
		PING_CODE_LIST(X)
#undef X
	};
	return words[c];
}

static enum ping_truth truth(bool known, bool yes) { return !known ? PING_UNKNOWN : yes ? PING_YES : PING_NO; }

/* Other traffic may count as well: fewer than ours is a proof, as many is none of more than that the leg works. */
static void legs(const struct ping_facts *f, struct ping_result *r)
{
	uint64_t out = f->is.sa_out - f->was.sa_out, in = f->is.sa_in - f->was.sa_in;
	r->leg[LEG_INTERFACE] = truth(f->is.link || f->is.sa,
		f->sent > 0 && ((f->is.link && f->is.link_out - f->was.link_out >= f->sent) || (f->is.sa && out >= f->sent)));
	r->leg[LEG_ESP_OUT] = truth(f->is.sa, f->sent > 0 && out >= f->sent && f->is.refused - f->was.refused < f->sent);
	r->leg[LEG_ESP_IN] = f->received > 0 ? PING_YES : truth(f->is.sa, in > 0);
	r->leg[LEG_ANSWER] = f->received > 0 ? PING_YES : PING_NO;
}

static const struct {
	enum ping_code code;
	const char *text, *todo;
} words[] = {
	{ PING_ANSWERED, "all were answered: both directions work", "" },
	{ PING_SOME_LOST, "some were answered: both directions work, and packets are lost on the way",
		"look for loss on the path outside" },
	{ PING_NOT_SENT, "this machine sent none of them", "`s2sctl explain` says what is wrong with routes and filters" },
	{ PING_TOO_BIG, "this machine sent none of them: they are larger than what fits into the tunnel", "" },
	{ PING_FILTERED,
		"none reached the tunnel's interface: a packet filter of this machine drops what it sends itself (output, postrouting)",
		"`s2sctl explain` names the rule" },
	{ PING_NO_SA, "the interface took them, and the kernel has no SA for these addresses",
		"compare the traffic selectors in `s2sctl show` with the two addresses" },
	{ PING_LOOP, "the way to the peer leads into the tunnel itself", "`s2sctl explain` says which route does that" },
	{ PING_ESP_STOPPED,
		"they were encrypted, and this machine drops the ESP packets on their way out (a filter in output, or a queue)",
		"let ESP to the peer pass: `s2sctl explain` names the rule" },
	{ PING_INSIDE_APART, "the peer says that there is no such host",
		"compare 'inside' with what the peer has: both ends are hosts of one network" },
	{ PING_REFUSED_THERE, "they went through the tunnel, and the other side cannot deliver them",
		"look there: the host, its network, its routes" },
	{ PING_DAMAGED, "ESP came back, and this machine refused it: damaged or repeated packets",
		"`s2sctl explain` says which" },
	{ PING_NO_ESP_BACK, "they went into the tunnel and left as ESP; nothing came back as ESP: the path or the peer",
		"the peer may not let ping in, or has no route back to the address that was sent from; `s2sctl probe --esp` tests whether ESP passes" },
	{ PING_LOST_HERE,
		"ESP came back and was decrypted, and no answer reached this program: a packet filter of this machine drops what comes out of the "
		"tunnel, or that was other traffic",
		"`s2sctl explain` names the rule; without other traffic in the tunnel the answer is sure" },
};

/*
 * The target is to be the peer itself, and somebody behind the tunnel who is not in that network says that it is not there: the peer, by its own inside
 * address (a router sends such a message from the interface that it came by, RFC 1812 4.3.2.4).
 */
static bool is_apart(const struct ping_facts *f)
{
	bool unreachable = f->error == EHOSTUNREACH || f->error == ENETUNREACH;
	return unreachable && f->inside.addr.family != 0 && f->error_from.family == f->inside.addr.family &&
	       !prefix_contains(&f->inside, &f->error_from);
}

static enum ping_code code_of(const struct ping_facts *f, const struct ping_result *r)
{
	uint64_t in = f->is.sa_in - f->was.sa_in;
	bool big = f->error == EMSGSIZE;
	if (f->received > 0)
		return f->received >= f->sent ? PING_ANSWERED : PING_SOME_LOST;
	if (f->sent == 0)
		return big ? PING_TOO_BIG : f->error == EPERM ? PING_FILTERED : PING_NOT_SENT;
	if (f->is.loop - f->was.loop >= f->sent)
		return PING_LOOP;
	if (f->is.refused - f->was.refused >= f->sent)
		return PING_ESP_STOPPED;
	if (f->is.no_sa - f->was.no_sa >= f->sent)
		return PING_NO_SA;
	if (f->errors > 0 && big)
		return PING_TOO_BIG;
	if (r->leg[LEG_ESP_OUT] == PING_NO)
		return PING_FILTERED;
	if (f->errors > 0 && !f->error_own && f->error_from.family != 0 && !addr_same_ip(&f->error_from, &f->from))
		return is_apart(f) ? PING_INSIDE_APART : PING_REFUSED_THERE;
	if (in == 0 && (f->is.sa_damaged > f->was.sa_damaged || f->is.link_damaged > f->was.link_damaged))
		return PING_DAMAGED;
	return in > 0 ? PING_LOST_HERE : PING_NO_ESP_BACK;
}

void ping_judge(const struct ping_facts *f, struct ping_result *r)
{
	char from[ADDR_TEXT], to[ADDR_TEXT], inside[ADDR_TEXT];
	*r = (struct ping_result){ 0 };
	legs(f, r);
	r->code = code_of(f, r);
	size_t i = 0;
	while (i < ARRAY_SIZE(words) && words[i].code != r->code)
		i++;
	snprintf(r->todo, sizeof r->todo, "%s", words[i].todo);
	if (r->code == PING_NOT_SENT && f->error != 0)
		snprintf(r->text, sizeof r->text, "%s: %s", words[i].text, strerror(f->error));
	else if (r->code == PING_TOO_BIG && f->error_mtu > 0)
		snprintf(r->text, sizeof r->text, "packets of %u do not fit: %u at most", f->size, f->error_mtu);
	else if (r->code == PING_INSIDE_APART)
		snprintf(r->text, sizeof r->text,
			"%s: %s is nobody there, says %s, which is not in our inside network %s: the inside addresses of the two "
			"ends do not match",
			words[i].text, addr_format(&f->to, to), addr_format(&f->error_from, from),
			prefix_format(&f->inside, inside));
	else if (r->code == PING_REFUSED_THERE)
		snprintf(r->text, sizeof r->text, "%s: %s says: %s", words[i].text, addr_format(&f->error_from, from),
			strerror(f->error));
	else if (r->code == PING_NO_ESP_BACK)
		snprintf(r->text, sizeof r->text,
			"%u packet%s went into the tunnel and left as ESP; nothing came back as ESP: the path or the peer%s",
			f->sent, f->sent == 1 ? "" : "s", f->ike_heard ? " (which answers IKE)" : "");
	else
		snprintf(r->text, sizeof r->text, "%s", words[i].text);
}
