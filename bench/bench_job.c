/* Runs a job inside the program, looks at its status and ends it: for figures of jobs without end.
 *
 *   bench_job rows COUNT < SQL            until so many rows have come in: CPU seconds and wall
 *                                         seconds from the first of them to the last
 *   bench_job checkpoints ROWS COUNT < SQL  waits for so many rows, then for so many checkpoints:
 *                                         median pause in ms, median bytes and state bytes
 *   bench_job restore < SQL               wall seconds from the start of a job that goes on until
 *                                         it reads again
 *   bench_job whole < SQL                 to the job's end: CPU and wall seconds, peak memory in
 *                                         MB, state bytes, checkpoints, longest pause in ms
 *
 * The script's last statement is the job. CPU time is the whole process's, all threads added up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "core/arena.h"
#include "session/weir.h"

#define SCRIPT_MAX      (1 << 20)
#define CHECKPOINTS_MAX 100
#define POLL_MS         10 /* a millisecond would be a part of what is measured */

static void fail(const char *what)
{
    fprintf(stderr, "bench_job: %s\n", what);
    exit(1);
}

static double wall_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void nap(void)
{
    nanosleep(&(struct timespec){0, 1000000}, NULL);
}

/* Runs the script and gives its last result, the job. */
static WeirResult *start(WeirSession *session)
{
    static char script[SCRIPT_MAX];
    size_t length = fread(script, 1, sizeof(script) - 1, stdin);
    size_t offset = 0, from, to;
    WeirResult *result = NULL;
    while (weir_next_statement(script, length, &offset, &from, &to) == 1) {
        weir_result_free(result);
        result = NULL;
        if (weir_execute(session, script, length, from, to, NULL, &result) != WEIR_OK)
            fail(weir_error_message(session));
    }
    if (result == NULL || weir_result_kind(result) != WEIR_RESULT_JOB)
        fail("the script's last statement is no job");
    return result;
}

/* Asks until `rows` rows have come in; the status is of a job that runs or has finished. */
static WeirJobStatus wait_for_rows(WeirSession *session, WeirResult *job, uint64_t rows)
{
    WeirJobStatus status;
    for (;;) {
        weir_result_status(job, &status);
        if (status.rows_in >= rows)
            return status;
        if (strcmp(status.state, "RUNNING") != 0) {
            weir_next(job, -1);
            fprintf(stderr, "%s\n", weir_error_message(session));
            fail("the job ended before the rows were read");
        }
        nap();
    }
}

static void measure_rows(WeirSession *session, WeirResult *job, uint64_t rows)
{
    wait_for_rows(session, job, 1);
    double cpu = cpu_s(), wall = wall_s();
    wait_for_rows(session, job, rows);
    printf("%.6f %.6f\n", cpu_s() - cpu, wall_s() - wall);
}

/* The rows of before the restore may count. */
static void measure_restore(WeirSession *session, WeirResult *job, double began)
{
    uint64_t before = wait_for_rows(session, job, 1).rows_in;
    wait_for_rows(session, job, before + 1);
    printf("%.6f\n", wall_s() - began);
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void measure_checkpoints(WeirSession *session, WeirResult *job, uint64_t rows,
                                uint32_t count)
{
    double pauses[CHECKPOINTS_MAX], bytes[CHECKPOINTS_MAX];
    WeirJobStatus status = wait_for_rows(session, job, rows);
    /* The one under way and the next hold what came before. */
    uint64_t seen = status.checkpoint_epoch + 2;
    for (uint32_t i = 0; i < count;) {
        status = wait_for_rows(session, job, rows);
        if (status.checkpoint_epoch > seen) {
            seen = status.checkpoint_epoch;
            pauses[i] = status.checkpoint_pause_ms;
            bytes[i++] = (double)status.checkpoint_bytes;
        }
        nap();
    }
    qsort(pauses, count, sizeof(double), compare_doubles);
    qsort(bytes, count, sizeof(double), compare_doubles);
    printf("%.3f %.0f %" PRIu64 "\n", pauses[count / 2], bytes[count / 2], status.state_bytes);
}

/* Bytes of state and the longest pause are what the status said last or most. */
static void measure_whole(WeirSession *session)
{
    double cpu = cpu_s(), wall = wall_s(), pause = 0;
    uint64_t state = 0, epochs = 0;
    WeirResult *job = start(session);
    WeirJobStatus status;
    WeirStep step;
    do {
        step = weir_next(job, POLL_MS);
        weir_result_status(job, &status);
        if (status.state_bytes > state)
            state = status.state_bytes;
        if (status.checkpoint_pause_ms > pause)
            pause = status.checkpoint_pause_ms;
        if (status.checkpoint_epoch > epochs)
            epochs = status.checkpoint_epoch;
    } while (step == WEIR_STEP_IDLE || step == WEIR_STEP_ROW);
    if (step == WEIR_STEP_ERROR)
        fail(weir_error_message(session));
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%.6f %.6f %.1f %" PRIu64 " %" PRIu64 " %.3f\n", cpu_s() - cpu, wall_s() - wall,
           (double)usage.ru_maxrss / 1024, state, epochs, pause);
    weir_result_free(job);
}

int main(int count, char **arguments)
{
    bool rows = count == 3 && strcmp(arguments[1], "rows") == 0;
    bool checkpoints = count == 4 && strcmp(arguments[1], "checkpoints") == 0;
    bool restore = count == 2 && strcmp(arguments[1], "restore") == 0;
    bool whole = count == 2 && strcmp(arguments[1], "whole") == 0;
    if (!rows && !checkpoints && !restore && !whole)
        fail("usage: bench_job rows COUNT | checkpoints ROWS COUNT | restore | whole < SQL");
    double began = wall_s();
    memory_keep_freed(); /* as the program does */
    WeirSession *session = weir_open();
    if (whole) {
        measure_whole(session);
        weir_close(session);
        return 0;
    }
    WeirResult *job = start(session);
    uint64_t wanted = restore ? 0 : strtoull(arguments[2], NULL, 10);
    if (restore) {
        measure_restore(session, job, began);
    } else if (rows) {
        measure_rows(session, job, wanted);
    } else {
        unsigned long times = strtoul(arguments[3], NULL, 10);
        measure_checkpoints(session, job, wanted,
                            times < CHECKPOINTS_MAX ? (uint32_t)times : CHECKPOINTS_MAX);
    }
    weir_result_free(job);
    weir_close(session);
    return 0;
}
