/* certificate.c - `s2sctl certificate`: its three commands. */
#include <string.h>

#include "certificate.h"
#include "crypto/alg.h"

int run_certificate(const struct ctl_command *self, const struct options *o)
{
	static const struct {
		const char *word;
		ctl_run *run;
	} rows[] = { { "request", run_certificate_request }, { "show", run_certificate_show },
		{ "check", run_certificate_check } };
	const char *bad = NULL;
	if (!alg_init(&bad))
		return ctl_fail(o, CTL_FAILED, "crypto", "cryptographic library: %s", bad);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].word, o->argv[0]) == 0)
			return rows[i].run(self, o);
	return ctl_usage(o, self, "'%s' is none of request, show, check", o->argv[0]);
}
