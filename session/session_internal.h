/* What the files of session/ share: the session, its jobs and results. Private to the folder. */
#ifndef SESSION_SESSION_INTERNAL_H
#define SESSION_SESSION_INTERNAL_H

#include <signal.h>

#include "executor/runtime/collector.h"
#include "executor/runtime/job.h"
#include "parser/parser.h"
#include "planner/planner.h"
#include "session/config.h"
#include "session/weir.h"

/* What is known of an operator of a job; figures.node is not set. */
typedef struct SessionOperator {
    char *label;
    bool keeps_state;
    OperatorStatus figures;
} SessionOperator;

/* One job of the session, running or ended. It stays in the list when it has ended, so that SHOW
 * JOBS tells how; its threads and memory go as soon as somebody looks, and it itself when a hundred
 * others have ended after it. */
typedef struct SessionJob {
    char id[40];
    char *name;
    Job *job;                   /* NULL once it has ended and was seen */
    Collector *collector;       /* of a query */
    JobStatus last;             /* when job is NULL */
    SessionOperator *operators; /* as they were when somebody looked last, or at the end */
    uint32_t operator_count;
    Error error;   /* code ERROR_NONE: it did not fail */
    bool reported; /* weir_wait has told of the failure */
    Str script;    /* copy of what it was started by, for errors while it runs */
    size_t statement_start;
    char *file;
    const char **fed; /* names of the fed tables it reads */
    uint32_t fed_count;
    WeirSession *session;
    /* While it starts: the statement, to plan it again. */
    const AstStatement *statement;
    Str statement_script;
} SessionJob;

/* Where a statement stands, for errors. */
typedef struct StatementText {
    Str script;
    size_t start, end;
    const char *file; /* NULL: none */
} StatementText;

typedef struct SessionLibrary SessionLibrary;

struct WeirSession {
    Config *config;
    Catalog *catalog;
    struct UserFunctions *functions;
    SessionLibrary *libraries; /* they came from */
    const TimeZone *zone;
    Arena *zone_arena;
    char *zone_name;

    SessionJob **jobs;
    uint32_t job_count, job_capacity;
    WeirResult *results; /* those that have not been freed */

    WeirTextCallback on_text;
    void *text_user;
    WeirNoticeCallback on_notice;
    void *notice_user;

    HandClock hand_clock; /* when is_hand_clocked */
    bool is_hand_clocked;
    bool fresh; /* --fresh: jobs forget their checkpoints */
    Error error;
    Buffer error_text;
    /* Set by weir_interrupt, maybe from a signal handler: 1 stop, 2 cancel. */
    volatile sig_atomic_t interrupt;
};

struct WeirResult {
    WeirSession *session; /* NULL once it is closed */
    WeirResult *previous, *next;
    WeirResultKind kind;
    Arena *arena;
    const Schema *schema; /* of the rows; its types decide the widths */
    SessionJob *job;      /* QUERY, JOB; NULL once the session is closed */
    bool bounded;

    /* ROWS: cells by row and column, NULL for NULL. */
    const char **cells;
    uint32_t row_count, row_capacity;

    /* The current row: `row` of `batch` (QUERY) or of cells (ROWS; -1 before the first). */
    Batch *batch;
    int64_t row;
    Buffer text;
};

/* Remembers and formats an error; `text` (may be NULL) gives its place. Returns WEIR_ERROR. */
WeirStatus session_fail(WeirSession *session, const Error *error, const StatementText *text);
/* Message, place with the line and a caret, detail and hint. */
void error_text_print(const Error *error, const StatementText *text, Buffer *out);

/* What time it is for the session's jobs. */
static inline const Clock *session_clock(const WeirSession *session)
{
    return session->is_hand_clocked ? &session->hand_clock.base : &clock_system;
}

/* The zone of table.local-time-zone. */
bool session_zone(WeirSession *session, const TimeZone **zone, Error *error) MUST_CHECK;
PlannerConfig session_planner_config(WeirSession *session, const TimeZone *zone);
void session_notice(void *to, const char *text);

/* session_jobs.c */
SessionJob *session_start_job(WeirSession *session, Plan *plan, const AstStatement *statement,
                              Str script, const char *name, Error *error) MUST_CHECK;
/* If the job has ended: keeps its last status and gives the rest back. */
void session_job_reap(SessionJob *job);
bool session_job_ended(const SessionJob *job);
void session_job_free(SessionJob *job);
/* Remembers which statement started the job; makes its failure the session's error, placed there.
 */
void session_job_place(SessionJob *job, const StatementText *text);
WeirStatus session_job_fail(const SessionJob *job);
void session_job_describe(SessionJob *job, WeirJobStatus *out);
const char *session_job_state(const SessionJob *job);
/* STOP JOB … WITH SAVEPOINT: stops it and gives the path of its savepoint as a row. */
WeirResult *session_save_job(WeirSession *session, SessionJob *job, const AstStatement *statement,
                             Error *error);
/* By id or name. */
SessionJob *session_find_job(WeirSession *session, const AstStatement *statement, Error *error);
/* Passes a pending interrupt on to the job, or with NULL to all. */
void session_apply_interrupt(WeirSession *session, SessionJob *only);

/* session_describe_job.c */
WeirResult *session_describe_job(WeirSession *session, const AstStatement *statement, Error *error);
/* Takes down the figures of a running job's operators. */
void session_job_note_operators(SessionJob *job);
void session_job_forget_operators(SessionJob *job);

/* session_functions.c */
/* CREATE, ALTER and DROP FUNCTION. */
WeirResult *session_apply_function(WeirSession *session, const AstFunction *ast, Error *error);
WeirResult *session_describe_function(WeirSession *session, const AstStatement *statement,
                                      Error *error);
/* SHOW JARS: the libraries that functions were loaded from. */
WeirResult *session_show_libraries(WeirSession *session);
/* When no job is left that could call one. */
void session_functions_free(WeirSession *session);

/* result.c */
/* The session goes: results that were not freed lose what belongs to it. */
void results_detach(WeirSession *session);
WeirResult *result_new(WeirSession *session, WeirResultKind kind);
/* Columns of text for a ROWS result. */
void result_set_columns(WeirResult *result, const char *const *names, uint32_t count);
/* A row; copies the cells. */
void result_add_row(WeirResult *result, const char *const *cells);

/* session_show.c */
WeirResult *session_show(WeirSession *session, const AstStatement *statement, Error *error);
WeirResult *session_describe(WeirSession *session, const AstStatement *statement, Error *error);
WeirResult *session_list_config(WeirSession *session);

#endif
