/*
 * ping.h - `s2sctl ping`: echo requests from a tunnel's inside address through its interface, and which leg of the way works.
 *
 *     socket.c  ICMP of either family; who may not have such a socket gets a raw one as root
 *     run.c     requests, answers, counters before and after --> struct ping_facts
 *     judge.c   pure: facts --> the legs, a result, what to do
 *     size.c    pure: the largest packet that passes, by bisection over a function
 *     ask.c     which tunnel, from where, to where: the daemon's answer
 *     ping.c    the command and its words        esp.c, trial.c  `s2sctl probe TUNNEL --esp`
 *
 * Order of the files, from below: socket, size, judge, run, ask, ping, trial, esp.
 */
#ifndef CTL_PING_H
#define CTL_PING_H

#include <jansson.h>
#include <stdio.h>

#include "base/addr.h"
#include "ctl/ctl.h"

#define PING_NAME 16 /* an interface's name */
#define PING_SIZE 84 /* of a packet, IP header and all, as ping(8) sends them over IPv4 */
#define PING_LEAST_4 576
#define PING_LEAST_6 1280

/* ---------------------------------------------------------------- sockets */
struct ping_socket {
	int fd;
	bool raw;
	uint8_t family;
	uint16_t id; /* of a raw one; the kernel chooses otherwise */
};
enum ping_df { PING_DF_OFF, PING_DF_ASK /* what the kernel has learned counts */, PING_DF_PROBE /* it does not */ };
int ping_open(struct ping_socket *s, const char *interface, const struct addr *from, enum ping_df df); /* 0 or -errno */
void ping_close(struct ping_socket *s);
int ping_send(struct ping_socket *s, const struct addr *to, uint16_t seq, unsigned size); /* of the whole packet; 0 or -errno */
enum ping_kind { PING_NOTHING, PING_ANSWER, PING_ERROR };
struct ping_event {
	enum ping_kind kind;
	uint16_t seq;
	unsigned size;
	int ttl;          /* -1 = not known */
	int error;        /* errno that the error stands for */
	bool own;         /* this machine's own refusal, not a message of somebody's */
	struct addr from; /* who answers; family 0 = not known */
	unsigned mtu;     /* of "too big"; 0 */
};
/* system_ms(); PING_NOTHING: it is that late, or interrupted */
struct ping_event ping_receive(struct ping_socket *s, int64_t until);

/* ---------------------------------------------------------------- facts */
struct ping_counters {
	bool sa, link; /* these are known */
	uint64_t sa_out, sa_in, sa_damaged;
	/* of the interface; the last three of what was to go out */
	uint64_t link_out, link_in, link_damaged, no_sa, refused, loop;
};
struct ping_facts {
	const char *tunnel, *interface;
	struct addr from, to;
	struct prefix inside; /* our own that the target is to be the other end of; family 0 = it is not that */
	unsigned size, sent, received, not_sent, errors; /* errors: ICMP messages about ours */
	int error;                                       /* errno of the last that was not sent, or of the last message */
	struct addr error_from;                          /* family 0 or our own: this machine */
	bool error_own;
	unsigned error_mtu;
	double least, sum, most; /* round trips, ms */
	struct ping_counters was, is;
	bool ike_heard;   /* the peer was heard of during the run: on IKE, when nothing came back as ESP */
	int64_t heard_at; /* when it was at the beginning of it; 0 = never */
};
#define PING_CODE_LIST(X) \
	X(ANSWERED, "answered") \
	X(SOME_LOST, "some-lost") \
	X(NOT_SENT, "not-sent") \
	X(TOO_BIG, "too-big") \
	X(FILTERED, "filtered") \
	X(NO_SA, "no-sa") \
	X(LOOP, "loop") \
	X(ESP_STOPPED, "esp-stopped") \
	X(INSIDE_APART, "inside-apart") \
	X(REFUSED_THERE, "refused-there") \
	X(DAMAGED, "damaged") \
	X(NO_ESP_BACK, "no-esp-back") \
	X(LOST_HERE, "lost-here")
