/* compare.c - what the comparisons share: telling, and dumps that begin again. */
#include "compare.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DUMPS_MAX 5

static void tell(struct comparison *c, struct kernel_difference *d, const char *fmt, va_list ap)
{
	char what[KERNEL_WHAT];
	if (c->fn == NULL)
		return;
	vsnprintf(what, sizeof what, fmt, ap);
	d->what = what;
	d->by = c->k->who[d->object].name;
	c->fn(c->arg, d);
}

/* An interface takes its addresses and routes with it, an address its routes. */
static bool follows(const struct tunnel *t, enum kernel_object object)
{
	bool link = t->look.told & 1u << OBJECT_INTERFACE, address = t->look.told & 1u << OBJECT_ADDRESS;
	return (object == OBJECT_ADDRESS && link) || (object == OBJECT_ROUTE && (link || address));
}

void compare_told(
	struct comparison *c, struct tunnel *t, enum kernel_object object, int error, const char *was, const char *fmt, ...)
{
	struct kernel_difference d = { .tunnel = t != NULL ? t->want.id : 0,
		.object = object,
		.restored = error == 0,
		.was = was,
		.why = error != 0 ? c->k->why : "" };
	if (error != 0 && c->error == 0) {
		c->error = error;
		memcpy(c->why, c->k->why, sizeof c->why);
	}
	if (t != NULL && error == 0 && follows(t, object))
		return;
	if (t != NULL)
		t->look.told |= 1u << object;
	va_list ap;
	va_start(ap, fmt);
	tell(c, &d, fmt, ap);
	va_end(ap);
}

void compare_surplus(struct comparison *c, uint32_t tunnel, enum kernel_object object, const char *fmt, ...)
{
	struct kernel_difference d = { .tunnel = tunnel_find(c->k, tunnel) != NULL ? tunnel : 0,
		.object = object,
		.restored = true,
		.surplus = true,
		.was = "",
		.why = "" };
	va_list ap;
	va_start(ap, fmt);
	tell(c, &d, fmt, ap);
	va_end(ap);
}

static void tell_sa(struct comparison *c, struct kernel_difference *d, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void tell_sa(struct comparison *c, struct kernel_difference *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	tell(c, d, fmt, ap);
	va_end(ap);
}

void compare_lost_sa(struct comparison *c, struct tunnel *t, const struct xsa_id *id)
{
	struct kernel_difference d = {
		.tunnel = t->want.id, .object = OBJECT_SA, .spi = id->spi, .dst = id->dst, .was = "", .why = ""
	};
	char text[ADDR_TEXT];
	tell_sa(c, &d, "SA %08x to %s", (unsigned)id->spi, addr_format(&id->dst, text));
}

void list_add(struct list *l, const void *one)
{
	if (l->n == l->cap) {
		l->cap = l->cap != 0 ? 2 * l->cap : 64;
		l->v = xrealloc_array(l->v, l->cap, l->size);
	}
	memcpy((uint8_t *)l->v + l->n++ * l->size, one, l->size);
}

void list_free(struct list *l)
{
	free(l->v);
	l->v = NULL;
	l->n = l->cap = 0;
}

int compare_dump(struct comparison *c, const struct dump *d, void *arg)
{
	int error = -EINTR;
	for (unsigned tries = 0; tries < DUMPS_MAX && error == -EINTR; tries++) {
		d->begin(arg);
		error = 0;
		for (unsigned i = 0; i < d->rounds && error == 0; i++) {
			d->ask(&c->k->scratch, i);
			error = nl_dump(d->nl, &c->k->scratch, d->what, d->see, arg);
		}
	}
	return error;
}
