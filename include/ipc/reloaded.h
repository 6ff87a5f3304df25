/*
 * reloaded.h - what a reload changed and what is wrong with the files, row by row, behind a struct msg_reloaded. The engine makes JSON of it.
 */
#ifndef IPC_RELOADED_H
#define IPC_RELOADED_H

#include "base/buf.h"

enum reload_kind { RELOAD_ADDED, RELOAD_CHANGED, RELOAD_REMOVED, RELOAD_ERROR, RELOAD_WARNING, RELOAD_KIND_COUNT };
struct reload_row {
	enum reload_kind kind;
	uint32_t line;                          /* of file */
	const char *tunnel, *key, *file, *text; /* "" = none; text: what the change interrupts, or what is wrong */
};
bool reload_put(struct buf *b, const struct reload_row *r); /* false: there is no room, and nothing was written */
bool reload_get(struct cursor *c, struct reload_row *r);    /* its texts lie in what the cursor reads; false: no more, or bad */

#endif
