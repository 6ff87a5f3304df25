/* size.c - the largest packet that passes, see ping.h. */
#include "ping.h"

void ping_bisect(struct ping_mtu *m, unsigned least, unsigned most, ping_passes *passes, void *arg)
{
	*m = (struct ping_mtu){ .least = least, .most = most };
	unsigned good = least, bad = most + 1;
	int r = most >= least ? passes(arg, most) : 0;
	m->asked++;
	if (r > 0) {
		m->measured = true;
		m->mtu = most;
		return;
	}
	bad = most;
	if (r < 0 || most <= least)
		return;
	r = passes(arg, least);
	m->asked++;
	m->measured = r > 0;
	while (r >= 0 && m->measured && bad - good > 1) {
		unsigned middle = good + (bad - good) / 2;
		r = passes(arg, middle);
		m->asked++;
		if (r > 0)
			good = middle;
		else
			bad = middle;
	}
	m->measured = m->measured && r >= 0;
	m->mtu = m->measured ? good : 0;
}
