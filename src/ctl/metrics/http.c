/*
 * http.c - see http.h. Bodies are not read, connections are not kept, and what is not understood is answered and closed.
 */
#include "base/util.h"
#include "http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PATH "/metrics"

static const struct {
	int status;
	const char *words;
} statuses[] = { { 200, "OK" }, { 400, "Bad Request" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 431, "Request Header Fields Too Large" }, { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" } };

/* The end of the head, or 0. A bare line feed ends a line too (RFC 9112 2.2). */
static size_t head_end(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\n')
			continue;
		if (i + 1 < n && p[i + 1] == '\n')
			return i + 2;
		if (i + 2 < n && p[i + 1] == '\r' && p[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static bool starts(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);
	return n >= len && memcmp(p, word, len) == 0;
}

/* The request line: method SP target SP version. */
static int judge_line(const char *p, size_t n, struct http_request *r)
{
	const char *target = memchr(p, ' ', n), *end = p + n;
	const char *version = target != NULL ? memchr(target + 1, ' ', (size_t)(end - target) - 1) : NULL;
	if (version == NULL || !starts(version + 1, (size_t)(end - version) - 1, "HTTP/"))
		return 400;
	if (!starts(version + 1, (size_t)(end - version) - 1, "HTTP/1."))
		return 505;
	r->head_only = starts(p, n, "HEAD ");
	if (!r->head_only && !starts(p, n, "GET "))
		return 405;
	target++;
	size_t len = (size_t)(version - target);
	const char *query = memchr(target, '?', len);
	len = query != NULL ? (size_t)(query - target) : len;
	return len == strlen(PATH) && memcmp(target, PATH, len) == 0 ? 200 : 404;
}

static bool mentions(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i + len <= n; i++) {
		if (strncasecmp(p + i, word, len) == 0)
			return true;
	}
	return false;
}

static void take_field(const char *p, size_t n, struct http_request *r)
{
	static const char accept[] = "accept:";
	if (n >= sizeof accept - 1 && strncasecmp(p, accept, sizeof accept - 1) == 0)
		r->open |= mentions(p, n, "application/openmetrics-text");
}

size_t http_parse(const char *p, size_t n, struct http_request *r)
{
	size_t end = head_end(p, n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX), at = 0;
	*r = (struct http_request){ .status = 431 };
	if (end == 0)
		return n >= HTTP_HEAD_MAX ? n : 0;
	for (unsigned line = 0; at < end; line++) {
		const char *feed = memchr(p + at, '\n', end - at);
		size_t len = feed != NULL ? (size_t)(feed - p) - at : end - at, next = at + len + 1;
		if (len > 0 && p[at + len - 1] == '\r')
			len--;
		if (line == 0)
			r->status = judge_line(p + at, len, r);
		else
			take_field(p + at, len, r);
		at = next;
	}
	return end;
}

void http_head(int status, const char *type, size_t length, char *text, size_t size)
{
	size_t i = 0;
	while (i + 1 < ARRAY_SIZE(statuses) && statuses[i].status != status)
		i++;
	snprintf(text, size,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sCache-Control: no-store\r\nConnection: close\r\n\r\n",
		statuses[i].status, statuses[i].words, type, length, statuses[i].status == 405 ? "Allow: GET, HEAD\r\n" : "");
}
