/* credentials.c -- where the keys of an S3 store come from. */
#include "net/credentials.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

#include "net/coded.h"

#include "base/banned.h"

#define SECRET_MAX ((size_t)64 * 1024)

/* RC_OK with *ret_found false: this provider has nothing to say, ask the next. */
typedef enum rc provider(const struct credentials_conf *conf, struct credentials *c,
                         bool *ret_found, struct fault *f);

static void
wipe(struct str *s)
{
	if (s->data != NULL)
		explicit_bzero(s->data, s->cap);
	str_free(s);
}

void
credentials_free(struct credentials *c)
{
	if (c == NULL)
		return;
	wipe(&c->access_key);
	wipe(&c->secret_key);
	wipe(&c->session_token);
}

static enum rc
from_files(const struct credentials_conf *conf, struct credentials *c, bool *ret_found,
           struct fault *f)
{
	enum rc rc;

	*ret_found = conf->access_key_file != NULL || conf->secret_key_file != NULL;
	if (!*ret_found)
		return RC_OK;
	if (conf->access_key_file == NULL || conf->secret_key_file == NULL)
		return FAULT(f, RC_RETRY, "NoCredentials",
		             "access_key_file and secret_key_file belong together: %s is not set",
		             conf->access_key_file == NULL ? "access_key_file" : "secret_key_file");
	rc = conf_read_secret(conf->access_key_file, &c->access_key, f);
	return rc != RC_OK ? rc : conf_read_secret(conf->secret_key_file, &c->secret_key, f);
}

static const char *
env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum rc
from_environment(const struct credentials_conf *conf, struct credentials *c, bool *ret_found,
                 struct fault *f)
{
	const char *access = env("AWS_ACCESS_KEY_ID"), *secret = env("AWS_SECRET_ACCESS_KEY");
	const char *token = env("AWS_SESSION_TOKEN");

	(void)conf;
	*ret_found = access != NULL || secret != NULL;
	if (!*ret_found)
		return RC_OK;
	if (access == NULL || secret == NULL)
		return FAULT(f, RC_RETRY, "NoCredentials",
		             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: "
		             "%s is not set",
		             access == NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
	if (str_add(&c->access_key, access) && str_add(&c->secret_key, secret) &&
	    (token == NULL || str_add(&c->session_token, token)))
		return RC_OK;
	return FAULT(f, RC_RETRY, "NoCredentials", "the AWS_… credentials are too long");
}

static provider *const providers[] = { from_files, from_environment };

static enum rc
ask_all(const struct credentials_conf *conf, struct credentials *c, struct fault *f)
{
	bool found = false;
	enum rc rc;

	for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
		rc = providers[i](conf, c, &found, f);
		/* A secret that is missing here says nothing about the object. */
		if (rc != RC_OK)
			return f->rc = RC_RETRY;
		if (found)
			return RC_OK;
	}
	return FAULT(f, RC_RETRY, "NoCredentials",
	             "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the "
	             "store's access_key_file and secret_key_file");
}

enum rc
credentials_load(const struct credentials_conf *conf, struct credentials *ret, struct fault *f)
{
	struct credentials c = { .expires_ms = 0 };
	enum rc rc;

	str_init(&c.access_key, SECRET_MAX);
	str_init(&c.secret_key, SECRET_MAX);
	str_init(&c.session_token, SECRET_MAX);
	rc = ask_all(conf, &c, f);
	if (rc == RC_OK)
		*ret = c;
	else
		credentials_free(&c);
	return rc;
}
