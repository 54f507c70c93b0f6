/* See monitor.h.  Keys: Am, the digest in hex, a space, when it was made (ms). */
#include "base/base.h"

#include "state/monitor.h"

#include "base/text.h"

#define KEY "Am"
#define DIGEST_LEN ((size_t)2 * BH_SHA256_LEN)

static void
digest(char hex[DIGEST_LEN + 1], const char *token)
{
	unsigned char raw[BH_SHA256_LEN];

	bh_sha256(raw, token, strlen(token));
	bh_hex(hex, raw, sizeof(raw));
}

void
monitor_token_new(struct store_txn *txn, int64_t now_ms, char token[MONITOR_TOKEN_LEN + 1])
{
	char half[BH_ID_LEN + 1], hex[DIGEST_LEN + 1], value[DIGEST_LEN + 32];

	bh_random_id(token);
	bh_random_id(half);
	memcpy(token + BH_ID_LEN, half, sizeof(half));
	bh_wipe(half, sizeof(half));
	digest(hex, token);
	snprintf(value, sizeof(value), "%s %lld", hex, (long long)now_ms);
	store_put(txn, KEY, strlen(KEY), value, strlen(value));
}

void
monitor_token_drop(struct store_txn *txn)
{
	store_delete(txn, KEY, strlen(KEY));
}

/* 1 with the value, 0, -1. */
static int
load(struct store_txn *txn, struct bh_buf *value, struct bh_err *err)
{
	int rc = store_peek(txn, KEY, strlen(KEY), value, err);

	if (rc > 0 && (value->len <= DIGEST_LEN || value->data[DIGEST_LEN] != ' '))
		return bh_fail(err, BH_STORAGE, "the stored token cannot be read");
	return rc;
}

int
monitor_token_made(struct store_txn *txn, int64_t *made_ms_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DIGEST_LEN + 64);
	int rc = load(txn, &value, err);

	*made_ms_r = rc > 0 ? strtoll(bh_buf_str(&value) + DIGEST_LEN, NULL, 10) : 0;
	bh_buf_release(&value);
	return rc;
}

int
monitor_is_token(struct store_txn *txn, const char *given, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DIGEST_LEN + 64);
	char hex[DIGEST_LEN + 1];
	int rc = load(txn, &value, err);

	digest(hex, given);
	if (rc > 0)
		rc = bh_is_equal_secret(value.data, DIGEST_LEN, hex, DIGEST_LEN);
	bh_buf_release(&value);
	return rc;
}
