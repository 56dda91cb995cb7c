/* STOP JOB … WITH SAVEPOINT: a last checkpoint, kept as a file of its own.
 *
 * Everything that can be found wrong beforehand is, so that a refused statement leaves the job
 * running. */
#include "session/session_internal.h"

#include <string.h>

static bool check(const SessionJob *job, const char *directory, Error *error)
{
    if (job->job == NULL || job_wait(job->job, 0)) {
        error_set(error, ERROR_STATE, "job \"%s\" has ended", job->name);
        return error_hint(error, "Its last checkpoint is in its checkpoint folder.");
    }
    if (directory == NULL) {
        error_set(error, ERROR_OPTION, "there is no place for savepoints");
        return error_hint(error, "SET 'execution.checkpointing.savepoint-dir' = 'a folder'.");
    }
    return job_can_save(job->job, directory, error);
}

WeirResult *session_save_job(WeirSession *session, SessionJob *job, const AstStatement *statement,
                             Error *error)
{
    const char *directory = config_get(session->config, "execution.checkpointing.savepoint-dir");
    if (!check(job, directory, error)) {
        error_at(error, statement->place.offset, statement->place.length);
        return NULL;
    }
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    const char *path = NULL;
    job_stop(job->job, statement->with_drain);
    job_wait(job->job, -1);
    job_error(job->job, error);
    bool saved =
        error->code == ERROR_NONE && job_save(job->job, directory, result->arena, &path, error);
    session_job_reap(job);
    if (!saved) {
        weir_result_free(result);
        return NULL;
    }
    result_set_columns(result, &(const char *){"savepoint path"}, 1);
    result_add_row(result, &path);
    return result;
}
