/* confine.c - see confine.h. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "config.h"
#include "ipc/filter.h"
#include "ipc/privilege.h"

#define FILE_MAX (64 << 20) /* there are blocklists in /etc/hosts */
#define DESCRIPTORS 64

/* ---------------------------------------------------------------- the root directory */

/*
 * The C library's own ways only: modules of the name service would have to be loaded, and would speak with other daemons here. Names of
 * systemd-resolved are found through its server in resolv.conf.
 */
static const char nsswitch[] = "hosts: files dns\n";

static bool put_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);
		if (put < 0 && errno != EINTR)
			return false;
		p += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

static bool copy_all(int from, int to)
{
	static char piece[65536];
	ssize_t got;
	off_t all = 0;
	while ((got = read(from, piece, sizeof piece)) != 0) {
		if (got < 0 && errno != EINTR)
			return false;
		all += got > 0 ? got : 0;
		if (all > FILE_MAX || (got > 0 && !put_all(to, piece, (size_t)got)))
			return false;
	}
	return true;
}

/* Whole or not at all: another look-up may be reading it. */
static bool replace(int dir, const char *name, mode_t mode, int from, const char *text)
{
	char fresh[40];
	snprintf(fresh, sizeof fresh, ".%.20s.%d", name, (int)getpid());
	unlinkat(dir, fresh, 0);
	int fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	bool ok = from >= 0 ? copy_all(from, fd) : put_all(fd, text, strlen(text));
	ok = ok && fchmod(fd, mode) == 0;
	close(fd);
	ok = ok && renameat(dir, fresh, dir, name) == 0;
	if (!ok)
		unlinkat(dir, fresh, 0);
	return ok;
}

/* A file that is not there is a setting, too, and one that not everybody may read stays so. */
static bool copy_file(int dir, const char *name)
{
	char path[40];
	struct stat st;
	snprintf(path, sizeof path, "/etc/%s", name);
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from < 0)
		return unlinkat(dir, name, 0) == 0 || errno == ENOENT;
	bool ok = fstat(from, &st) == 0 && S_ISREG(st.st_mode) && replace(dir, name, 0600 | (st.st_mode & 044), from, NULL);
	close(from);
	return ok;
}

static bool fill(const char *root, const char **why)
{
	static char text[64];
	char path[128];
	*why = "its root directory cannot be used";
	/* Not the machine's own etc, whatever was asked. */
	int dir = root[0] == '/' && root[1] != 0 && (size_t)snprintf(path, sizeof path, "%s/etc", root) < sizeof path
			  ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
			  : -1;
	if (dir < 0)
		return false;
	bool ok = replace(dir, RESOLVER_NSSWITCH, 0644, -1, nsswitch);
	for (unsigned i = 0; i < ARRAY_SIZE(resolver_files) && ok; i++) {
		snprintf(text, sizeof text, "/etc/%s cannot be copied", resolver_files[i]);
		*why = text;
		ok = copy_file(dir, resolver_files[i]);
	}
	close(dir);
	return ok;
}

bool resolver_confine(const struct resolver_ask *ask, const char **why)
{
	const struct ordinary_user me = { .uid = ask->uid, .gid = ask->gid, .root = ask->root, .max_fds = DESCRIPTORS };
	return fill(ask->root, why) && privilege_user(&me, why);
}

/* ---------------------------------------------------------------- system calls */
#if defined(HAVE_LIBSECCOMP)
#include <seccomp.h>
#include <sys/ioctl.h>

#define CALL(name) SCMP_SYS(name)
#define SOCKET_TYPE 0xf /* the rest are SOCK_NONBLOCK and SOCK_CLOEXEC */

static const int granted[] = {
	/* descriptors */
	CALL(read),
	CALL(pread64),
	CALL(write),
	CALL(close),
	CALL(fstat),
	CALL(newfstatat),
	CALL(lseek),
	CALL(poll),
	CALL(ppoll),
	/* sockets: which ones is judged below */
	CALL(connect),
	CALL(sendto),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(getsockname),
	CALL(getpeername),
	/* memory */
	CALL(brk),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	/* time, signals, who am I, the end */
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(time),
	CALL(restart_syscall),
	CALL(futex),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(getpid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(uname),
	CALL(getrandom),
	CALL(exit),
	CALL(exit_group),
};

static const struct filter_rule rules[] = {
	/* the files of its root directory are read */
	{ CALL(openat), 1, { { 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY } } },
	{ CALL(socket), 2, { { 0, FILTER_INT, AF_INET }, { 1, SOCKET_TYPE, SOCK_DGRAM } } },
	{ CALL(socket), 2, { { 0, FILTER_INT, AF_INET }, { 1, SOCKET_TYPE, SOCK_STREAM } } },
	{ CALL(socket), 2, { { 0, FILTER_INT, AF_INET6 }, { 1, SOCKET_TYPE, SOCK_DGRAM } } },
	{ CALL(socket), 2, { { 0, FILTER_INT, AF_INET6 }, { 1, SOCKET_TYPE, SOCK_STREAM } } },
	/* a server that is not there is noticed at once */
	{ CALL(setsockopt), 2, { { 1, FILTER_INT, IPPROTO_IP }, { 2, FILTER_INT, IP_RECVERR } } },
	{ CALL(setsockopt), 2, { { 1, FILTER_INT, IPPROTO_IPV6 }, { 2, FILTER_INT, IPV6_RECVERR } } },
	{ CALL(ioctl), 1, { { 1, FILTER_INT, FIONREAD } } },
	/* a server at a link-local address: which interface is that? */
	{ CALL(ioctl), 1, { { 1, FILTER_INT, SIOCGIFINDEX } } },
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_GETFL } } },
	{ CALL(fcntl), 1, { { 1, FILTER_INT, F_GETFD } } },
};
static const struct filter filter = { granted, ARRAY_SIZE(granted), rules, ARRAY_SIZE(rules) };
#else
static const struct filter filter; /* filter_enter says that there is none */
#endif

bool resolver_filter(const char **why) { return filter_enter(&filter, why); }
