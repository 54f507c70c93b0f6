/*
 * Cryptography over OpenSSL's libcrypto, the only user of <openssl/...>:
 * digests, HMAC, random ids, password hashes, sealing, RS256.
 */
#ifndef BASE_CRYPT_H
#define BASE_CRYPT_H

#include "base/buf.h"

#define BH_SHA256_LEN 32
#define BH_SHA1_LEN 20
#define BH_KEY_LEN 32
#define BH_ID_LEN 24 /* text length of bh_random_id(), without the NUL */

void bh_sha256(unsigned char out[BH_SHA256_LEN], const void *data, size_t len);
/* HMAC-SHA256 over the concatenation of n parts (a part may be empty). */
struct bh_part {
	const void *data;
	size_t len;
};
void bh_hmac_sha256(unsigned char out[BH_SHA256_LEN], const void *key, size_t key_len,
    const struct bh_part *parts, size_t n);
/* The same with SHA-1: only to check signatures of senders that know nothing better. */
void bh_hmac_sha1(unsigned char out[BH_SHA1_LEN], const void *key, size_t key_len,
    const struct bh_part *parts, size_t n);

/* Fill with random bytes; ends the process when the kernel has none. */
void bh_random(void *out, size_t len);
/* A random id, 24 characters a-z 2-7 (120 bits), NUL-terminated. */
void bh_random_id(char out[BH_ID_LEN + 1]);

/*
 * Password hash: scrypt N=2^15 r=8 p=1 with a random salt, as text
 * "scrypt$15$8$1$salt$hash" (owned by the caller).
 */
char *bh_password_hash(const char *password);
/* Constant time in the hash.  False also for a text that is no hash of ours. */
bool bh_is_password(const char *password, const char *hash);

/*
 * Seal with AES-256-GCM under a fresh random nonce; context is authenticated
 * but not stored, so that a sealed value cannot be moved to another place.
 * out receives version, nonce, tag and ciphertext as base64.
 */
void bh_seal(struct bh_buf *out, const unsigned char key[BH_KEY_LEN], const char *context,
    const void *plain, size_t len);
/* -1 BH_DENIED when key, context or bytes do not fit; then secret is unset. */
int bh_unseal(struct bh_secret *secret, const unsigned char key[BH_KEY_LEN], const char *context,
    const char *sealed, struct bh_err *err);

/*
 * Check an RS256 signature (PKCS#1 v1.5, SHA-256) with a PEM public key.
 * 1 good, 0 bad, -1 the key cannot be read (BH_INVALID).
 */
int bh_rs256_verify(const char *pem, const void *data, size_t len, const void *sig, size_t sig_len,
    struct bh_err *err);
/* Sign with a PEM private key; raw signature appended to sig.  -1 BH_INVALID. */
int bh_rs256_sign(const char *pem, const void *data, size_t len, struct bh_buf *sig,
    struct bh_err *err);

#endif
