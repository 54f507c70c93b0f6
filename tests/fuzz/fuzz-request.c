/*
 * Requests from anywhere must be refused or understood within bounds: the
 * first part, up to two NULs, is meta-variables ended by NUL each, the rest the body.
 */
#include "base/base.h"

#include "web/gateway.h"
#include "web/raw.h"
#include "web/request.h"

#define PARAMS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"hook", "login", "static", NULL};

/* What must hold of whatever was made of the parameters. */
static void
check(struct request *request)
{
	char cookie[32];
	uint64_t length;
	struct bh_err err = BH_ERR_INIT;

	if (request->path == NULL || request->path[0] != '/' || request->base == NULL)
		abort();
	if (request->base[0] != '\0' && request->base[0] != '/')
		abort();
	if (strstr(request->path, "/../") != NULL || strchr(request->path, '\n') != NULL)
		abort();
	if (request->refused != 0 && request->why.text[0] == '\0')
		abort();
	if (request_length(request, &length) == 1 && length > (uint64_t)1 << 40)
		abort();
	if (request_cookie(request, "billhook", cookie, sizeof(cookie)) &&
	    strlen(cookie) >= sizeof(cookie))
		abort();
	request_header(request, "X-Signature");
	if (request_read_form(request, &err) == 0)
		request_field(request, "token");
	request_query(request, "next");
}

static void
fuzz_raw(const char *text, size_t size)
{
	struct raw_request raw;
	struct bh_err err = BH_ERR_INIT;

	if (raw_parse(text, size, &raw, &err) < 0)
		return;
	if (raw.body + raw.body_len != text + size)
		abort();
	for (size_t i = 0; raw.params[i] != NULL; i++)
		if (strchr(raw.params[i], '=') == NULL)
			abort();
	raw_release(&raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct request_place at_root = {"", words, NULL}, below = {"/sub", words, NULL};
	char *text = bh_xmalloc(size + 1);
	const char *params[PARAMS + 1];
	struct request request;
	size_t at = 0, n = 0;

	if (size != 0)
		memcpy(text, data, size);
	text[size] = '\0';
	fuzz_raw(text, size);
	while (at < size && text[at] != '\0' && n < PARAMS) {
		params[n++] = text + at;
		at += strlen(text + at) + 1;
	}
	params[n] = NULL;
	at = at < size ? at + 1 : size;
	request_init(&request, 4096);
	if (at < size)
		bh_buf_add(&request.body, text + at, size - at);
	request_begin(&request, params, n % 2 == 0 ? &at_root : &below);
	check(&request);
	request_release(&request);
	free(text);
	return 0;
}
