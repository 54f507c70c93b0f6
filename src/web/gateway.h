/*
 * CGI and FastCGI, one request type: meta-variables and a bounded body in,
 * bytes out.  The only user of <fcgiapp.h>.  Nothing here knows routes or pages.
 *
 * FastCGI (libfcgi 2.4.2): we accept ourselves, because libfcgi tests its
 * shutdown flag before a blocking accept() and so loses a signal in between,
 * and because the time-out must be on the connection before its parameters
 * are read.  Connections are never kept: a kept one would pin a process.
 */
#ifndef WEB_GATEWAY_H
#define WEB_GATEWAY_H

#include <signal.h>

#include "web/request.h"

struct gateway_limits {
	size_t body_max;
	int body_timeout_s; /* for parameters and body together */
};

struct gateway;

/* Serve from a listening socket (kept, not closed here; made non-blocking).  -1 BH_UNAVAILABLE. */
int gateway_open(int listen_fd, const struct gateway_limits *limits, struct gateway **gateway_r,
    struct bh_err *err);
void gateway_close(struct gateway **gateway);

/*
 * Wait for a request at most timeout_ms, with the signal mask unblocked (the
 * caller holds its signals blocked otherwise, so none is lost).  1 and request filled (see
 * request->refused), to be answered and released; 0 time is up, a signal came, or
 * another process won; -1 the listening socket is broken.
 */
int gateway_accept(struct gateway *gateway, int timeout_ms, const sigset_t *unblocked,
    const struct request_place *place, struct request *request, struct bh_err *err);
/* Send an answer (CGI form: "Status: ..." lines, empty line, body) and end the request. */
void gateway_answer(struct gateway *gateway, const void *head, size_t head_len, const void *body,
    size_t body_len);
/*
 * The same with len bytes from an open file as the body, in pieces.  A server that no longer
 * reads, or a file that has become shorter, ends it: the length in the head tells the browser.
 */
void gateway_answer_file(struct gateway *gateway, const void *head, size_t head_len, int fd,
    uint64_t len);

/* The one request of a CGI process, from environment and in_fd. */
void gateway_cgi_read(const char *const *environment, int in_fd,
    const struct gateway_limits *limits, const struct request_place *place,
    struct request *request);
/* -1 BH_UNAVAILABLE: the server no longer reads. */
int gateway_cgi_answer(int out_fd, const void *head, size_t head_len, const void *body,
    size_t body_len, struct bh_err *err);
int gateway_cgi_answer_file(int out_fd, const void *head, size_t head_len, int fd, uint64_t len,
    struct bh_err *err);

/* Is this descriptor a listening socket (how a web server starts FastCGI programs)? */
bool gateway_is_listening(int fd);

#endif
