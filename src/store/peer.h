/*
 * One connection of the keeper: frames in, frames out, never blocking.  The
 * keeper reads no further request from a peer before its last answer has left,
 * so what waits for a slow peer is bounded by one answer and one wake-up.
 */
#ifndef STORE_PEER_H
#define STORE_PEER_H

#include "store/engine.h"

struct peer {
	struct peer *next;
	int fd; /* -1: gone, freed at the end of the turn */
	uint64_t serial;
	struct bh_buf in, out;
	size_t out_at;    /* sent of out */
	int64_t since_ms; /* since when a message is half received or half sent; 0: none is */
	uint32_t polled;  /* the epoll events that are asked for */
	bool is_busy;     /* its request is being worked on: read nothing from it */
	bool is_closing;  /* ends when its last answer has left */
	bool is_watcher;
	bool is_wake_due;
	uint64_t batch; /* the last one that held a commit of this peer */
	struct watch_set watches;
};

struct peer *peer_new(int fd, uint64_t serial);
void peer_free(struct peer *peer);
/* Close the descriptor; the rest stays until peer_free(). */
void peer_drop(struct peer *peer);

/* Take what has arrived.  -1: the peer is gone. */
int peer_read(struct peer *peer);
/* 1 and a whole payload (borrowed until peer_took()), 0 not yet, -1 too large. */
int peer_payload(const struct peer *peer, struct wire_slice *payload_r);
void peer_took(struct peer *peer, const struct wire_slice *payload);

/* Begin an answer: 4 bytes for its length; give the result to peer_finish(). */
size_t peer_answer(struct peer *peer);
void peer_finish(struct peer *peer, size_t at);
/* Send as much as goes.  1 all has left, 0 some remains, -1: the peer is gone. */
int peer_send(struct peer *peer);

/* Does the process at the other end belong to our user (or to root)? */
bool is_peer_ours(int fd);

#endif
