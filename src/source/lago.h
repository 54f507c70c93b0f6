/* Parts of the Lago driver. */
#ifndef SOURCE_LAGO_H
#define SOURCE_LAGO_H

#include "source/driver.h"
#include "source/read.h"

int lago_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);
/*
 * The connection's public key as PEM (settings.public_key or
 * secrets.public_key, as PEM or as the API gives it: base64 of PEM); 1, 0 when there is none, -1 BH_INVALID.
 */
int lago_public_key(const struct source_config *config, struct bh_buf *pem, struct bh_err *err);

/* Handlers: object is the member that object_type names. */
int lago_customer(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_subscription(struct source_news *news, const json_t *object, struct bh_err *err);
int lago_invoice(struct source_news *news, const json_t *object, struct bh_err *err);

/* The smallest unit as Lago counts it; currency may be NULL. */
struct read_unit lago_unit(const char *currency);
/* A page of the front end, where settings.app_url says where that is; what is "", "subscription", "invoice". */
void lago_link(const struct source_news *news, struct object_change *change,
    const json_t *customer_id, const char *what);
/* [{"key":..., "value":...}] as an object of texts. */
void lago_metadata(json_t *fields, const json_t *list);
/* A customer that bills the merchant, not the other way round. */
bool is_lago_partner(const json_t *customer);
/* The customer inside a subscription or invoice: its own event may have been lost. */
int lago_nested_customer(struct source_news *news, const json_t *object, struct bh_err *err);
/* updated_at; 0 when it is not there. */
int64_t lago_updated_ms(const json_t *object);

#endif
