/* options.c -- every setting of Millrace, once; --help, environment, file and sample follow. */
#include "cmd/cmd.h"

#include "base/banned.h"

#define KIB INT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)

#define OPT(n, t, d, c, v, h)                                                                      \
	{                                                                                          \
		.name = (n), .type = (t), .dflt = (d), .commands = (c), .value_name = (v),         \
		.help = (h)                                                                        \
	}
#define OPT_RANGE(n, t, d, lo, hi, c, v, h)                                                        \
	{                                                                                          \
		.name = (n), .type = (t), .dflt = (d), .min = (lo), .max = (hi), .commands = (c),  \
		.value_name = (v), .help = (h)                                                     \
	}
#define OPT_CHOICE(n, ch, d, c, h)                                                                 \
	{                                                                                          \
		.name = (n), .type = CONF_CHOICE, .choices = (ch), .dflt = (d), .commands = (c),   \
		.value_name = "WORD", .help = (h)                                                  \
	}
#define KEY(s, n, t, d, v, h)                                                                      \
	{                                                                                          \
		.section = (s), .name = (n), .type = (t), .dflt = (d), .value_name = (v),          \
		.help = (h)                                                                        \
	}

/* clang-format off */
const struct conf_opt options[] = {
	OPT("config", CONF_FILE, NULL, UINT32_MAX, "FILE", "The configuration file (INI)."),
	OPT("database-url", CONF_TEXT, NULL, CMD_DATABASE, "URL", "PostgreSQL; unset, libpq's own PG* variables decide."),
	OPT("listen-database-url", CONF_TEXT, NULL, CMD_ROUTE | CMD_WORK, "URL", "The connection that listens, when --database-url goes through a pooler."),
	OPT_CHOICE("log-level", "debug|info|warn|error", "info", CMD_ROLES | CMD_DEV, "The least level that is logged."),
	OPT_CHOICE("log-format", "json|text", "json", CMD_ROLES, "One JSON object per line, or one readable line."),
	OPT("probe-listen", CONF_TEXT, NULL, CMD_ROLES, "ADDRESS:PORT", "A listener of its own for /livez, /readyz and /metrics."),
	OPT("name", CONF_TEXT, NULL, CMD_ROUTE | CMD_WORK | CMD_KEEP, "NAME", "This process's name in traces; unset: host-pid."),
	OPT("json", CONF_BOOL, "false", CMD_READERS | CMD_CHECK | CMD_REPLAY | CMD_CANCEL | CMD_UPLOAD, NULL, "Print JSON."),

	OPT("listen", CONF_TEXT, NULL, CMD_RECEIVE | CMD_SERVE | CMD_DEV, "ADDRESS:PORT", "Where to listen; receive: 127.0.0.1:8470, serve and dev: 127.0.0.1:8471."),
	OPT_RANGE("max-body", CONF_SIZE, "1MiB", 1 * KIB, 64 * MIB, CMD_RECEIVE, "SIZE", "The largest notification."),
	OPT_RANGE("max-records", CONF_INT, "1000", 1, 100000, CMD_RECEIVE, "N", "The most records in one notification."),
	OPT_RANGE("max-batch", CONF_INT, "500", 1, 10000, CMD_RECEIVE, "N", "The most notifications in one transaction."),

	OPT("pipeline", CONF_FILE, NULL, CMD_ROUTE | CMD_DEV, "FILE", "The pipeline file (JSON); read again when it changes."),
	OPT_RANGE("max-size", CONF_SIZE, "50MB", 1, 1024 * GIB, CMD_ROUTE | CMD_WORK, "SIZE", "The largest object that gets jobs, unless its rule says otherwise."),
	OPT("buckets", CONF_TEXT, NULL, CMD_ROUTE, "LIST", "Buckets whose uploads are routed, separated by commas; unset: all."),

	OPT("kinds", CONF_TEXT, NULL, CMD_WORK, "LIST", "The kinds to serve, separated by commas."),
	OPT_RANGE("slots", CONF_INT, "4", 1, 1024, CMD_WORK, "N", "How many jobs at once."),
	OPT("handlers", CONF_FILE, NULL, CMD_WORK | CMD_DEV, "DIR", "The folder of handler commands, each named like its kind."),
	OPT("results", CONF_TEXT, NULL, CMD_WORK, "STORE/BUCKET[/PREFIX]", "Where results go."),
	OPT("scratch", CONF_FILE, "/tmp", CMD_WORK | CMD_SERVE, "DIR", "Where each job gets its private folder, and a result passes through."),
	OPT_RANGE("max-output", CONF_SIZE, "256MiB", 1 * KIB, 1024 * GIB, CMD_WORK, "SIZE", "The most that one job may write."),
	OPT_RANGE("max-memory", CONF_SIZE, "1GiB", 16 * MIB, 1024 * GIB, CMD_WORK, "SIZE", "The address space of one handler process."),
	OPT_RANGE("grace", CONF_DURATION, "25s", 0, 24 * HOUR, CMD_WORK, "TIME", "How long a stop waits for what is running."),

	OPT_RANGE("silent-after", CONF_DURATION, "10s", 1 * SECOND, HOUR, CMD_KEEP, "TIME", "A worker silent for this long loses its jobs."),

	OPT("public-url", CONF_TEXT, NULL, CMD_SERVE | CMD_UPLOAD, "URL", "How people reach the status pages, for links."),
	OPT("allow-anonymous-read", CONF_BOOL, "false", CMD_SERVE, NULL, "Let anyone who reaches a non-loopback address read."),
	OPT("password-file", CONF_SECRET_FILE, NULL, CMD_SERVE, "FILE", "Pages ask for this password (user: any)."),

	OPT("state-dir", CONF_FILE, NULL, CMD_DEV, "DIR", "Where dev keeps its database, buckets and logs; unset: the XDG state folder."),
	OPT("s3", CONF_TEXT, NULL, CMD_DEV, "URL", "Use this S3 server (AWS_* give the credentials) instead of folders."),
	OPT("s3-buckets", CONF_TEXT, "uploads", CMD_DEV, "LIST", "Which of its buckets to take uploads from."),
	OPT("exit-when-done", CONF_BOOL, "false", CMD_DEV, NULL, "Stop once every upload is final."),
	OPT("store", CONF_TEXT, NULL, CMD_UPLOAD, "NAME", "Which configured store; unset: the only one."),

	{ .section = "source", .name = "auth", .type = CONF_CHOICE, .choices = "bearer|query|none", .dflt = "bearer", .value_name = "WORD", .help = "How this sender proves itself." },
	KEY("source", "secret_file", CONF_SECRET_FILE, NULL, "FILE", "Its secret."),
	KEY("source", "secret_file_2", CONF_SECRET_FILE, NULL, "FILE", "A second one, valid too, for rotation."),
	KEY("source", "store", CONF_TEXT, "s3", "NAME", "The store that its buckets are in."),
	{ .section = "source", .name = "key_encoding", .type = CONF_CHOICE, .choices = "auto|form|raw", .dflt = "auto", .value_name = "WORD", .help = "How it encodes keys; auto: by what the event says of its origin." },
	KEY("store", "url", CONF_TEXT, NULL, "URL", "file:///folder (its subfolders are buckets) or s3://."),
	KEY("store", "endpoint", CONF_TEXT, NULL, "URL", "The S3 server; unset: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS."),
	KEY("store", "region", CONF_TEXT, NULL, "NAME", "Unset: AWS_REGION, AWS_DEFAULT_REGION, us-east-1."),
	KEY("store", "access_key_file", CONF_SECRET_FILE, NULL, "FILE", "Unset: AWS_ACCESS_KEY_ID."),
	KEY("store", "secret_key_file", CONF_SECRET_FILE, NULL, "FILE", "Unset: AWS_SECRET_ACCESS_KEY."),
};
/* clang-format on */
const size_t options_count = sizeof(options) / sizeof(options[0]);
