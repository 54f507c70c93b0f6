/*
 * The front: processes that answer web requests from one listening socket, or
 * the one request of a CGI process.  Stateless; each may be killed at any instant.
 */
#ifndef WEB_FRONT_H
#define WEB_FRONT_H

#include "conf/conf.h"

struct front_options {
	const struct conf *conf;
	int listen_fd; /* front_run(): kept open, made non-blocking */
	int processes; /* <= 1: answer in this process, without forking */
	/* Starts the supervisor when the keeper cannot be reached; see struct store_options. */
	int (*start)(const char *data_dir, struct bh_err *err);
	/* Where no process may stay (conf/mode.h) instead: it for the time of a request; and ends it. */
	int (*start_briefly)(const char *data_dir, struct bh_err *err);
	void (*leave)(const char *data_dir);
};

/*
 * Serve until SIGTERM or SIGINT; the requests begun and those waiting are
 * answered first.  With several processes this one only watches: a dead one
 * is replaced (5 in a second, then a pause of a second); SIGUSR1 or SIGHUP
 * reads the configuration again and replaces the processes one after
 * another; they die with this one, or, where a web server started us
 * (listen_fd 0), one of them takes its place; then they end with the web server.  A single process ends at SIGUSR1 as at
 * SIGTERM (whoever started it starts another).  Returns the exit status.
 */
int front_run(const struct front_options *options);

/*
 * Serve nothing, only take in what relays have spooled, until SIGTERM (what
 * lies there by then is still taken): where no front runs.  Waits for a keeper, starts none.
 */
int front_import(const struct conf *conf);

/* Answer the CGI request in environ and descriptors 0 and 1.  Returns the exit status. */
int front_cgi(const struct front_options *options);

/*
 * A listening Unix socket at path (made under a temporary name, given mode,
 * renamed over what was there).  The descriptor, close-on-exec; -1 BH_UNAVAILABLE or BH_INVALID.
 */
int front_listen(const char *path, int mode, struct bh_err *err);

/*
 * The socket that a service manager listens on for the supervisor, whose child
 * this process is (LISTEN_FDS, sd_listen_fds(3)); made close-on-exec.  -1: there is none.
 */
int front_inherited(void);

/* Is fd a listening socket: did a web server start us as a FastCGI program? */
bool front_is_listening(int fd);

#endif
