/*
 * again.h - a configuration from files, and later again, when little of it has changed: tunnels whose lines and files in keys/ are the same are the same
 * objects. What is found in it, and what comes out, is what conf_load_files() finds and gives: whatever is not plainly the same is read in full.
 *
 * Reused as they are: files with the same bytes; in other files the lines of a tunnel (conf/split.h). A file in keys/ counts as the same by its inode and
 * times. Tunnels of which something was told are read each time. What tunnels have in common is looked for among all of them, by hashes; only
 * where two are equal the rules themselves are asked. With the first error everything is read in full.
 */
#ifndef CHECK_AGAIN_H
#define CHECK_AGAIN_H

#include "check/files.h"

struct conf_memory;
struct conf_memory *conf_memory_new(void);
void conf_memory_free(struct conf_memory *m);

/* As conf_load_files() with keys; now: seconds since 1970. Nothing is remembered of it until it is kept, and nothing that is in use is
 * changed: tunnels that are used further say until then where they were written before. */
struct conf *conf_memory_load(struct conf_memory *m, const char *main_file, int64_t now, struct findings *f, char why[FILE_WHY]);
/* c is what was loaded last, and is used: some of its tunnels may be other objects with the same settings by now (conf_adopt). */
void conf_memory_keep(struct conf_memory *m, const struct conf *c);

/* Of what was loaded last: of how many octets conf_pack() is, and how many tunnels were read. */
size_t conf_memory_packed(const struct conf_memory *m);
uint32_t conf_memory_read(const struct conf_memory *m);

#endif