enum ping_code {
#define X(code, word) PING_##code,
	PING_CODE_LIST(X)
#undef X
		PING_CODES
};
const char *ping_code_word(enum ping_code c);
/* A leg works, does not, or nothing says so. */
enum ping_leg { LEG_INTERFACE, LEG_ESP_OUT, LEG_ESP_IN, LEG_ANSWER, LEG_COUNT };
enum ping_truth { PING_NO, PING_YES, PING_UNKNOWN };
#define PING_WORDS 480
struct ping_result {
	enum ping_code code;
	enum ping_truth leg[LEG_COUNT];
	char text[PING_WORDS], todo[PING_WORDS]; /* todo "" = nothing */
};
void ping_judge(const struct ping_facts *f, struct ping_result *r);

/* ---------------------------------------------------------------- the largest that passes */
/* Whether a packet of this size passes; -1: interrupted. */
typedef int ping_passes(void *arg, unsigned size);
struct ping_mtu {
	bool measured; /* the least did pass */
	unsigned least, most, mtu;
	unsigned asked; /* sizes that were tried */
};
void ping_bisect(struct ping_mtu *m, unsigned least, unsigned most, ping_passes *passes, void *arg);

/* ---------------------------------------------------------------- running */
struct ping_plan {
	const struct options *o;
	char tunnel[64], interface[PING_NAME], state[32];
	bool udp; /* ESP goes in UDP */
	int mtu;  /* of the interface; 0 = not known */
	unsigned n;
	struct {
		struct addr from, to;
		struct prefix inside; /* see ping_facts */
	} pair[8];
};
/* What the daemon says; false after telling why not, *code is set. */
bool ping_ask(struct ping_plan *p, const struct options *o, const char *tunnel, const char *address, int *code);
bool ping_in_udp(const struct ping_plan *p); /* as the daemon says now */
bool ping_count(const struct options *o, const struct ping_plan *p, struct ping_counters *c, int64_t *heard);
/* Requests, one a second; each answer is told as it comes when `tell` is not NULL. 0 or -errno: there is no socket. */
int ping_run(const struct ping_plan *p, unsigned pair, unsigned count, unsigned size, FILE *tell, struct ping_facts *f);
int ping_measure(const struct ping_plan *p, unsigned pair, struct ping_mtu *m); /* 0 or -errno */
void ping_catch(void); /* from now on Ctrl-C ends the waiting, and the summary follows */
bool ping_interrupted(void);

int ping_no_socket(const struct ping_plan *p, unsigned pair, int err); /* tells why, the exit code */

/* ---------------------------------------------------------------- does ESP pass */
#define ESP_PINGS 5
enum esp_verdict {
	ESP_PASSES,
	ESP_COMES_BACK,
	ESP_NOT_SENT,
	ESP_DROPPED,     /* ... or the peer sends nothing back */
	ESP_UDP_HELPS,   /* it was tried: something comes back then */
	ESP_UDP_NO_HELP, /* ... nothing does */
	ESP_UDP_UNANSWERED,
	ESP_NOTHING_HEARD,
	ESP_VERDICTS
};
const char *esp_verdict_word(enum esp_verdict v);
enum esp_verdict esp_judge(const struct ping_facts *f, const struct ping_result *r, bool udp, bool heard);

/* trial.c: ESP in UDP, tried */
struct ping_trial {
	bool tried, made;     /* made: ESP has left in UDP; else why not */
	bool back;            /* it leaves as configured again */
	char why[PING_WORDS]; /* "": nothing failed */
	unsigned seconds;     /* it was watched for */
	struct ping_facts f;  /* the last pings; valid when made */
	struct ping_result r;
};
int ping_try_udp(const struct ping_plan *p, struct ping_trial *t); /* 0 or -errno: there is no socket */
enum esp_verdict esp_judge_trial(const struct ping_trial *t);
json_t *esp_json(const struct ping_plan *p, const struct ping_facts *f, const struct ping_result *r, enum esp_verdict v,
	const struct ping_trial *trial);
json_t *ping_trial_json(const struct ping_trial *t); /* null when nothing was tried */

json_t *ping_facts_json(const struct ping_facts *f, const struct ping_result *r);
void ping_summary(const struct ping_facts *f, const struct ping_result *r, FILE *out);

#endif
