/*
 * billhook-launch: starts Billhook where its archive was unpacked into a web
 * space.  Statically linked, so that it runs on any Linux; the program proper
 * runs on the loader and the libraries that came with it, not on the host's:
 *
 *   PLACE/billhook.fcgi          this, for the web server
 *   PLACE/app/bin/billhook       this, for cron, a shell and the relay
 *   PLACE/app/lib/ld.so          the loader, beside it all libraries
 *   PLACE/app/lib/billhook       the program proper
 *
 * It learns from BILLHOOK_ROOT, which is PLACE/app, where it stands: neither
 * /proc nor its own name would tell.
 */
#include "base/base.h"

#include <sys/stat.h>

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"

/* Certificates of authorities where hosts keep them: theirs are newer than ours. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"};

static bool
is_root(const char *root)
{
	char *loader = bh_xasprintf("%s/lib/ld.so", root);
	bool is_there = access(loader, F_OK) == 0;

	free(loader);
	return is_there;
}

/* PLACE/app, seen from either place of this program; NULL when neither fits.  Owned by the caller. */
static char *
find_root(void)
{
	char *own, *root, *slash;

	unsetenv(BH_ROOT_VARIABLE); /* who started us may be another Billhook's */
	own = bh_exe_dir();
	if (own == NULL)
		return NULL;
	root = bh_xasprintf("%s/app", own);
	if (!is_root(root)) {
		free(root);
		slash = strrchr(own, '/');
		root = slash != NULL ? bh_xstrndup(own, (size_t)(slash - own)) : bh_xstrdup("");
	}
	free(own);
	if (!is_root(root)) {
		free(root);
		return NULL;
	}
	return root;
}

static void
prepare_environment(const char *root)
{
	char *ours = bh_xasprintf("%s/share/ca-certificates.crt", root);
	size_t i = 0;

	while (i < BH_LEN(bundles) && access(bundles[i], R_OK) < 0)
		i++;
	setenv(BH_ROOT_VARIABLE, root, 1);
	setenv("CURL_CA_BUNDLE", i < BH_LEN(bundles) ? bundles[i] : ours, 0);
	/* Ours need not understand what the host's OpenSSL is told there. */
	setenv("OPENSSL_CONF", "/dev/null", 0);
	free(ours);
}

/* Comes back only when that failed. */
static void
run(const char *root, int argc, char **argv)
{
	const char **args = bh_xcalloc((size_t)argc + 8, sizeof(args[0]));
	char *loader = bh_xasprintf("%s/lib/ld.so", root);
	/* --inhibit-cache: it lists the host's libraries */
	const char *const head[] = {loader, "--inhibit-cache", "--library-path",
	    bh_xasprintf("%s/lib", root), "--argv0", argc > 0 ? argv[0] : "billhook",
	    bh_xasprintf("%s/lib/billhook", root)};

	memcpy(args, head, sizeof(head));
	for (int i = 1; i < argc; i++)
		args[BH_LEN(head) + (size_t)i - 1] = argv[i];
	/* execv takes non-const for historical reasons; it does not write. */
	execv(loader, (char *const *)(uintptr_t)args);
	/* Some ways of copying files lose who may run them. */
	if (errno == EACCES && chmod(loader, 0755) == 0)
		execv(loader, (char *const *)(uintptr_t)args);
	fprintf(stderr, "billhook: cannot run %s: %s\n", loader, strerror(errno));
}

int
main(int argc, char **argv)
{
	char *root = find_root();

	if (root == NULL) {
		fprintf(stderr, "billhook: app/lib/ld.so is missing: unpack the whole archive\n");
		return 126;
	}
	prepare_environment(root);
	run(root, argc, argv);
	return 126;
}
