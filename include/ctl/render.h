/*
 * render.h - answers as words for people. On a terminal aligned and coloured; into a pipe plain: one space between cells, no heading.
 * Everything that comes from outside passes escaped() before it is printed.
 */
#ifndef CTL_RENDER_H
#define CTL_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "codes/state.h"

const char *escaped(char *text, size_t size, const char *src); /* NULL and "" become "-" */

bool tinted(FILE *to); /* a terminal that wants colours: NO_COLOR unset, TERM not dumb */

unsigned screen_width(FILE *to); /* columns of the terminal; 80 when it does not say */
/* Words of one line, clean already, after what stands there (`used` columns); what does not fit goes on under `indent`. Ends the line. */
void put_wrapped(FILE *to, const char *text, unsigned used, unsigned indent, unsigned width);
/* That on a terminal; elsewhere the words as they are and the line's end. */
void put_fitting(FILE *to, const char *text, unsigned used, unsigned indent);
/* "file:line: warning: text", clean already */
void put_place(FILE *to, const char *file, uint64_t line, bool warning, const char *text);

struct findings;
void put_findings(FILE *to, const struct findings *f, bool errors_only); /* as the daemon says them */

/* --- tables --- */
#define SHEET_COLUMNS 12
struct column {
	const char *title;
	bool right;
};
struct sheet;
struct sheet *sheet_new(const struct column *columns, unsigned n);
void sheet_row(struct sheet *s, const char *const *cells, unsigned tinted_column, enum tint tint); /* copies, escapes */
void sheet_print(struct sheet *s, FILE *to, bool terminal);
void sheet_print_as(const struct sheet *s, FILE *to, bool colours); /* aligned, with the heading */
unsigned sheet_width(const struct sheet *s);                        /* columns that it fills when aligned */
void sheet_free(struct sheet *s);

/* --- values --- */
#define SIZE_TEXT 24
const char *size_words(uint64_t bytes, char text[SIZE_TEXT]);                  /* "812", "1.4K", "23M", "1.1T" */
int64_t time_parse(const char *rfc3339);                                       /* 0 when it is none */
const char *age_words(const json_t *since, int64_t now, char text[TIME_TEXT]); /* "4h02m"; "-" */
const char *word_of(const json_t *object, const char *key);                    /* its string, or NULL */
uint64_t count_of(const json_t *object, const char *key);

/* --- answers --- */
void render_status(const json_t *answer, int64_t now, FILE *to, bool terminal);
void render_show(const json_t *answer, int64_t now, FILE *to, bool terminal);
void render_event(const json_t *event, FILE *to, bool terminal);
void render_reload(const json_t *told, FILE *to); /* added, changed, removed, faults */

#endif
