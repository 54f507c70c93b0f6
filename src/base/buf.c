/* Memory: see buf.h. */
#include "base/base.h"

#include "base/buf.h"

#include <unistd.h>

static void *
must(void *ptr)
{
	static const char text[] = "billhook: out of memory\n";

	if (ptr == NULL) {
		/* Nothing may allocate here, so no log line. */
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			abort();
		abort();
	}
	return ptr;
}

void *
bh_xmalloc(size_t size)
{
	return must(malloc(size != 0 ? size : 1));
}

void *
bh_xcalloc(size_t n, size_t size)
{
	return must(calloc(n != 0 ? n : 1, size != 0 ? size : 1));
}

void *
bh_xrealloc(void *ptr, size_t size)
{
	return must(realloc(ptr, size != 0 ? size : 1));
}

char *
bh_xstrdup(const char *text)
{
	return must(strdup(text));
}

char *
bh_xstrndup(const char *text, size_t len)
{
	return must(strndup(text, len));
}

char *
bh_xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : text);
}

void
bh_buf_init(struct bh_buf *buf, size_t max)
{
	*buf = (struct bh_buf)BH_BUF_INIT(max);
}

void
bh_buf_release(struct bh_buf *buf)
{
	free(buf->data);
	bh_buf_init(buf, buf->max);
}

void
bh_buf_wipe(struct bh_buf *buf)
{
	bh_wipe(buf->data, buf->cap);
	bh_buf_release(buf);
}

void
bh_buf_reset(struct bh_buf *buf)
{
	buf->len = 0;
	buf->full = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

char *
bh_buf_room(struct bh_buf *buf, size_t len)
{
	size_t cap;

	if (buf->full || len > buf->max || buf->len > buf->max - len) {
		buf->full = true;
		return NULL;
	}
	if (buf->data == NULL || buf->len + len + 1 > buf->cap) {
		cap = buf->cap != 0 ? buf->cap : 64;
		while (cap < buf->len + len + 1)
			cap *= 2;
		buf->data = bh_xrealloc(buf->data, cap);
		buf->cap = cap;
		buf->data[buf->len] = '\0';
	}
	return buf->data + buf->len;
}

void
bh_buf_add(struct bh_buf *buf, const void *data, size_t len)
{
	char *room = bh_buf_room(buf, len);

	if (room == NULL)
		return;
	if (len != 0)
		memcpy(room, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
bh_buf_adds(struct bh_buf *buf, const char *text)
{
	bh_buf_add(buf, text, strlen(text));
}

void
bh_buf_addc(struct bh_buf *buf, char c)
{
	bh_buf_add(buf, &c, 1);
}

void
bh_buf_vaddf(struct bh_buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	char *room;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (room = bh_buf_room(buf, (size_t)n)) == NULL) {
		buf->full = true;
		return;
	}
	vsnprintf(room, (size_t)n + 1, fmt, ap);
	buf->len += (size_t)n;
}

void
bh_buf_addf(struct bh_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void
bh_buf_shift(struct bh_buf *buf, size_t len)
{
	if (buf->len == 0)
		return;
	len = len < buf->len ? len : buf->len;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
	buf->data[buf->len] = '\0';
}

const char *
bh_buf_str(const struct bh_buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

char *
bh_buf_steal(struct bh_buf *buf)
{
	char *data = buf->data != NULL ? buf->data : bh_xstrdup("");

	bh_buf_init(buf, buf->max);
	return data;
}

int
bh_buf_check(const struct bh_buf *buf, const char *what, struct bh_err *err)
{
	if (!buf->full)
		return 0;
	return bh_fail(err, BH_INVALID, "%s is larger than %zu bytes", what, buf->max);
}

void
bh_secret_set(struct bh_secret *secret, const void *data, size_t len)
{
	char *copy = bh_xmalloc(len + 1);

	if (len != 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	bh_secret_release(secret);
	secret->data = copy;
	secret->len = len;
}

void
bh_secret_release(struct bh_secret *secret)
{
	bh_wipe(secret->data, secret->len);
	free(secret->data);
	secret->data = NULL;
	secret->len = 0;
}

const char *
bh_secret_str(const struct bh_secret *secret)
{
	return secret->data != NULL ? secret->data : "";
}

void
bh_wipe(void *data, size_t len)
{
	if (data != NULL && len != 0)
		explicit_bzero(data, len);
}
