/*
 * Answers of a SOAP service: whatever stands in them, they are read within
 * bounds, and what was read can be written and read again.
 */
#include "base/base.h"

#include "dest/soap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer as the body of a call gives the same answer again, but for its text where it has no elements. */
static void
write_again(const json_t *answer)
{
	struct bh_buf out = BH_BUF_INIT((size_t)64 * 1024 * 1024);
	struct bh_secret session = BH_SECRET_INIT;
	struct bh_err err = BH_ERR_INIT;
	json_t *again = NULL;

	soap_write(&out, &session, "call", answer);
	if (soap_read(bh_buf_str(&out), out.len, &again, &err) != 1)
		abort();
	json_decref(again);
	bh_buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *answer = NULL;
	int rc = soap_read((const char *)data, size, &answer, &err);

	if ((rc < 0) != (answer == NULL) || (rc < 0 && err.code != BH_INVALID))
		abort();
	if (rc == 1)
		write_again(answer);
	json_decref(answer);
	return 0;
}
