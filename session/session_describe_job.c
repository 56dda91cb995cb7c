/* DESCRIBE JOB: what each operator of a job has done, and what it keeps. */
#include "session/session_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/datetime.h"

static char *copy_label(const PlanNode *node)
{
    return memory_strdup(node->label == NULL ? node->op : node->label);
}

void session_job_note_operators(SessionJob *job)
{
    if (job->job == NULL)
        return;
    session_job_forget_operators(job);
    uint32_t count = job_operators(job->job, NULL, 0);
    OperatorStatus *figures = memory_zalloc((count + 1) * sizeof(*figures));
    job_operators(job->job, figures, count);
    job->operators = memory_zalloc((count + 1) * sizeof(*job->operators));
    job->operator_count = count;
    for (uint32_t i = 0; i < count; i++) {
        job->operators[i] = (SessionOperator){copy_label(figures[i].node),
                                              figures[i].node->state != NULL, figures[i]};
        job->operators[i].figures.node = NULL;
    }
    memory_free(figures);
}

void session_job_forget_operators(SessionJob *job)
{
    for (uint32_t i = 0; i < job->operator_count; i++)
        memory_free(job->operators[i].label);
    memory_free(job->operators);
    job->operators = NULL;
    job->operator_count = 0;
}

static const char *number(Arena *arena, uint64_t value)
{
    return arena_printf(arena, "%" PRIu64, value);
}

/* Where it stands, and since when. */
static const char *watermark_text(Arena *arena, const OperatorStatus *figures)
{
    if (figures->watermark_us == INT64_MIN || figures->watermark_us == INT64_MAX)
        return NULL;
    Buffer text = {0};
    datetime_print(datetime_from_micros(figures->watermark_us), 3, &text);
    buffer_printf(&text, " (%s%sfor %.1f s)", figures->watermark_split,
                  figures->watermark_split[0] == '\0' ? "" : ", ",
                  figures->watermark_stands_seconds);
    const char *copy = arena_strdup(arena, buffer_text(&text));
    buffer_deinit(&text);
    return copy;
}

static void add_operator(WeirResult *result, const SessionOperator *operator)
{
    Arena *arena = result->arena;
    const OperatorStatus *figures = &operator->figures;
    const char *cells[] = {
        operator->label,
        number(arena, figures->rows_in),
        number(arena, figures->rows_out),
        arena_printf(arena, "%.3f s", (double)figures->busy_us / 1e6),
        operator->keeps_state ? number(arena, figures->state_keys) : NULL,
        operator->keeps_state ? number(arena, figures->state_bytes) : NULL,
        number(arena, figures->late_rows),
        watermark_text(arena, figures),
    };
    result_add_row(result, cells);
}

WeirResult *session_describe_job(WeirSession *session, const AstStatement *statement, Error *error)
{
    SessionJob *job = session_find_job(session, statement, error);
    if (job == NULL)
        return NULL;
    session_job_note_operators(job);
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    static const char *const columns[] = {"operator",   "rows in",     "rows out",  "busy",
                                          "state keys", "state bytes", "late rows", "watermark"};
    result_set_columns(result, columns, (uint32_t)array_count(columns));
    for (uint32_t i = 0; i < job->operator_count; i++)
        add_operator(result, &job->operators[i]);
    return result;
}
