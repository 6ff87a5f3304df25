/*
 * files.h - a configuration from files, for s2sd and s2sctl: FILE, conf.d/ and keys/ beside it are read by base/file, judged by check/.
 */
#ifndef CHECK_FILES_H
#define CHECK_FILES_H

#include "base/file.h"
#include "check/check.h"

struct conf_files {
	struct file_set set;
	struct conf_text *texts; /* set.n of them */
};
bool conf_files_read(struct conf_files *s, const char *main_file, char why[FILE_WHY]);
void conf_files_release(struct conf_files *s);

/* A key_reader; arg is the path of keys/. */
struct psk *conf_key_read(void *arg, const char *name, size_t max, struct key_fault *fault);
/* Another; arg is a struct key_folder: all keys are of one folder, whatever has got its name meanwhile. */
struct key_folder {
	char *path;
	int dir; /* of file_key_open() */
};
struct psk *conf_key_read_in(void *arg, const char *name, size_t max, struct key_fault *fault);
struct key_folder key_folder_open(const char *main_file);
void key_folder_close(struct key_folder *k);

/* Everything at once. NULL: either why says which file could not be read, or why is "" and the findings say what is wrong. Without keys
 * nobody looks at the files in keys/. */
struct conf *conf_load_files(const char *main_file, bool keys, struct findings *f, char why[FILE_WHY]);

#endif
