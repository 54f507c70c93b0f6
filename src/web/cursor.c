/* See cursor.h. */
#include "base/base.h"

#include "web/cursor.h"

#include "base/text.h"
#include "store/store.h"

void
cursor_add(struct bh_buf *url, const struct bh_buf *after)
{
	bh_buf_adds(url, "after=");
	bh_base64url_add(url, after->data, after->len);
}

static void
decode(const char *text, struct bh_buf *after)
{
	bh_buf_reset(after);
	if (text == NULL || strlen(text) > 2 * STORE_KEY_MAX)
		return;
	if (bh_base64_decode(after, text, strlen(text), NULL) < 0 || after->len > STORE_KEY_MAX)
		bh_buf_reset(after);
}

void
cursor_read(const struct request *request, struct bh_buf *after)
{
	decode(request_query(request, "after"), after);
}

void
cursor_read_form(const struct request *request, struct bh_buf *after)
{
	decode(request_field(request, "after"), after);
}
