/* Parts of the driver for any sender of JSON. */
#ifndef SOURCE_GENERIC_H
#define SOURCE_GENERIC_H

#include "source/reader.h"

/* How a request shows that it is the sender's. */
enum generic_scheme {
	GENERIC_NONE = 0, /* not chosen: nothing is accepted */
	GENERIC_SHA256_HEX,
	GENERIC_SHA256_BASE64,
	GENERIC_SHA1_HEX,
	GENERIC_TOKEN, /* the secret itself in a header */
	GENERIC_BASIC  /* the secret is "user:password" */
};

enum generic_scheme generic_scheme(const struct source_config *config);
/* The header that carries signature or token: the setting, else the usual one. */
const char *generic_signature_header(const struct source_config *config);
int generic_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);
/* Scheme, header, secrets: fit together; -1 BH_INVALID naming the setting. */
int generic_check_signature(const struct source_config *config, struct bh_err *err);

#endif
