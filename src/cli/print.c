/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors, warnings, colours and the progress line. */
#include "cli/print.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static bool color_stdout, color_stderr;

void print_allow_color(bool allowed)
{
        const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
        allowed = allowed && !(no && *no) && term && strcmp(term, "dumb") != 0;
        color_stdout = allowed && isatty(STDOUT_FILENO);
        color_stderr = allowed && isatty(STDERR_FILENO);
}

const char *print_style(FILE *stream, enum style style)
{
        static const char *const sequences[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                                "\033[32m", "\033[33m", "\033[1;31m"};
        return (stream == stdout ? color_stdout : color_stderr) ? sequences[style] : "";
}

void print_text(FILE *stream, const char *text)
{
        _cleanup_free_ char *escaped = ingot_escape(text);
        fputs(escaped ? escaped : "(out of memory)", stream);
}

void print_styled(FILE *stream, enum style style, const char *text)
{
        fputs(print_style(stream, style), stream);
        print_text(stream, text);
        fputs(print_style(stream, STYLE_PLAIN), stream);
}

unsigned print_width(FILE *stream)
{
        struct winsize size;
        if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
                return 80;
        return size.ws_col;
}

static void start_message(enum style style, const char *word)
{
        print_progress_end();
        fflush(stdout);
        fprintf(stderr, "%s%s%s ", print_style(stderr, style), word,
                print_style(stderr, STYLE_PLAIN));
}

void print_error(const char *context, const ingot_error *e)
{
        start_message(STYLE_BAD, "ingot:");
        print_text(stderr, context ? context : "");
        print_text(stderr, e->text);
        if (e->code == INGOT_E_SYSTEM && e->os)
                fprintf(stderr, ": %s", strerror(e->os));
        fputc('\n', stderr);
}

void print_warning(const char *text)
{
        start_message(STYLE_WARN, "ingot: warning:");
        print_text(stderr, text);
        fputc('\n', stderr);
}

/* The one progress line: what it shows, and when that began. */
static struct {
        char what[64];
        uint64_t since_msec, shown_msec;
        bool visible;
} line;

static uint64_t now_msec(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

void print_progress_end(void)
{
        if (line.visible)
                fputs("\r\033[K", stderr);
        line.visible = false;
}

/* "3:07 to go", once there is something to reckon with. */
static void format_left(char ret[32], uint64_t done, uint64_t total, uint64_t elapsed_msec)
{
        ret[0] = 0;
        if (done == 0 || done >= total || elapsed_msec < 1000)
                return;
        double left = (double) elapsed_msec / 1000 * (double) (total - done) / (double) done;
        if (left < 360000)
                snprintf(ret, 32, "  %u:%02u to go", (unsigned) left / 60, (unsigned) left % 60);
}

/* Sizes as sizes; small totals are things that are counted. */
static void format_amount(char ret[48], uint64_t done, uint64_t total)
{
        char a[16], b[16];
        if (total > 0 && total < 10000) {
                snprintf(ret, 48, "%u of %u", (unsigned) done, (unsigned) total);
                return;
        }
        ingot_human_size(a, done);
        ingot_human_size(b, total);
        snprintf(ret, 48, total ? "%s of %s" : "%s", a, b);
}

static void show_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        (void) context;
        uint64_t now = now_msec();
        if (strncmp(line.what, what, sizeof(line.what) - 1) != 0) {
                snprintf(line.what, sizeof(line.what), "%s", what);
                line.since_msec = now;
                line.shown_msec = 0;
        }
        if (now - line.shown_msec < 100)
                return;
        line.shown_msec = now;
        char left[32], amount[48], text[192];
        format_left(left, done, total, now - line.since_msec);
        format_amount(amount, done, total);
        _cleanup_free_ char *escaped = ingot_escape(line.what);
        snprintf(text, sizeof(text), "%s  %s%s", escaped ? escaped : "", amount, left);
        fprintf(stderr, "\r\033[K%.*s", (int) print_width(stderr) - 1, text);
        fflush(stderr);
        line.visible = true;
}

static void show_warning(void *context, const char *text)
{
        (void) context;
        print_warning(text);
}

struct ingot_log print_log(bool quiet)
{
        bool progress = !quiet && isatty(STDERR_FILENO);
        return (struct ingot_log){.warning = show_warning,
                                  .progress = progress ? show_progress : NULL};
}
