/*
 * Answers.  The only writer of status and headers, so that no security header
 * can be forgotten; templates (escaping by default) and static files.
 */
#ifndef WEB_VIEW_H
#define WEB_VIEW_H

#include <jansson.h>

#include "conf/conf.h"

#define VIEW_BODY_MAX (8u << 20)
#define VIEW_COOKIES 2

struct response {
	int status;                  /* 200 ... ; 0: nothing was decided, answered as 500 */
	const char *type;            /* Content-Type; a literal */
	char *location;              /* of a redirect; owned */
	char allow[64];              /* of a 405: "GET, POST"; "" none */
	int retry_after_s;           /* 0: no header */
	bool asks_token;             /* of a 401: a bearer token is asked for */
	char *cookies[VIEW_COOKIES]; /* values of Set-Cookie; owned */
	char etag[24];               /* without quotes; "" none */
	int max_age_s;               /* > 0: may be cached so long; else no-store */
	bool is_immutable;
	struct bh_buf body;
	/* A static file instead of body: borrowed from the view. */
	const char *file;
	size_t file_len;
	/* Or what stands in an open file, sent in parts: see response_stream(). */
	bool is_stream;
	int stream_fd;
	uint64_t stream_len;
	char download[80]; /* the name under which a browser saves it; "" shown */
};

void response_init(struct response *response);
void response_release(struct response *response);

/* "Status: ..." and all headers, with the empty line; appended to head. */
void response_head(const struct response *response, struct bh_buf *head);
/* What follows the head; nothing for HEAD and 304.  Borrowed. */
const void *response_body(const struct response *response, bool is_head, size_t *len_r);

/* Set-Cookie with HttpOnly and SameSite=Lax; max_age_s 0 removes it.  path: the base, "" for the root. */
void response_cookie(struct response *response, const char *name, const char *value,
    const char *path, int max_age_s, bool is_secure);
void response_redirect(struct response *response, const char *base, const char *path);
/* A JSON text; takes the reference. */
void response_json(struct response *response, int status, json_t *json);
void response_text(struct response *response, int status, const char *text);
/*
 * 200 with the first len bytes of an open file (taken), as a download of that name
 * (letters, digits, dots and hyphens).
 */
void response_stream(struct response *response, int take_fd, uint64_t len, const char *type,
    const char *name);

/* -- templates and static files -- */

struct view;

/*
 * Load all *.mustache of conf->template_dir and the files of conf->static_dir.
 * With BILLHOOK_SOURCE in the environment they are read again for each page.
 * -1 BH_INVALID naming the file.
 */
int view_open(const struct conf *conf, struct view **view_r, struct bh_err *err);
void view_close(struct view **view);

/*
 * Render the page template (file <page>.mustache) inside layout.mustache,
 * where {{>content}} is the page; {{>name}} elsewhere is _name.mustache.
 * -1 BH_INVALID (missing or failing template): response is untouched.
 */
int view_page(struct view *view, struct response *response, int status, const char *page,
    const json_t *model, struct bh_err *err);
/* A static file by name, answering if_none_match (may be NULL) with 304; is_versioned: the URL names its content. */
bool view_file(struct view *view, struct response *response, const char *name,
    const char *if_none_match, bool is_versioned);
/* The short digest of a static file for "?v=", "" when there is no such file.  Borrowed. */
const char *view_file_version(struct view *view, const char *name);

#endif
