/*
 * One HTTP request, however it came: the CGI meta-variables (RFC 3875) as
 * "NAME=value" texts, and the body.  Everything here is hostile and bounded.
 *
 * Where we are mounted
 *
 * Links need the path under which the web server gave us its requests
 * ("base"), and routes need what follows it ("path").  No server says so
 * plainly; seen are, for /hook/x (at the root) or /sub/hook/x (below):
 *
 *   lighttpd, prefix "/sub"              SCRIPT_NAME=/sub          PATH_INFO=/hook/x
 *   lighttpd, prefix "/"                 SCRIPT_NAME=/hook         PATH_INFO=/x
 *     ... with fix-root-scriptname       SCRIPT_NAME=              PATH_INFO=/hook/x
 *   lighttpd or Apache, plain CGI, relay SCRIPT_NAME=/sub/b.cgi    PATH_INFO=/hook/x
 *   Apache, ScriptAlias / (cgid, fcgid)  SCRIPT_NAME=              PATH_INFO=/hook/x
 *   Apache, rewritten in .htaccess       SCRIPT_NAME=/sub/b.fcgi   PATH_INFO=/hook/x
 *                                        and REQUEST_URI=/sub/hook/x
 *   mod_proxy_fcgi, SetHandler           SCRIPT_NAME=/hook or /hook/x, PATH_INFO=/x or none
 *   mod_proxy_fcgi, ProxyPass /sub       SCRIPT_FILENAME=proxy:fcgi://host/hook/x
 *
 * So: the whole path is REQUEST_URI's; a configured base that it starts with
 * is believed; else a SCRIPT_NAME whose last segment is a program (*.cgi,
 * *.fcgi, *.fcg, billhook) is the base, or what stands before PATH_INFO in
 * the whole path; else the tail of a proxy: file name is the path; else, when
 * SCRIPT_NAME ends with a first word of our routes, the base ends before it;
 * else, when SCRIPT_NAME and PATH_INFO make up the whole path, SCRIPT_NAME is
 * the base; else the base is empty.  Below a sub-path with mod_proxy_fcgi set
 * public_url: then nothing is guessed.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include "base/buf.h"

#define REQUEST_PARAMS_MAX (64u << 10) /* bytes of all meta-variables together */
#define REQUEST_PARAMS_COUNT 512
#define REQUEST_PATH_MAX 2048
#define REQUEST_FORM_MAX (256u << 10)
#define REQUEST_UPLOAD_MAX (1u << 20) /* bytes of a form with files */
#define REQUEST_FIELDS_MAX 256

/* What the program knows of its place; see above.  Borrowed for the life of the requests. */
struct request_place {
	const char *base;         /* path of the configured public URL: "" or "/sub" */
	const char *const *words; /* first segments of our routes, NULL at the end; may be NULL */
	const char *trusted;      /* proxies whose headers are believed (web/proxy.h); may be NULL */
};

struct request_field {
	char *name;
	char *value;
};
struct request_fields {
	struct request_field *items;
	size_t n;
};

struct request {
	const char *const *params; /* NULL-terminated "NAME=value"; borrowed */
	char method[12];           /* "POST"; "GET" also for HEAD */
	bool is_head;
	bool is_https;
	char *base;    /* percent-encoded: "" or "/sub"; owned */
	char *path;    /* decoded, starts with "/"; owned */
	char peer[64]; /* address of the client: as the server saw it, or a proxy that is trusted */
	char host[256]; /* that the client asked for, the same way; "" when absent or too long */
	struct request_fields query;
	struct request_fields form; /* filled by request_read_form() */
	struct bh_buf body;
	int64_t received_ms;
	/* A status to answer without looking further (400, 408, 413, 414, 431), and why. */
	int refused;
	struct bh_err why;
};

/* An empty request that can be released, with a body of at most body_max bytes. */
void request_init(struct request *request, size_t body_max);
void request_release(struct request *request);

/*
 * Take method, path, query and peer from params (borrowed until release).
 * What cannot be understood sets refused and why; path is then "/".
 */
void request_begin(struct request *request, const char *const *params,
    const struct request_place *place);

/* The value of a meta-variable; NULL when absent.  Borrowed. */
const char *request_param(const struct request *request, const char *name);
/* A header by its usual name ("X-Signature"), NULL when absent; "Authorization" also as Apache's rewriting names it.  Borrowed. */
const char *request_header(const struct request *request, const char *name);
/* CONTENT_LENGTH: 1 and the number, 0 absent, -1 no number or beyond any sense. */
int request_length(const struct request *request, uint64_t *length_r);
/* The value of a cookie copied into out; false when absent or too long. */
bool request_cookie(const struct request *request, const char *name, char *out, size_t size);

/* A value of the query or of the form; NULL when absent.  Borrowed. */
const char *request_query(const struct request *request, const char *name);
const char *request_field(const struct request *request, const char *name);

/*
 * What a person gave: the contents of the file in one field, or where none was chosen
 * what was typed into the other; "" neither.  Borrowed.
 */
const char *request_given(const struct request *request, const char *file, const char *typed);

/* Parse the body as a form, with or without files (web/multipart.h).  -1 BH_INVALID: another content type, too large, no UTF-8, too many fields. */
int request_read_form(struct request *request, struct bh_err *err);

/*
 * "a=b&c=d" into fields: percent and plus decoded, at most
 * REQUEST_FIELDS_MAX, UTF-8 without NUL.  -1 BH_INVALID and nothing to release.
 */
int request_fields_parse(struct request_fields *fields, const char *text, size_t len,
    struct bh_err *err);
/* One more, whose texts are taken; there must be less than REQUEST_FIELDS_MAX. */
void request_field_add(struct request_fields *fields, char *take_name, char *take_value);
void request_fields_release(struct request_fields *fields);

#endif
