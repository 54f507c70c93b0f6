/*
 * Which function answers which request: a table of routes, and nothing else.
 *
 * Flags only loosen.  No flag means: a session is required, a POST must carry
 * the form token and needs an administrator.
 */
#ifndef WEB_ROUTER_H
#define WEB_ROUTER_H

#include "base/err.h"

#define ROUTE_ARGS 4
#define ROUTE_ARG_MAX 160 /* bytes of a decoded path argument */

enum {
	ROUTE_PUBLIC = 1,   /* no session needed */
	ROUTE_RAW = 2,      /* the body is no form of ours: no token */
	ROUTE_OPERATOR = 4, /* POST: operators may */
	ROUTE_VIEWER = 8,   /* POST: everybody with a session may */
	ROUTE_ANY_FORMAT =
	    16 /* answers also while the store is older or newer than this Billhook */
};

struct exchange; /* web/site.h */

struct route {
	const char *method;  /* "GET" (serves HEAD too) or "POST" */
	const char *pattern; /* "/hook/:connection": a segment with a colon takes any value */
	/* 0 with an answer in the exchange, or -1: the error page of err is shown. */
	int (*answer)(struct exchange *exchange, struct bh_err *err);
	unsigned flags;
};

struct route_match {
	const struct route *route;
	char args[ROUTE_ARGS][ROUTE_ARG_MAX]; /* values of the colon segments, in order */
	char allow[64]; /* of a wrong method: what is allowed, "GET, HEAD, POST" */
};

/* 1 found; 0 no such path; -1 the path is there under other methods (match->allow). */
int router_match(const struct route *routes, size_t n, const char *method, const char *path,
    struct route_match *match);

/*
 * The first segments of all routes into words (room for n + 1), NULL at the
 * end: what request.h needs to tell a base from a path.  Owned copies; router_words_free().
 */
char **router_words(const struct route *routes, size_t n);
void router_words_free(char ***words);

#endif
