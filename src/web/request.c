/* Requests: see request.h. */
#include "base/base.h"

#include "web/request.h"

#include <strings.h>

#include "base/text.h"
#include "web/multipart.h"
#include "web/proxy.h"

void
request_init(struct request *request, size_t body_max)
{
	memset(request, 0, sizeof(*request));
	bh_buf_init(&request->body, body_max);
}

void
request_release(struct request *request)
{
	free(request->base);
	free(request->path);
	request_fields_release(&request->query);
	request_fields_release(&request->form);
	bh_buf_release(&request->body);
	request_init(request, request->body.max);
}

/* -- meta-variables -- */

const char *
request_param(const struct request *request, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *p = request->params; p != NULL && *p != NULL; p++)
		if (strncmp(*p, name, len) == 0 && (*p)[len] == '=')
			return *p + len + 1;
	return NULL;
}

/* A meta-variable, "" when absent. */
static const char *
param(const struct request *request, const char *name)
{
	const char *value = request_param(request, name);

	return value != NULL ? value : "";
}

const char *
request_header(const struct request *request, const char *name)
{
	char key[128] = "HTTP_";
	size_t at = strlen(key);
	const char *value;

	/* These two have no prefix (RFC 3875, 4.1.2 and 4.1.3). */
	if (strcasecmp(name, "Content-Type") == 0)
		return request_param(request, "CONTENT_TYPE");
	if (strcasecmp(name, "Content-Length") == 0)
		return request_param(request, "CONTENT_LENGTH");
	for (; *name != '\0' && at < sizeof(key) - 1; name++) {
		char c = *name;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == '-')
			c = '_';
		key[at++] = c;
	}
	key[at] = '\0';
	value = *name == '\0' ? request_param(request, key) : NULL;
	/* Apache's rewriting renames what a .htaccess saved before it was stripped. */
	if (value == NULL && strcmp(key, "HTTP_AUTHORIZATION") == 0)
		value = request_param(request, "REDIRECT_HTTP_AUTHORIZATION");
	return value;
}

int
request_length(const struct request *request, uint64_t *length_r)
{
	const char *text = request_param(request, "CONTENT_LENGTH");

	*length_r = 0;
	/* An empty value is how some servers say that there is none (RFC 3875, 4.1.2). */
	if (text == NULL || text[0] == '\0')
		return 0;
	return bh_is_uint(text, strlen(text), (uint64_t)1 << 40, length_r) ? 1 : -1;
}

bool
request_cookie(const struct request *request, const char *name, char *out, size_t size)
{
	const char *at = param(request, "HTTP_COOKIE");
	size_t name_len = strlen(name);

	while (*at != '\0') {
		size_t len;

		at += strspn(at, " ;");
		len = strcspn(at, ";");
		if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=') {
			len -= name_len + 1;
			if (len >= size)
				return false;
			memcpy(out, at + name_len + 1, len);
			out[len] = '\0';
			return true;
		}
		at += len;
	}
	return false;
}

/* -- fields -- */

void
request_fields_release(struct request_fields *fields)
{
	for (size_t i = 0; i < fields->n; i++) {
		free(fields->items[i].name);
		/* May have been a password. */
		bh_wipe(fields->items[i].value, strlen(fields->items[i].value));
		free(fields->items[i].value);
	}
	free(fields->items);
	*fields = (struct request_fields){NULL, 0};
}

/* One side of "name=value", decoded; NULL when it is no text. */
static char *
field_text(const char *text, size_t len)
{
	struct bh_buf out = BH_BUF_INIT(len);

	bh_percent_decode(&out, text, len, true);
	if (!bh_is_utf8(bh_buf_str(&out), out.len) || strlen(bh_buf_str(&out)) != out.len) {
		bh_buf_release(&out);
		return NULL;
	}
	return bh_buf_steal(&out);
}

void
request_field_add(struct request_fields *fields, char *take_name, char *take_value)
{
	if (fields->n % 16 == 0)
		fields->items =
		    bh_xrealloc(fields->items, (fields->n + 16) * sizeof(*fields->items));
	fields->items[fields->n++] = (struct request_field){take_name, take_value};
}

static bool
is_field_added(struct request_fields *fields, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	char *name = field_text(text, name_len);
	char *value = equals != NULL ? field_text(equals + 1, len - name_len - 1) : bh_xstrdup("");

	if (name == NULL || value == NULL) {
		free(name);
		free(value);
		return false;
	}
	request_field_add(fields, name, value);
	return true;
}

int
request_fields_parse(struct request_fields *fields, const char *text, size_t len,
    struct bh_err *err)
{
	*fields = (struct request_fields){NULL, 0};
	while (len > 0) {
		const char *end = memchr(text, '&', len);
		size_t n = end != NULL ? (size_t)(end - text) : len;

		if (n != 0 && fields->n == REQUEST_FIELDS_MAX) {
			request_fields_release(fields);
			return bh_fail(err, BH_INVALID, "more than %d fields", REQUEST_FIELDS_MAX);
		}
		if (n != 0 && !is_field_added(fields, text, n)) {
			request_fields_release(fields);
			return bh_fail(err, BH_INVALID, "a field is not UTF-8 text");
		}
		text += n;
		len -= n;
		if (len > 0) {
			text++;
			len--;
		}
	}
	return 0;
}

