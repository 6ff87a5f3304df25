/*
 * ipc.h - the wire between keeper and engine, and between keeper and signer: messages over a SOCK_SEQPACKET pair, each a fixed head and a body of plain data.
 *
 * A datagram carries one message or several, one behind the other, each filled up with zeros to a multiple of IPC_ALIGN:
 *
 *	head  body  zeros  |  head  body  zeros  |  ...           at most IPC_PACK_MAX together, or one message that is larger
 *
 * Sending never blocks: what the socket does not take waits in a bounded queue. What is said while a batch is handled, or in one turn of a loop that
 * corks, leaves together at its end: to wake the other process costs more than most messages. Descriptors travel with one message that is alone in its
 * datagram. Bodies may hold keys, so buffers are wiped after use. What does not fit into a message travels in a sealed memfd. Both ends are the same
 * program, yet a receiver trusts only sizes it has checked; what breaks these rules is no other end.
 */
#ifndef DAEMON_IPC_H
#define DAEMON_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ike/ike.h"

#define IPC_BODY_MAX (2 * (IKE_MESSAGE_MAX + IKE_NONCE_MAX + 2 * PRF_MAX) + 4096) /* the largest is MSG_AUTH */
#define IPC_ALIGN 16u
#define IPC_PADDED(n) (((n) + IPC_ALIGN - 1) / IPC_ALIGN * IPC_ALIGN)
#define IPC_PACK_MAX 32768u /* of several messages in one datagram: some 40 requests for AUTH, 300 answers of the kernel */
#define IPC_FDS_MAX 8
#define IPC_BACKLOG_MAX (64u << 20) /* bytes that may wait for a reader who does not read */
#define IPC_BLOB_MAX (256u << 20)

struct event_base;
struct ipc;

struct ipc_head {
	uint32_t kind, size; /* size of the body */
	struct ike_ticket ticket;
};
struct ipc_message {
	struct ipc_head head;
	const uint8_t *body; /* aligned for any struct; gone after ipc_done */
	unsigned n_fds;
	int fds[IPC_FDS_MAX]; /* the handler takes those it wants by setting them to -1; the rest are closed */
};

struct ipc *ipc_new(int fd);  /* takes the socket and makes it non-blocking */
void ipc_free(struct ipc *c); /* closes and wipes; allowed inside the handlers below */
/* False: the other end is gone, or has not read for so long that the backlog is full. The caller gives the other end up. */
bool ipc_send(struct ipc *c, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size);
/* fds stay the caller's */
bool ipc_send_fds(struct ipc *c, uint32_t kind, const void *body, size_t size, const int *fds, unsigned n);
/* 1: a message; 0: none now; -1: the other end is gone or sent something that is no message: with it goes the rest of that datagram. */
int ipc_receive(struct ipc *c, struct ipc_message *m);
/* after each ipc_receive that gave 1: wipes the body, closes what was not taken */
void ipc_done(struct ipc *c, struct ipc_message *m);
bool ipc_has_more(const struct ipc *c); /* of the datagram that the last message was in */
void ipc_cork(struct ipc *c); /* from now on what is sent waits for ipc_flush, which is called after each turn of the loop */
void ipc_hold(struct ipc *c); /* until ipc_let_go, what is sent waits; may be nested */
void ipc_let_go(struct ipc *c);
bool ipc_flush(struct ipc *c); /* sends what waits; false as for ipc_send */
size_t ipc_backlog(const struct ipc *c);

/* Watches the socket: message() for each message, gone() once when the other end is lost. */
struct ipc_watcher {
	void (*message)(void *arg, struct ipc_message *m);
	void (*gone)(void *arg);
	void *arg;
};
void ipc_watch(struct ipc *c, struct event_base *base, const struct ipc_watcher *w);

/* Large data as a sealed memfd: -1 when the kernel refuses. The map is read-only; empty when the descriptor is no sealed memfd of ours. */
int ipc_blob(const void *data, size_t size);
struct bytes ipc_blob_map(int fd);
void ipc_blob_unmap(struct bytes map);

#endif
