/* The status line: what the running jobs do, on one line of the terminal that is redrawn in place.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/clock.h"

#define JOBS_SHOWN      4
#define REDRAW_AFTER_US 200000
/* A watermark that has not moved for this long is told of. */
#define STALLED_SECONDS 5

/* What was on the line before, to tell rates. */
typedef struct Rate {
    char id[40];
    uint64_t rows_in, rows_out;
    double in_per_second, out_per_second;
} Rate;

/* The terminal's line is one thing per process, so is what is known of it. */
typedef struct StatusLine {
    bool drawn;
    int64_t drawn_at_us;
    Rate rates[JOBS_SHOWN];
} StatusLine;

static StatusLine *status_line_state(void)
{
    static StatusLine line;
    return &line;
}

bool status_line_wanted(void)
{
    return isatty(STDERR_FILENO) == 1;
}

void status_line_clear(void)
{
    StatusLine *line = status_line_state();
    if (!line->drawn)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    line->drawn = false;
}

static void append_count(Buffer *out, double value)
{
    if (value >= 1e7)
        buffer_printf(out, "%.1f M", value / 1e6);
    else if (value >= 1e4)
        buffer_printf(out, "%.1f k", value / 1e3);
    else
        buffer_printf(out, "%.0f", value);
}

static void rate_update(Rate *rate, const WeirJobStatus *status, double seconds)
{
    if (strcmp(rate->id, status->id) == 0 && seconds > 0) {
        rate->in_per_second = (double)(status->rows_in - rate->rows_in) / seconds;
        rate->out_per_second = (double)(status->rows_out - rate->rows_out) / seconds;
    } else {
        rate->in_per_second = rate->out_per_second = 0;
    }
    snprintf(rate->id, sizeof(rate->id), "%s", status->id);
    rate->rows_in = status->rows_in;
    rate->rows_out = status->rows_out;
}

static void append_job(const WeirJobStatus *status, const Rate *rate, Buffer *out)
{
    buffer_printf(out, "%s %s  in ", status->name, status->state);
    append_count(out, (double)status->rows_in);
    buffer_append_text(out, " (");
    append_count(out, rate->in_per_second);
    buffer_append_text(out, "/s)  out ");
    append_count(out, (double)status->rows_out);
    buffer_append_text(out, " (");
    append_count(out, rate->out_per_second);
    buffer_append_text(out, "/s)");
    if (status->restart_seconds_left >= 0)
        buffer_printf(out, "  next try in %.0f s", status->restart_seconds_left);
    if (status->snapshot && status->snapshot_percent >= 0) {
        buffer_printf(out, "  snapshot %.0f %%", status->snapshot_percent);
        if (status->snapshot_seconds_left >= 0)
            buffer_printf(out, ", %.0f s left", status->snapshot_seconds_left);
    } else if (status->seconds_behind >= 0) {
        buffer_printf(out, "  %.1f s behind", status->seconds_behind);
    }
    if (status->checkpoint_epoch != 0)
        buffer_printf(out, "  checkpoint %llu (%.0f s ago)",
                      (unsigned long long)status->checkpoint_epoch, status->checkpoint_seconds_ago);
    if (status->late_rows != 0)
        buffer_printf(out, "  %llu late rows", (unsigned long long)status->late_rows);
    if (status->watermark[0] != '\0' && status->watermark_stands_seconds >= STALLED_SECONDS)
        buffer_printf(out, "  event time waits for \"%s\"%s%s at %s since %.0f s",
                      status->watermark_table, status->watermark_split[0] == '\0' ? "" : ", ",
                      status->watermark_split, status->watermark, status->watermark_stands_seconds);
    if (status->rows_skipped != 0)
        buffer_printf(out, "  %llu malformed rows skipped",
                      (unsigned long long)status->rows_skipped);
}

static uint32_t terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void status_line_write(Buffer *text)
{
    uint32_t columns = terminal_columns();
    while (text->length > 0 && text_width(text->data, text->length) >= columns)
        text->length--;
    while (text->length > 0 && ((unsigned char)text->data[text->length - 1] & 0x80) != 0)
        text->length--; /* do not end inside a character */
    fprintf(stderr, "\r\033[K%s", buffer_text(text));
    fflush(stderr);
}

void status_line_draw(WeirSession *session)
{
    StatusLine *line = status_line_state();
    int64_t now_us = clock_monotonic_us();
    if (now_us - line->drawn_at_us < REDRAW_AFTER_US)
        return;
    WeirJobStatus jobs[64];
    uint32_t count = weir_jobs(session, jobs, 64);
    Buffer text = {0};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < count && i < 64 && shown < JOBS_SHOWN; i++) {
        if (strcmp(jobs[i].state, "RUNNING") != 0 && strcmp(jobs[i].state, "RESTARTING") != 0)
            continue;
        rate_update(&line->rates[shown], &jobs[i], (double)(now_us - line->drawn_at_us) / 1e6);
        buffer_append_text(&text, shown == 0 ? "" : "  |  ");
        append_job(&jobs[i], &line->rates[shown++], &text);
    }
    line->drawn_at_us = now_us;
    line->drawn = shown > 0;
    if (shown > 0)
        status_line_write(&text);
    buffer_deinit(&text);
}
