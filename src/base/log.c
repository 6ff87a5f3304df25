/*
 * log.c - see log.h. Three ways out: stderr, the journal's native datagrams (text and fields), syslog(3).
 * All that must be found by path is opened at log_open, because the caller may change its root afterwards.
 */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define LINE_MAX_BYTES 2048
#define JOURNAL_PATH "/run/systemd/journal/socket"

static const struct {
	const char *word;
	int priority; /* of syslog */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_NOTICE] = { "notice", LOG_NOTICE },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static struct {
	enum { TO_STDERR, TO_SYSLOG, TO_JOURNAL } way;
	enum log_level max;
	int fd; /* the journal's socket, when the way is TO_JOURNAL */
	int facility;
	unsigned lost; /* lines the journal had no room for */
	char ident[32];
} out = { .way = TO_STDERR, .max = LOG_LEVEL_NOTICE, .fd = -1 };

static void close_all(void)
{
	if (out.fd >= 0)
		close(out.fd);
	if (out.way != TO_STDERR)
		closelog();
	out.fd = -1;
	out.lost = 0;
	out.way = TO_STDERR;
}

void log_open_stderr(enum log_level max)
{
	close_all();
	out.max = max;
}

static int journal_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof to.sun_path)
		return -1;
	memcpy(to.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool log_open_journal(const char *path, const char *ident, int facility, enum log_level max)
{
	close_all();
	out.max = max;
	out.facility = facility;
	snprintf(out.ident, sizeof out.ident, "%s", ident);
	/* Syslog is opened in any case: it is where lines go should the journal refuse them. */
	openlog(out.ident, LOG_PID | LOG_NDELAY, facility);
	out.fd = journal_connect(path);
	out.way = out.fd >= 0 ? TO_JOURNAL : TO_SYSLOG;
	return out.fd >= 0;
}

void log_open_syslog(const char *ident, int facility, enum log_level max)
{
	log_open_journal(JOURNAL_PATH, ident, facility, max);
}

void log_set_level(enum log_level max) { out.max = max; }

bool log_wants(enum log_level level) { return level <= out.max; }

const char *log_level_word(enum log_level level) { return levels[level].word; }

bool log_level_parse(const char *word, enum log_level *level)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(word, levels[i].word) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void flatten(char *text)
{
	for (; *text != 0; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

/* One write, so that lines of several processes do not mix. */
static void to_stderr(enum log_level level, const char *text)
{
	char line[LINE_MAX_BYTES + 64], when[TIME_TEXT];
	int n = snprintf(line, sizeof line, "%s %s: %s\n", wall_format(time(NULL), when), levels[level].word, text);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody reads stderr any more, and there is no other place to say so */
}

static void add_field(struct buf *b, const char *name, const char *value)
{
	char text[128];
	if (value == NULL)
		return;
	snprintf(text, sizeof text, "%s", value);
	flatten(text);
	put_bytes(b, name, strlen(name));
	put_u8(b, '=');
	put_bytes(b, text, strlen(text));
	put_u8(b, '\n');
}

static bool to_journal(enum log_level level, const struct log_fields *f, const char *text)
{
	uint8_t mem[LINE_MAX_BYTES + 1024];
	char number[16];
	struct buf b = buf_of(mem, sizeof mem);
	put_bytes(&b, "MESSAGE=", 8);
	put_bytes(&b, text, strlen(text)); /* flat already: the one-line form of a field suffices */
	put_u8(&b, '\n');
	snprintf(number, sizeof number, "%d", levels[level].priority);
	add_field(&b, "PRIORITY", number);
	snprintf(number, sizeof number, "%d", out.facility >> 3);
	add_field(&b, "SYSLOG_FACILITY", number);
	snprintf(number, sizeof number, "%ld", (long)getpid());
	add_field(&b, "SYSLOG_PID", number);
	add_field(&b, "SYSLOG_IDENTIFIER", out.ident);
	if (f != NULL) {
		add_field(&b, "S2S_TUNNEL", f->tunnel);
		add_field(&b, "S2S_EVENT", f->event);
		add_field(&b, "S2S_PEER", f->peer);
	}

	/* A busy journal must not hold up the daemon: a line it has no room for is counted, and the count told later. */
	ssize_t n = send(out.fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
		out.lost++;
		return true;
	}
	return n >= 0;
}

static void emit(enum log_level level, const struct log_fields *f, const char *text)
{
	if (out.way == TO_STDERR) {
		to_stderr(level, text);
		return;
	}
	if (out.way == TO_JOURNAL && to_journal(level, f, text))
		return;
	syslog(levels[level].priority, "%s", text);
}

static void tell_lost(void)
{
	char text[64];
	unsigned lost = out.lost;
	out.lost = 0;
	snprintf(text, sizeof text, "%u log lines were lost: the journal had no room", lost);
	emit(LOG_LEVEL_WARNING, NULL, text);
	if (out.lost > 0)
		out.lost = lost;
}

static void __attribute__((format(printf, 3, 0)))
log_args(enum log_level level, const struct log_fields *f, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];
	int saved = errno; /* a log line never changes what the caller is about to look at */
	int n = vsnprintf(text, sizeof text, fmt, args);
	if (n >= (int)sizeof text)
		memcpy(text + sizeof text - 4, "...", 4);
	flatten(text);
	if (out.lost > 0)
		tell_lost();
	if (n >= 0)
		emit(level, f, text);
	errno = saved;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;
	if (!log_wants(level))
		return;
	va_start(args, fmt);
	log_args(level, NULL, fmt, args);
	va_end(args);
}

void log_fielded(enum log_level level, const struct log_fields *f, const char *fmt, ...)
{
	va_list args;
	if (!log_wants(level))
		return;
	va_start(args, fmt);
	log_args(level, f, fmt, args);
	va_end(args);
}

/* Characters that draw nothing or turn the text around: C1 controls, zero width, line separators, bidi marks, BOM, tags. */
static bool deceives(uint32_t ch)
{
	return (ch >= 0x80 && ch <= 0x9f) || ch == 0xad || ch == 0x61c || (ch >= 0x200b && ch <= 0x200f) ||
	       (ch >= 0x2028 && ch <= 0x202e) || (ch >= 0x2060 && ch <= 0x206f) || ch == 0xfeff ||
	       (ch >= 0xe0000 && ch <= 0xe0fff);
}

/* Bytes of the character at p that may be shown as they are; 0 when its first byte has to be escaped. */
static size_t plain(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* below it the form is overlong */
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '"' && p[0] != '\'' && p[0] != '\\';
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > n)
		return 0;
	uint32_t ch = p[0] & (0x7f >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		ch = ch << 6 | (p[i] & 0x3f);
	}
	if (ch < least[len] || ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff) || deceives(ch))
		return 0;
	return len;
}

const char *log_escape(char *text, size_t size, struct bytes src)
{
	if (size == 0)
		return text;
	size_t len = 0, cut = 0; /* cut: the last place where "..." would still fit */
	for (size_t i = 0; i < src.n;) {
		char piece[5];
		size_t whole = plain(src.p + i, src.n - i), n = whole > 0 ? whole : 4;
		if (whole > 0)
			memcpy(piece, src.p + i, whole);
		else
			snprintf(piece, sizeof piece, "\\x%02x", src.p[i]);
		if (len + 4 <= size)
			cut = len;
		if (len + n >= size) {
			size_t dots = size - 1 - cut < 3 ? size - 1 - cut : 3;
			memcpy(text + cut, "...", dots);
			len = cut + dots;
			break;
		}
		memcpy(text + len, piece, n);
		len += n;
		i += whole > 0 ? whole : 1;
	}
	text[len] = 0;
	return text;
}
