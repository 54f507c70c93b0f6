/* Templates from anywhere must be refused or rendered within bounds. */
#include "base/base.h"

#include "base/mustache.h"

#define OUT_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char view_text[] =
    "{\"a\":1,\"b\":{\"c\":\"<x>\"},\"l\":[1,\"two\",{\"a\":null}],\"t\":true,\"n\":2.5}";

static const struct bh_mustache *
find_self(void *arg, const char *name)
{
	return strcmp(name, "none") == 0 ? NULL : arg;
}

static void
count_name(void *arg, enum bh_mustache_tag tag, const char *name)
{
	if (tag == BH_MUSTACHE_TEXT || name == NULL)
		abort();
	++*(size_t *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *view = json_loads(view_text, 0, NULL);
	struct bh_buf out = BH_BUF_INIT(OUT_BYTES);
	struct bh_err err = BH_ERR_INIT;
	struct bh_mustache *t;
	size_t names = 0;

	if (bh_mustache_parse((const char *)data, size, &t, &err) == 0) {
		bh_mustache_names(t, count_name, &names);
		if (bh_mustache_render(t, view, find_self, t, &out, &err) < 0 &&
		    err.text[0] == '\0')
			abort();
		bh_mustache_free(&t);
	}
	bh_buf_release(&out);
	json_decref(view);
	return 0;
}
