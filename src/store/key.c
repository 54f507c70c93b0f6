/* Keys: see key.h. */
#include "base/base.h"

#include "store/key.h"

#include "base/text.h"

static void
add(struct key *key, const void *data, size_t len)
{
	if (key->too_long || len > sizeof(key->data) - key->len) {
		key->too_long = true;
		return;
	}
	if (len != 0)
		memcpy(key->data + key->len, data, len);
	key->len += len;
}

void
key_begin(struct key *key, const char *family)
{
	key->len = 0;
	key->too_long = false;
	add(key, family, strlen(family));
}

void
key_text(struct key *key, const char *text)
{
	add(key, text, strlen(text) + 1);
}

void
key_u64(struct key *key, uint64_t value)
{
	unsigned char bytes[8];

	bh_put_be64(bytes, value);
	add(key, bytes, sizeof(bytes));
}

void
key_raw(struct key *key, const void *data, size_t len)
{
	add(key, data, len);
}

int
key_check(const struct key *key, struct bh_err *err)
{
	if (key->too_long)
		return bh_fail(err, BH_INVALID, "a key would be longer than %d bytes",
		    STORE_KEY_MAX);
	return 0;
}

void
key_read(struct key_reader *reader, const void *key, size_t key_len, const char *family)
{
	size_t len = strlen(family);

	if (key_len < len || memcmp(key, family, len) != 0) {
		reader->at = NULL;
		reader->left = 0;
		return;
	}
	reader->at = (const char *)key + len;
	reader->left = key_len - len;
}

bool
is_key_text(struct key_reader *reader, const char **text_r)
{
	const char *end = reader->left != 0 ? memchr(reader->at, '\0', reader->left) : NULL;

	if (end == NULL)
		return false;
	*text_r = reader->at;
	reader->left -= (size_t)(end + 1 - reader->at);
	reader->at = end + 1;
	return true;
}

bool
is_key_u64(struct key_reader *reader, uint64_t *value_r)
{
	if (reader->left < 8)
		return false;
	*value_r = bh_get_be64((const unsigned char *)reader->at);
	reader->at += 8;
	reader->left -= 8;
	return true;
}

#define DROP_PAGE 2000

int
key_drop_page(struct store_txn *txn, const char *family, const char *text, struct bh_err *err)
{
	struct store_scan scan = {.max = DROP_PAGE, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	key_begin(&prefix, family);
	key_text(&prefix, text);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		store_delete(txn, entries[i].key, entries[i].key_len);
	return n == 0;
}
