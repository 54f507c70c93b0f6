/*
 * One HTTP request over a transport.  The real transport is libcurl (one
 * multi handle per process); tests bring their own.  Limits, time-outs and
 * redaction are here; retries are not.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"

struct http_header {
	char *name;
	char *value; /* wiped on release: it may be a token */
};

struct http_request {
	const char *method; /* literal: "GET" ... */
	char *url;          /* https, or http to a loopback address; owned */
	struct http_header *headers;
	size_t headers_n;
	struct bh_buf body;
	int timeout_ms;    /* whole call; 0: 120,000 */
	size_t answer_max; /* ceiling of the answer's body; 0: 16 MiB */
	bool secret_body;  /* never shown by the trace (token calls) */
};

struct http_response {
	int status; /* 0: no answer */
	struct http_header *headers;
	size_t headers_n;
	struct bh_buf body;
	int64_t elapsed_ms;
	/*
	 * Set when there is no complete answer: BH_UNAVAILABLE (nothing was sent:
	 * no connection, no name), BH_UNCERTAIN (it broke after sending),
	 * BH_INVALID (URL refused, answer too large).  BH_OK otherwise.
	 */
	struct bh_err err;
};

void http_request_init(struct http_request *request, const char *method, const char *url);
void http_request_header(struct http_request *request, const char *name, const char *value);
void http_request_release(struct http_request *request);
void http_response_init(struct http_response *response);
void http_response_release(struct http_response *response);
/* The first header of this name, case ignored; NULL.  Borrowed. */
const char *http_response_header(const struct http_response *response, const char *name);

/*
 * A transport makes n requests, at the same time where it can, and fills n
 * responses (initialised by the caller).  It never fails as a whole.
 */
struct http_transport {
	void (*perform)(struct http_transport *transport, const struct http_request *requests,
	    struct http_response *responses, size_t n);
};

/*
 * libcurl: keep-alive, HTTP/2 where offered, gzip, at most 8 connections a
 * host, TLS verified, no redirects followed.  Make it after fork().
 */
struct http_transport *http_curl_new(void);
void http_curl_free(struct http_transport **transport);

/* One request; 0 when there is an answer (any status), -1 with response->err copied to err. */
int http_perform(struct http_transport *transport, const struct http_request *request,
    struct http_response *response, struct bh_err *err);

/* Refuse what must not be called: only https, or http to 127.0.0.0/8, [::1], localhost. */
int http_check_url(const char *url, struct bh_err *err);

#endif
