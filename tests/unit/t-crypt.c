/* Digests, MACs, passwords, seals, signatures: published vectors, and every way not to fit. */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "unit.h"

#define BYTES(literal) (literal), sizeof(literal) - 1

static void
assert_digest(const unsigned char digest[BH_SHA256_LEN], const char *want)
{
	char hex[2 * BH_SHA256_LEN + 1];

	bh_hex(hex, digest, BH_SHA256_LEN);
	assert_string_equal(hex, want);
}

/* A file below tests/data/keys/; the caller frees. */
static char *
key_text(const char *name)
{
	char file[100], text[8192], *path;
	FILE *in;
	size_t n;

	snprintf(file, sizeof(file), "tests/data/keys/%s", name);
	path = unit_path(file);
	in = fopen(path, "r");
	if (in == NULL)
		fail_msg("cannot open %s", path);
	n = fread(text, 1, sizeof(text) - 1, in);
	text[n] = '\0';
	fclose(in);
	free(path);
	return bh_xstrdup(text);
}

/* FIPS 180-4, the examples of NIST. */
static void
sha256_vectors(void **state BH_UNUSED)
{
	unsigned char digest[BH_SHA256_LEN];
	char *many = bh_xmalloc(1000000);

	bh_sha256(digest, "", 0);
	assert_digest(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	bh_sha256(digest, BYTES("abc"));
	assert_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	bh_sha256(digest, BYTES("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
	assert_digest(digest, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(many, 'a', 1000000);
	bh_sha256(digest, many, 1000000);
	assert_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(many);
}

/* RFC 4231, test cases 1 to 4, 6 and 7. */
static const struct {
	unsigned char key_byte;
	size_t key_len;
	const char *key; /* NULL: key_len times key_byte */
	const char *data;
	const char *want;
} hmac_cases[] = {
    {0x0b, 20, NULL, "Hi There",
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 4, "Jefe", "what do ya want for nothing?",
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {0xaa, 20, NULL,
	"\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
	"\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
	"\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd",
	"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {0, 25,
	"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
	"\x11\x12\x13\x14\x15\x16\x17\x18\x19",
	"\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
	"\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
	"\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd",
	"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First",
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {0xaa, 131, NULL,
	"This is a test using a larger than block-size key and a larger than "
	"block-size data. The key needs to be hashed before being used by the "
	"HMAC algorithm.",
	"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void
hmac_vectors(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(hmac_cases); i++) {
		const char *data = hmac_cases[i].data;
		unsigned char key[131], digest[BH_SHA256_LEN];
		size_t len = strlen(data);

		if (hmac_cases[i].key != NULL)
			memcpy(key, hmac_cases[i].key, hmac_cases[i].key_len);
		else
			memset(key, hmac_cases[i].key_byte, hmac_cases[i].key_len);
		/* The same MAC wherever the parts are cut. */
		for (size_t cut = 0; cut <= len; cut++) {
			struct bh_part parts[] = {{data, cut}, {NULL, 0}, {data + cut, len - cut}};

			bh_hmac_sha256(digest, key, hmac_cases[i].key_len, parts, BH_LEN(parts));
			assert_digest(digest, hmac_cases[i].want);
		}
	}
}

static void
hmac_of_nothing(void **state BH_UNUSED)
{
	unsigned char digest[BH_SHA256_LEN];

	bh_hmac_sha256(digest, "", 0, NULL, 0);
	assert_digest(digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 2202, and the key longer than a block. */
static void
hmac_sha1(void **state BH_UNUSED)
{
	const struct bh_part jefe[] = {{"what do ya want ", 16}, {"for nothing?", 12}};
	const struct bh_part large[] = {
	    {"Test Using Larger Than Block-Size Key - Hash Key First", 54}};
	unsigned char key[80], digest[BH_SHA1_LEN];
	char hex[2 * BH_SHA1_LEN + 1];

	bh_hmac_sha1(digest, "Jefe", 4, jefe, 2);
	bh_hex(hex, digest, sizeof(digest));
	assert_string_equal(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	memset(key, 0xaa, sizeof(key));
	bh_hmac_sha1(digest, key, sizeof(key), large, 1);
	bh_hex(hex, digest, sizeof(digest));
	assert_string_equal(hex, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

static void
random_ids(void **state BH_UNUSED)
{
	char a[BH_ID_LEN + 1], b[BH_ID_LEN + 1];
	unsigned seen[256] = {0};

	for (int i = 0; i < 500; i++) {
		bh_random_id(a);
		bh_random_id(b);
		assert_int_equal(strlen(a), BH_ID_LEN);
		assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz234567"), BH_ID_LEN);
		assert_string_not_equal(a, b);
		for (const char *s = a; *s != '\0'; s++)
			seen[(unsigned char)*s]++;
	}
	/* 12,000 letters over 32: each some 375 times. */
	for (const char *s = "abcdefghijklmnopqrstuvwxyz234567"; *s != '\0'; s++)
		assert_in_range(seen[(unsigned char)*s], 200, 600);
}

static void
passwords(void **state BH_UNUSED)
{
	/* Made with hashlib.scrypt of Python. */
	static const char known[] =
	    "scrypt$15$8$1$000102030405060708090a0b0c0d0e0f$"
	    "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec7097";
	char *hash = bh_password_hash("tr\xc3\xa4umerei");
	char *again = bh_password_hash("tr\xc3\xa4umerei");

	assert_true(bh_is_password("correct horse", known));
	assert_false(bh_is_password("correct horsf", known));
	assert_false(bh_is_password("", known));
	assert_true(bh_is_password("tr\xc3\xa4umerei", hash));
	assert_string_not_equal(hash, again);
	assert_int_equal(strlen(hash), strlen(known));
	free(hash);
	free(again);
}

static void
no_password_hash(void **state BH_UNUSED)
{
	static const char *const texts[] = {"", "x", "correct horse", "scrypt$15$8$1$",
	    "scrypt$15$8$1$00$00",
	    /* other costs: not ours */
	    "scrypt$14$8$1$000102030405060708090a0b0c0d0e0f$"
	    "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec7097",
	    /* no hex */
	    "scrypt$15$8$1$000102030405060708090a0b0c0d0e0g$"
	    "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec7097",
	    /* salt and hash not parted */
	    "scrypt$15$8$1$000102030405060708090a0b0c0d0e0f0"
	    "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec7097",
	    /* one digit more */
	    "scrypt$15$8$1$000102030405060708090a0b0c0d0e0f$"
	    "5c662628ac4eb1068a287e2aa2a202ae248e98db04d61d3327e7342db6ec70970"};

	for (size_t i = 0; i < BH_LEN(texts); i++)
		assert_false(bh_is_password("correct horse", texts[i]));
}

/* -- seals -- */

static const unsigned char key_a[BH_KEY_LEN] = "0123456789abcdef0123456789abcde";
static const unsigned char key_b[BH_KEY_LEN] = "0123456789abcdef0123456789abcdf";

static void
sealed_and_opened(void **state BH_UNUSED)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 2000000};
	struct bh_secret secret = BH_SECRET_INIT;
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < BH_LEN(sizes); i++) {
		struct bh_buf sealed = BH_BUF_INIT(8 << 20);
		char *plain = bh_xcalloc(1, sizes[i] + 1);

		bh_random(plain, sizes[i]);
		bh_seal(&sealed, key_a, "connection/stripe", plain, sizes[i]);
		if (bh_unseal(&secret, key_a, "connection/stripe", bh_buf_str(&sealed), &err) < 0)
			fail_msg("%zu bytes: %s", sizes[i], err.text);
		assert_int_equal(secret.len, sizes[i]);
		assert_memory_equal(secret.data, plain, sizes[i]);
		free(plain);
		bh_buf_release(&sealed);
	}
	bh_secret_release(&secret);
}

static void
assert_closed(const unsigned char key[BH_KEY_LEN], const char *context, const char *sealed)
{
	struct bh_secret secret = BH_SECRET_INIT;
	struct bh_err err = BH_ERR_INIT;

	bh_secret_set(&secret, "before", 6);
	assert_int_equal(bh_unseal(&secret, key, context, sealed, &err), -1);
	assert_int_equal(err.code, BH_DENIED);
	assert_null(secret.data);
	assert_null(strstr(err.text, "whsec"));
}

static void
sealed_fits_only_its_place(void **state BH_UNUSED)
{
	struct bh_buf sealed = BH_BUF_INIT(1000);

	bh_seal(&sealed, key_a, "connection/a", BYTES("whsec_1"));
	assert_closed(key_b, "connection/a", sealed.data);
	assert_closed(key_a, "connection/b", sealed.data);
	assert_closed(key_a, "", sealed.data);
	bh_buf_release(&sealed);
}

/* Every single changed character closes it. */
static void
sealed_tampered(void **state BH_UNUSED)
{
	struct bh_buf sealed = BH_BUF_INIT(1000);

	bh_seal(&sealed, key_a, "c", BYTES("whsec_1234567890")); /* 45 bytes: no padding bits */
	for (size_t i = 0; i < sealed.len; i++) {
		char was = sealed.data[i];

		sealed.data[i] = was == 'A' ? 'B' : 'A';
		assert_closed(key_a, "c", sealed.data);
		sealed.data[i] = was;
	}
	for (size_t len = 0; len < sealed.len; len++) {
		char was = sealed.data[len];

		sealed.data[len] = '\0';
		assert_closed(key_a, "c", sealed.data);
		sealed.data[len] = was;
	}
	assert_closed(key_a, "c", "no base64 at all!");
	bh_buf_release(&sealed);
}

static void
sealed_twice_differs(void **state BH_UNUSED)
{
	struct bh_buf a = BH_BUF_INIT(1000), b = BH_BUF_INIT(1000);

	bh_seal(&a, key_a, "c", BYTES("same"));
	bh_seal(&b, key_a, "c", BYTES("same"));
	assert_string_not_equal(bh_buf_str(&a), bh_buf_str(&b));
	bh_buf_release(&a);
	bh_buf_release(&b);
}

/* "The Galois/Counter Mode of Operation", McGrew and Viega, test case 16, in our frame. */
static void
sealed_elsewhere(void **state BH_UNUSED)
{
	static const char key_hex[] =
	    "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
	static const char plain_hex[] =
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
	struct bh_secret secret = BH_SECRET_INIT;
	unsigned char key[BH_KEY_LEN], plain[60];
	struct bh_err err = BH_ERR_INIT;

	assert_true(bh_is_hex_decoded(key, sizeof(key), key_hex));
	assert_true(bh_is_hex_decoded(plain, sizeof(plain), plain_hex));
	if (bh_unseal(&secret, key,
		"\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef\xab\xad\xda\xd2",
		"Acr+ur76ztut3sr4iHb8bs4PThdozd+IU7stVRtSLcHwmVZ9B/R/N6MqhEJ9ZDqM"
		"3L/lwMl1mKK9JVXRqoywjkhZDbs9p7CLEFaCiDjF9h5jk7p6CrzJ9mI=",
		&err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(secret.len, sizeof(plain));
	assert_memory_equal(secret.data, plain, sizeof(plain));
	bh_secret_release(&secret);
}

/* -- RS256 -- */

static int
verify(const char *key, const char *text, const struct bh_buf *sig)
{
	char *pem = key_text(key);
	struct bh_err err = BH_ERR_INIT;
	int rc = bh_rs256_verify(pem, text, strlen(text), bh_buf_str(sig), sig->len, &err);

	if (rc < 0)
		assert_int_equal(err.code, BH_INVALID);
	free(pem);
	return rc;
}

static void
signature_of_openssl(void **state BH_UNUSED)
{
	char *text = key_text("message.txt"), *base64 = key_text("message.sig.b64");
	struct bh_buf sig = BH_BUF_INIT(1000);

	assert_int_equal(bh_base64_decode(&sig, base64, strlen(base64), NULL), 0);
	assert_int_equal(verify("rsa.pub.pem", text, &sig), 1);
	assert_int_equal(verify("other.pub.pem", text, &sig), 0);
	assert_int_equal(verify("rsa.pub.pem", "{}", &sig), 0);
	assert_int_equal(verify("rsa.pub.pem", "", &sig), 0);
	assert_int_equal(verify("ec.pub.pem", text, &sig), -1);
	assert_int_equal(verify("rsa.pem", text, &sig), -1);
	assert_int_equal(verify("message.txt", text, &sig), -1);
	sig.data[17] ^= 1;
	assert_int_equal(verify("rsa.pub.pem", text, &sig), 0);
	sig.data[17] ^= 1;
	sig.len--;
	assert_int_equal(verify("rsa.pub.pem", text, &sig), 0);
	sig.len = 0;
	assert_int_equal(verify("rsa.pub.pem", text, &sig), 0);
	bh_buf_release(&sig);
	free(base64);
	free(text);
}

static void
signed_here(void **state BH_UNUSED)
{
	char *pem = key_text("rsa.pem"), *text = key_text("message.txt"),
	     *base64 = key_text("message.sig.b64");
	struct bh_buf sig = BH_BUF_INIT(1000), got = BH_BUF_INIT(1000), small = BH_BUF_INIT(100);
	struct bh_err err = BH_ERR_INIT;

	assert_int_equal(bh_rs256_sign(pem, text, strlen(text), &sig, &err), 0);
	/* PKCS#1 v1.5 signatures have no random part. */
	bh_base64_add(&got, sig.data, sig.len);
	assert_string_equal(bh_buf_str(&got), base64);
	assert_int_equal(bh_rs256_sign(pem, text, strlen(text), &small, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	bh_buf_release(&small);
	bh_buf_release(&got);
	bh_buf_release(&sig);
	free(base64);
	free(text);
	free(pem);
}

static void
keys_that_cannot_sign(void **state BH_UNUSED)
{
	static const char *const names[] = {"rsa.pub.pem", "ec.pem", "rsa-encrypted.pem",
	    "rsa-256-bits.pem", "message.txt"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		char *pem = key_text(names[i]);
		struct bh_buf sig = BH_BUF_INIT(1000);
		struct bh_err err = BH_ERR_INIT;

		if (bh_rs256_sign(pem, "x", 1, &sig, &err) != -1)
			fail_msg("%s signs", names[i]);
		assert_int_equal(err.code, BH_INVALID);
		assert_int_equal(sig.len, 0);
		bh_buf_release(&sig);
		free(pem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_vectors),
	    cmocka_unit_test(hmac_vectors),
	    cmocka_unit_test(hmac_of_nothing),
	    cmocka_unit_test(hmac_sha1),
	    cmocka_unit_test(random_ids),
	    cmocka_unit_test(passwords),
	    cmocka_unit_test(no_password_hash),
	    cmocka_unit_test(sealed_and_opened),
	    cmocka_unit_test(sealed_fits_only_its_place),
	    cmocka_unit_test(sealed_tampered),
	    cmocka_unit_test(sealed_twice_differs),
	    cmocka_unit_test(sealed_elsewhere),
	    cmocka_unit_test(signature_of_openssl),
	    cmocka_unit_test(signed_here),
	    cmocka_unit_test(keys_that_cannot_sign),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
