/*
 * Inside store/: the keeper's state, and the parts of its turn.  desk.c
 * takes what arrives and sends what leaves; batch.c makes commits durable;
 * keeper.c opens, loops, looks around and closes.
 */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include "store/bdb.h"
#include "store/elect.h"
#include "store/import.h"
#include "store/keeper.h"
#include "store/peer.h"
#include "store/space.h"
#include "store/upkeep.h"

#define PEERS_MAX 2000
#define BATCH_MAX PEERS_MAX /* a peer has one commit in it at most */

/* A commit waiting for its answer.  It borrows from its peer's input. */
struct waiting {
	struct peer *peer;
	struct wire_commit commit;
	uint64_t stamp;
	int rc;
	struct bh_err err;
};

struct keeper {
	const struct keeper_options *options;
	struct elect elect;
	struct elect_socket sock;
	struct space space;
	struct bdb *bdb;
	struct serve serve;
	struct upkeep *upkeep;
	struct import *import;
	int epoll_fd, signal_fd;
	struct peer *peers;
	size_t peers_n, peers_max;
	uint64_t serial;
	struct waiting batch[BATCH_MAX];
	size_t batch_n;
	uint64_t batches;
	double flush_us; /* moving average */
	bool must_stop, must_sweep, has_wakes;
	int64_t wanted_ms, looked_ms, started_ms;
};

/* -- desk.c -- */

/* Start polling, and listen.  The upkeep thread runs already. */
int desk_open(struct keeper *k, struct bh_err *err);
/* Bind the socket (again). */
int desk_listen(struct keeper *k, struct bh_err *err);
/*
 * Take what is ready, waiting for it at most so long: reads are answered at
 * once, commits are put into the batch.
 */
void desk_take_events(struct keeper *k, int64_t wait_us);
/* As many requests of what a peer has sent as may be handled now. */
void desk_handle(struct keeper *k, struct peer *peer);
/* body is what stands behind version and type; NULL: err. */
void desk_answer(struct keeper *k, struct peer *peer, const struct wire_slice *body,
    const struct bh_err *err);
/* Remember whom this commit wakes (arg is the keeper); wake them, after the flush. */
void desk_note_wakes(void *arg, const struct wire_commit *commit);
void desk_send_wakes(struct keeper *k);
/* Free the peers that are gone; not while a batch borrows from them. */
void desk_sweep(struct keeper *k);
/* Drop peers with half a message that does not move. */
void desk_drop_stuck(struct keeper *k);

/* -- batch.c -- */

/* Wait a little for the commits that usually come along. */
void batch_gather(struct keeper *k);
/* Apply, flush, answer.  -1: nobody was answered, the process must end. */
int batch_run(struct keeper *k);
/* Flush alone (arg is the keeper).  -1 as batch_run(). */
int batch_flush(void *arg);

#endif
