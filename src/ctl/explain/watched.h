/* watched.h - `s2sctl explain TUNNEL --from A --to B --trace`: real packets of the pair, and what became of them. */
#ifndef CTL_WATCHED_H
#define CTL_WATCHED_H

#include "ctl/ctl.h"
#include "ctl/filter.h"
#include "ctl/watch.h"
#include "symptoms.h"

struct link_counts { /* of the tunnel's interface, while it was watched */
	int64_t in, out, errors_in, errors_out, no_policy, refused, loops;
};
struct watched_legacy {
	bool loaded, dropped; /* rules of iptables-legacy are here and could be read; one of them dropped something */
	struct filter_counted by;
};
int explain_watch(const struct options *o, const struct symptoms *s, const struct addr *from, const struct addr *to);
void watched_text(
	const struct watch *w, const struct symptoms *s, const struct link_counts *c, const struct watched_legacy *l, FILE *to);
json_t *watched_json(
	const struct watch *w, const struct symptoms *s, const struct link_counts *c, const struct watched_legacy *l);

#endif
