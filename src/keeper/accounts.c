/*
 * accounts.c - see accounts.h. Each file is read once: the C library's own reading asks where it is in the file for each line of it, and both
 * files are gone through many times.
 */
#include "accounts.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"

#define NOBODY "nobody"
#define NOGROUP 65534 /* the kernel's overflow group: where there is no group of that number, nothing belongs to it */

struct texts {
	struct file_text passwd, group;
};

static FILE *open_text(const struct file_text *t) { return t->len > 0 ? fmemopen(t->text, t->len, "r") : NULL; }

static bool find_user(const struct file_text *file, const char *name, struct account *out)
{
	FILE *f = open_text(file);
	const struct passwd *pw = NULL;
	while (f != NULL && (pw = fgetpwent(f)) != NULL && strcmp(pw->pw_name, name) != 0)
		continue;
	if (pw != NULL)
		*out = (struct account){ pw->pw_uid, pw->pw_gid };
	if (f != NULL)
		fclose(f);
	return pw != NULL;
}

static bool find_group(const struct file_text *file, const char *name, gid_t *out)
{
	FILE *f = open_text(file);
	const struct group *gr = NULL;
	while (f != NULL && (gr = fgetgrent(f)) != NULL && strcmp(gr->gr_name, name) != 0)
		continue;
	if (gr != NULL)
		*out = gr->gr_gid;
	if (f != NULL)
		fclose(f);
	return gr != NULL;
}

static bool is_taken(const struct file_text *file, uid_t uid)
{
	FILE *f = open_text(file);
	const struct passwd *pw = NULL;
	while (f != NULL && (pw = fgetpwent(f)) != NULL && pw->pw_uid != uid)
		continue;
	if (f != NULL)
		fclose(f);
	return pw != NULL;
}

static bool find_engine(const struct texts *files, const char *user, struct account *out)
{
	bool found = find_user(&files->passwd, user, out);
	if (!found) {
		log_line(LOG_LEVEL_WARNING,
			"user %s does not exist (systemd-sysusers or useradd --system makes it): using " NOBODY, user);
		found = find_user(&files->passwd, NOBODY, out);
	}
	if (found && out->uid != 0)
		return true;
	log_line(LOG_LEVEL_ERROR, "user %s cannot be used: it %s", user, found ? "is root" : "does not exist");
	return false;
}

static bool is_of(const struct account *v, unsigned n, uid_t uid)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].uid == uid)
			return true;
	return false;
}

/* Its own group first; the operators' group and those of our other processes are nobody's here. Files and devices of tokens belong to groups: tss. */
static void find_groups(
	const struct file_text *file, const char *user, const struct accounts *a, gid_t groups[SIGNER_GROUPS_MAX], unsigned *n)
{
	FILE *f = open_text(file);
	const struct group *gr;
	while (f != NULL && (gr = fgetgrent(f)) != NULL && *n < SIGNER_GROUPS_MAX) {
		bool member = false, ours = gr->gr_gid == 0 || gr->gr_gid == a->control || gr->gr_gid == a->engine.gid ||
					    gr->gr_gid == a->resolver.gid || gr->gr_gid == a->signer.gid;
		for (char **m = gr->gr_mem; *m != NULL; m++)
			member = member || strcmp(*m, user) == 0;
		if (member && !ours && gr->gr_gid != a->token.gid)
			groups[(*n)++] = gr->gr_gid;
	}
	if (f != NULL)
		fclose(f);
}

/* Never the uid of one of the others: of two processes with one uid each may signal the other and read what is its. */
static void find_other(const struct texts *files, const char *user, const char *for_what, const struct account *others,
	unsigned n, struct account *out)
{
	const char *names[] = { user, NOBODY };
	for (unsigned i = 0; i < 2; i++) {
		bool fits = find_user(&files->passwd, names[i], out) && out->uid != 0 && !is_of(others, n, out->uid);
		if (fits && i == 0)
			return;
		if (i == 0)
			log_line(LOG_LEVEL_WARNING,
				"no user %s for %s (systemd-sysusers or useradd --system makes it): using another", user,
				for_what);
		if (fits)
			return;
	}
	*out = (struct account){ NOGROUP - 1, NOGROUP };
	while (is_of(others, n, out->uid) || is_taken(&files->passwd, out->uid))
		out->uid--;
}

/* An account of an earlier release has the operators' group as its own. Its processes go without. */
static void leave_control(const struct texts *files, const char *user, gid_t control, struct account *out)
{
	if (control == 0 || out->gid != control)
		return;
	if (!find_group(&files->group, ENGINE_GROUP, &out->gid) || out->gid == control)
		out->gid = control != NOGROUP ? NOGROUP : NOGROUP - 1;
	log_line(LOG_LEVEL_WARNING,
		"the group of the control socket is the primary group of user %s; our process runs with group %u instead: "
		"groupadd -f --system " ENGINE_GROUP "; usermod -g " ENGINE_GROUP " %s",
		user, (unsigned)out->gid, user);
}

static bool find_all(const struct texts *files, const char *user, const char *group, struct accounts *out)
{
	*out = (struct accounts){ 0 };
	if (!find_engine(files, user, &out->engine))
		return false;
	struct account others[3] = { out->engine };
	find_other(files, RESOLVER_USER, "DNS look-ups", others, 1, &out->resolver);
	others[1] = out->resolver;
	find_other(files, SIGNER_USER, "private keys", others, 2, &out->signer);
	others[2] = out->signer;
	find_other(files, TOKEN_USER, "private keys in tokens", others, 3, &out->token);
	if (!find_group(&files->group, group, &out->control))
		log_line(LOG_LEVEL_WARNING, "group %s does not exist: only root may use the control socket", group);
	leave_control(files, user, out->control, &out->engine);
	leave_control(files, RESOLVER_USER, out->control, &out->resolver);
	leave_control(files, SIGNER_USER, out->control, &out->signer);
	leave_control(files, TOKEN_USER, out->control, &out->token);
	find_groups(&files->group, TOKEN_USER, out, out->token_groups, &out->n_token_groups);
	return true;
}

bool accounts_find(const struct account_files *files, const char *user, const char *group, struct accounts *out)
{
	struct texts t;
	/* What cannot be read is told as what does not exist. */
	file_read(files->passwd, SETTINGS_FILE_MAX, &t.passwd);
	file_read(files->group, SETTINGS_FILE_MAX, &t.group);
	bool found = find_all(&t, user, group, out);
	file_text_release(&t.passwd);
	file_text_release(&t.group);
	return found;
}
