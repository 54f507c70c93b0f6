/*
 * Who may be the keeper, and where it is found: the lock, the socket's path.
 *
 * The lock dies with its process, so nothing stale is ever left; the lock
 * file is never removed.  A second lock on the directory of the environment
 * itself keeps two keepers apart even when somebody removed run/.
 */
#ifndef STORE_ELECT_H
#define STORE_ELECT_H

#include <sys/stat.h>

#include "store/keeper.h"

struct elect {
	int lock_fd;
	int db_fd; /* data_dir/db, locked too; -1 when not held */
	char *lock_path;
};

/*
 * Make data_dir/run and data_dir/db where missing and take the locks.
 * 1 we are the keeper; 0 another one is; -1 BH_STORAGE.
 */
int elect_take(struct elect *elect, const char *data_dir, struct bh_err *err);
/* Is the lock file still the one that we hold? */
bool is_elect_valid(const struct elect *elect);
void elect_release(struct elect *elect);

/* The listening socket, at its path. */
struct elect_socket {
	int fd;
	char *path;     /* data_dir/run/keeper.sock, of any length */
	struct stat is; /* what we put there */
	char *data_dir;
};

/* Bind under a temporary name and rename it over the path.  Only with the lock held. */
int elect_listen(struct elect_socket *sock, const char *data_dir, struct bh_err *err);
/* Does the path still lead to our socket? */
bool is_elect_socket(const struct elect_socket *sock);
/* Close; remove the path when it is ours. */
void elect_unlisten(struct elect_socket *sock);

/* The address of data_dir/run/<name>, short enough in any case. */
struct sockaddr_un;
int elect_address(const char *data_dir, const char *name, struct sockaddr_un *address,
    struct bh_err *err);

#endif