static const char *
find_field(const struct request_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->n; i++)
		if (strcmp(fields->items[i].name, name) == 0)
			return fields->items[i].value;
	return NULL;
}

const char *
request_query(const struct request *request, const char *name)
{
	return find_field(&request->query, name);
}

const char *
request_field(const struct request *request, const char *name)
{
	return find_field(&request->form, name);
}

const char *
request_given(const struct request *request, const char *file, const char *typed)
{
	const char *text = request_field(request, file);

	if (text == NULL || *text == '\0')
		text = request_field(request, typed);
	return text != NULL ? text : "";
}

static int
check_size(const struct request *request, size_t most, struct bh_err *err)
{
	if (request->body.len <= most)
		return 0;
	return bh_fail(err, BH_INVALID, "the form is larger than %zu bytes", most);
}

int
request_read_form(struct request *request, struct bh_err *err)
{
	static const char wanted[] = "application/x-www-form-urlencoded";
	const char *type = param(request, "CONTENT_TYPE");

	if (multipart_is(type)) {
		if (check_size(request, REQUEST_UPLOAD_MAX, err) < 0)
			return -1;
		request_fields_release(&request->form);
		return multipart_parse(&request->form, type, bh_buf_str(&request->body),
		    request->body.len, err);
	}
	if (strncasecmp(type, wanted, strlen(wanted)) != 0 ||
	    strchr("; ", type[strlen(wanted)]) == NULL)
		return bh_fail(err, BH_INVALID, "the body is not a form");
	if (check_size(request, REQUEST_FORM_MAX, err) < 0)
		return -1;
	request_fields_release(&request->form);
	return request_fields_parse(&request->form, bh_buf_str(&request->body), request->body.len,
	    err);
}

/* -- where we are -- */

static void
refuse(struct request *request, int status, const char *why)
{
	if (request->refused != 0)
		return;
	request->refused = status;
	bh_fail(&request->why, BH_INVALID, "%s", why);
}

/* Every escape is two hex digits, and none hides a slash, a backslash or a NUL. */
static bool
is_plainly_encoded(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte;

		if (text[i] != '%')
			continue;
		if (len - i < 3 || !bh_is_hex_decoded(&byte, 1, text + i + 1))
			return false;
		if (byte == '/' || byte == '\\' || byte == '\0')
			return false;
		i += 2;
	}
	return true;
}

