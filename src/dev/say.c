/* say.c -- what dev tells the person who started it. */
#include "dev/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/banned.h"

#define LINE_MAX_BYTES 16384

static int64_t began_ms;

void
say_begin(void)
{
	began_ms = clock_mono_ms();
}

static double
seconds(void)
{
	return (double)(clock_mono_ms() - began_ms) / 1000.0;
}

/* Names come from outside: no byte of them may steer the terminal. C1 controls are C2 80 to C2 9F.
 */
static void
write_line(int fd, const struct str *text)
{
	struct str line = STR_INIT(4 * LINE_MAX_BYTES);
	const char *p = str_text(text);
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)p[i];
		bool c1 = i > 0 && (unsigned char)p[i - 1] == 0xc2 && c >= 0x80 && c <= 0x9f;
		if (c < 0x20 || c == 0x7f || c1)
			str_addf(&line, "\\x%02x", c);
		else
			str_addc(&line, (char)c);
	}
	str_addc(&line, '\n');
	/* A closed terminal is no reason to stop. */
	if (write(fd, str_text(&line), line.len) < 0)
		line.failed = true;
	str_free(&line);
}

void
say(const char *fmt, ...)
{
	struct str text = STR_INIT(LINE_MAX_BYTES);
	va_list ap;
	str_addf(&text, "%6.1f s  ", seconds());
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	write_line(STDOUT_FILENO, &text);
	str_free(&text);
}

void
say_plain(const char *fmt, ...)
{
	struct str text = STR_INIT(LINE_MAX_BYTES);
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	write_line(STDOUT_FILENO, &text);
	str_free(&text);
}

void
say_problem(const struct fault *f)
{
	struct str text = STR_INIT(LINE_MAX_BYTES);
	str_addf(&text, "%6.1f s  %s", seconds(), f->message);
	write_line(STDERR_FILENO, &text);
	str_free(&text);
}
