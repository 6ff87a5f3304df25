/*
 * http.h - as much of HTTP/1.1 (RFC 9112) as a scraper needs: one GET or HEAD of /metrics per connection. Pure: bytes in, a verdict out.
 */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_HEAD_MAX 8192 /* request line and fields */

struct http_request {
	int status;     /* 200, or why not */
	bool head_only; /* HEAD */
	bool open;      /* the scraper takes OpenMetrics */
};

/* 0: the head is not complete yet; otherwise its length, with *r filled. A head that can never become one is complete at once. */
size_t http_parse(const char *p, size_t n, struct http_request *r);
/* Status line and fields, ready to be followed by `length` bytes; the connection is closed after them. */
void http_head(int status, const char *type, size_t length, char *text, size_t size);

#endif