/* No control characters, no backslash, no "." or ".." segments, valid UTF-8. */
static bool
is_clean_path(const char *path)
{
	if (!bh_is_utf8(path, strlen(path)))
		return false;
	for (const char *s = path; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '\\')
			return false;
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if ((len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return *path == '\0';
}

/*
 * The whole path, decoded; NULL when there is none that we accept.  The
 * request line may hold "http://host/path" (RFC 9112, 3.2.2).
 */
static char *
whole_path(const struct request *request)
{
	const char *uri = param(request, "REQUEST_URI"), *scheme_end;
	struct bh_buf out = BH_BUF_INIT(REQUEST_PATH_MAX);
	size_t len;

	if (uri[0] == '\0') {
		bh_buf_adds(&out, param(request, "SCRIPT_NAME"));
		bh_buf_adds(&out, param(request, "PATH_INFO"));
	} else {
		scheme_end = uri[0] != '/' ? strstr(uri, "://") : NULL;
		if (scheme_end != NULL)
			uri = scheme_end + 3 + strcspn(scheme_end + 3, "/?");
		len = strcspn(uri, "?#");
		if (!is_plainly_encoded(uri, len)) {
			bh_buf_release(&out);
			return NULL;
		}
		bh_percent_decode(&out, uri, len, false);
	}
	if (out.len == 0 && !out.full)
		bh_buf_addc(&out, '/');
	if (out.full || !is_clean_path(bh_buf_str(&out))) {
		bh_buf_release(&out);
		return NULL;
	}
	return bh_buf_steal(&out);
}

/* The last segment names a program of ours, not a page. */
static bool
is_program(const char *script)
{
	const char *name = strrchr(script, '/');

	if (name == NULL)
		return false;
	return bh_has_suffix(name, ".cgi") || bh_has_suffix(name, ".fcgi") ||
	       bh_has_suffix(name, ".fcg") || strcmp(name, "/billhook") == 0;
}

/* The segment that starts at text (behind its slash) is the first word of a route. */
static bool
is_our_word(const struct request_place *place, const char *text)
{
	size_t len = strcspn(text, "/");

	for (const char *const *word = place->words; word != NULL && *word != NULL; word++)
		if (strlen(*word) == len && strncmp(text, *word, len) == 0)
			return true;
	return false;
}

/* path begins with base, and the next segment or the end follows. */
static bool
is_below(const char *path, const char *base, size_t base_len)
{
	return strncmp(path, base, base_len) == 0 &&
	       (path[base_len] == '/' || path[base_len] == '\0');
}

/* tail is "/..." and whole ends with it. */
static bool
is_tail(const char *whole, const char *tail)
{
	return tail[0] == '/' && bh_has_suffix(whole, tail);
}

/* The path part of "proxy:fcgi://host/path", NULL when it is none. */
static const char *
proxied_path(const char *script_filename)
{
	if (!bh_has_prefix(script_filename, "proxy:fcgi://"))
		return NULL;
	return strchr(script_filename + strlen("proxy:fcgi://"), '/');
}

/* Length of the base inside whole; the rules stand in request.h. */
static size_t
base_length(const struct request *request, const struct request_place *place, const char *whole)
{
	const char *script = param(request, "SCRIPT_NAME"), *info = param(request, "PATH_INFO");
	const char *proxied = proxied_path(param(request, "SCRIPT_FILENAME"));
	const char *last = strrchr(script, '/');
	size_t whole_len = strlen(whole), script_len = strlen(script);

	if (place->base != NULL && place->base[0] != '\0' &&
	    is_below(whole, place->base, strlen(place->base)))
		return strlen(place->base);
	if (is_program(script)) {
		if (is_tail(whole, info))
			return whole_len - strlen(info);
		if (is_below(whole, script, script_len))
			return script_len;
		/* A directory whose index we are. */
		return whole[whole_len - 1] == '/' ? whole_len - 1 : 0;
	}
	if (proxied != NULL && is_tail(whole, proxied))
		return whole_len - strlen(proxied);
	if (last == NULL || !is_below(whole, script, script_len))
		return 0;
	if (is_our_word(place, last + 1))
		return (size_t)(last - script);
	if (is_tail(whole, info) && whole_len == script_len + strlen(info))
		return script_len;
	return 0;
}

static char *
encoded_path(const char *path, size_t len)
{
	struct bh_buf out = BH_BUF_INIT(3 * len);
	size_t from = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		bh_percent_add(&out, path + from, i - from);
		if (i < len)
			bh_buf_addc(&out, '/');
		from = i + 1;
	}
	return bh_buf_steal(&out);
}

static void
find_place(struct request *request, const struct request_place *place)
{
	char *whole = whole_path(request);
	size_t len;

	if (whole == NULL) {
		refuse(request,
		    strlen(param(request, "REQUEST_URI")) > REQUEST_PATH_MAX ? 414 : 400,
		    "the path cannot be used");
		request->base = bh_xstrdup("");
		request->path = bh_xstrdup("/");
		return;
	}
	len = base_length(request, place, whole);
	request->base = encoded_path(whole, len);
	request->path = bh_xstrdup(whole[len] != '\0' ? whole + len : "/");
	free(whole);
}

/* -- the beginning -- */

static bool
is_bounded(const char *const *params)
{
	size_t n = 0, bytes = 0;

	for (; params[n] != NULL; n++) {
		bytes += strlen(params[n]) + 1;
		if (n >= REQUEST_PARAMS_COUNT || bytes > REQUEST_PARAMS_MAX)
			return false;
	}
	return true;
}

static void
take_method(struct request *request)
{
	const char *method = param(request, "REQUEST_METHOD");
	size_t len = strlen(method);

	snprintf(request->method, sizeof(request->method), "GET");
	if (len == 0 || len >= sizeof(request->method) ||
	    strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != len) {
		refuse(request, 400, "the method is no word");
		return;
	}
	request->is_head = strcmp(method, "HEAD") == 0;
	if (!request->is_head)
		memcpy(request->method, method, len + 1);
}

void
request_begin(struct request *request, const char *const *params, const struct request_place *place)
{
	static const char *const none[] = {NULL};
	const char *query, *https;
	struct bh_err err = BH_ERR_INIT;

	request->params = params;
	if (!is_bounded(params)) {
		refuse(request, 431, "the headers are too large");
		request->params = none;
	}
	take_method(request);
	find_place(request, place);
	query = param(request, "QUERY_STRING");
	if (request_fields_parse(&request->query, query, strlen(query), &err) < 0)
		refuse(request, 400, err.text);
	https = param(request, "HTTPS");
	request->is_https = strcasecmp(https, "on") == 0 || strcmp(https, "1") == 0 ||
			    strcmp(param(request, "REQUEST_SCHEME"), "https") == 0;
	snprintf(request->peer, sizeof(request->peer), "%s", param(request, "REMOTE_ADDR"));
	if (strlen(param(request, "HTTP_HOST")) < sizeof(request->host))
		snprintf(request->host, sizeof(request->host), "%s", param(request, "HTTP_HOST"));
	if (place->trusted != NULL)
		proxy_apply(request, place->trusted);
}
