/*
 * file.h - whole files into memory, for start-up, reload and s2sctl: settings and key files. Never for the engine or the protocol.
 *
 * The set of a configuration: FILE (may be absent), then conf.d/ *.yaml beside it in name order. Key files lie in keys/ beside it.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_WHY 512
#define S2S_SETTINGS_LINK "s2sd.yaml" /* in the run directory, to the FILE that the daemon reads */
#define SETTINGS_FILE_MAX ((size_t)16 << 20)
#define KEY_FILE_MAX ((size_t)4096)
#define CERT_FILE_MAX ((size_t)512 << 10) /* certificates, revocation lists, private keys */

struct file_text {
	char *path;
	char *text; /* len bytes and a NUL */
	size_t len;
	bool private_mode; /* a regular file that group and others can neither read nor write */
};

/* Reads a regular file of at most max bytes. 0 or -errno (-EFBIG: larger; -EINVAL: no regular file). */
int file_read(const char *path, size_t max, struct file_text *out);
void file_text_release(struct file_text *f); /* wiped: settings may hold keys */

struct file_set {
	struct file_text *v; /* path: escaped, as it is told */
	unsigned n;
	char *key_dir; /* path of keys/ */
};
/* false with a sentence that names the file in why; the set is empty then. */
bool file_set_read(struct file_set *s, const char *main_file, char why[FILE_WHY]);
void file_set_release(struct file_set *s);
/* The same, file by file: each() owns what it is given; false ends the walk. */
bool file_set_walk(
	const char *main_file, bool (*each)(void *arg, struct file_text *f, char why[FILE_WHY]), void *arg, char why[FILE_WHY]);
char *file_key_dir(const char *main_file); /* malloc'd */

/* Why a key cannot be had: what is to be done hangs on the kind, the sentence is for people. */
enum key_fault_kind {
	KEY_FAULT_OTHER,
	KEY_FAULT_ABSENT,
	KEY_FAULT_OPEN /* group or others can read or write it */,
	KEY_FAULT_DENIED /* not for us to read: we are not root */
};
struct key_fault {
	enum key_fault_kind kind;
	const char *text;
	bool named; /* there is a file of this name. Where there is none, the "name" may be a key in the wrong place, and nobody repeats it */
};
struct key_fault key_fault_absent(void);

/* The bytes of KEY_DIR/NAME, max at most, malloc'd: wipe and free them. NULL with *fault. The file must be a regular file, not a link, that neither
 * group nor others can read or write, owned by us or root. A key's final newline is not part of it: file_key_line() is the length without one LF or CRLF. */
uint8_t *file_key_read(const char *key_dir, const char *name, size_t max, size_t *len, struct key_fault *fault);
/* The same of a folder that is open. dir: of file_key_open(); -1 with its errno. */
uint8_t *file_key_read_in(int dir, const char *name, size_t max, size_t *len, struct key_fault *fault);
size_t file_key_line(const uint8_t *p, size_t n);
/*
 * Of the file's inode, not of its content: while it is the same the file has not been written, replaced or given another mode. 0, which is never the
 * same: there is no such regular file, or it was changed at `before` (seconds since 1970) or later, so that one more change might not be seen in
 * its times. dir: of file_key_open(), or -1.
 */
int file_key_open(const char *key_dir); /* -1 with errno */
void file_key_close(int dir);
#define FILE_TIMES_COARSE 2 /* s: file systems keep times as coarse as that */
uint64_t file_key_stamp(int dir, const char *name, int64_t before);

#endif
