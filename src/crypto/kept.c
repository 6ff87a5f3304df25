/*
 * kept.c - what a thread keeps per row of the registry because making it costs several times what it is made for: OpenSSL's
 * contexts. Nothing secret stays in them: whoever uses one leaves it without.
 */
#include <pthread.h>
#include <stdlib.h>

#include "lib.h"

struct thread {
	struct lib_kept of[LIB_KEPT_MAX];
};

static pthread_key_t key;
static bool can;

static void drop(void *p)
{
	struct thread *t = p;
	for (unsigned i = 0; i < LIB_KEPT_MAX; i++)
		if (t->of[i].p)
			t->of[i].drop(t->of[i].p);
	free(t);
}

static void begin(void) { can = pthread_key_create(&key, drop) == 0; }

struct lib_kept *lib_kept(const struct lib_alg *row)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, begin);
	struct thread *t = can ? pthread_getspecific(key) : NULL;
	if (!t && can) {
		t = xcalloc(1, sizeof *t);
		if (pthread_setspecific(key, t)) {
			free(t);
			t = NULL;
		}
	}
	return t ? &t->of[row->index] : NULL;
}
