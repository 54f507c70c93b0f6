/*
 * The sandbox: a destination that never leaves.  Every record is applied at
 * once under an id made from its object and key; the caller keeps the records
 * in its own store (DEST_CAP_KEEP) and shows them.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "dest/driver.h"

/* The same record always gets the same id, so that a repeated push changes nothing. */
static void
make_id(char *out, size_t size, const struct record *record)
{
	struct bh_buf bytes = BH_BUF_INIT(SIZE_MAX / 2);
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * 8 + 1];

	bh_buf_add(&bytes, record->object, strlen(record->object) + 1);
	bh_buf_adds(&bytes, record->key);
	bh_sha256(digest, bytes.data, bytes.len);
	bh_hex(hex, digest, 8);
	snprintf(out, size, "sbx_%s", hex);
	bh_buf_release(&bytes);
}

static void
sandbox_push(struct dest_config *config BH_UNUSED, struct record *const *records, size_t n,
    struct dest_result *results)
{
	for (size_t i = 0; i < n; i++) {
		dest_result_set(&results[i], DEST_APPLIED, "", "", "");
		make_id(results[i].remote_id, sizeof(results[i].remote_id), records[i]);
		results[i].created = records[i]->remote_id == NULL;
	}
}

static int
sandbox_check(const struct dest_config *config BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return 0;
}

/* No token is needed, and none is made up. */
static int
sandbox_authorize(struct dest_config *config BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return 0;
}

static int
sandbox_identify(struct dest_config *config, struct bh_err *err BH_UNUSED)
{
	snprintf(config->auth->account_id, sizeof(config->auth->account_id), "sandbox");
	snprintf(config->auth->account_name, sizeof(config->auth->account_name),
	    "Sandbox (this machine)");
	return 0;
}

const struct dest_driver dest_sandbox = {
    .name = "sandbox",
    .title = "Sandbox",
    .caps = DEST_CAP_LINK_BY_KEY | DEST_CAP_KEEP,
    .batch = 1000,
    .check = sandbox_check,
    .authorize = sandbox_authorize,
    .push = sandbox_push,
    .identify = sandbox_identify,
};
