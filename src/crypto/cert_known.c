/*
 * cert_known.c - certificates of peers that were believed, as they were read. To read one takes the library longer than to verify two signatures, and who
 * comes again, or has several tunnels, shows the same ones. What is kept is what the octets say, no verdict: whoever finds one here judges it anew.
 */
#include <pthread.h>
#include <string.h>

#include "cert_known.h"

#define KNOWN 64 /* about 6 kB each */

static struct {
	pthread_mutex_t lock;
	uint64_t uses;
	struct {
		struct cert *cert; /* NULL: free */
		uint64_t used;
	} v[KNOWN];
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Under lock: the place of these octets, or -1. */
static int find(struct bytes der)
{
	for (int i = 0; i < KNOWN; i++)
		if (known.v[i].cert != NULL && bytes_equal(known.v[i].cert->der, der))
			return i;
	return -1;
}

struct cert *cert_read_known(struct bytes der, enum cert_cause *why)
{
	pthread_mutex_lock(&known.lock);
	int i = find(der);
	struct cert *c = i >= 0 ? cert_hold(known.v[i].cert) : NULL;
	if (c != NULL)
		known.v[i].used = ++known.uses;
	pthread_mutex_unlock(&known.lock);
	if (c == NULL)
		return cert_read(der, why);
	*why = CERT_OK;
	return c;
}

/* In the place of the one that was of no use for longest. */
void cert_remember(struct cert *c)
{
	struct cert *gone = NULL;
	int oldest = 0;
	pthread_mutex_lock(&known.lock);
	if (find(c->der) < 0) {
		for (int i = 0; i < KNOWN; i++)
			oldest = known.v[i].used < known.v[oldest].used ? i : oldest;
		gone = known.v[oldest].cert;
		known.v[oldest].cert = cert_hold(c);
		known.v[oldest].used = ++known.uses;
	}
	pthread_mutex_unlock(&known.lock);
	cert_free(gone);
}
