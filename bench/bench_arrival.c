/* From a row's arrival to its result, while nothing else is going on: one row at a time is fed by
 * hand, and the clock stops when the change it makes reaches the sink.
 *
 *   bench_arrival COUNT KEYS [MS] [parallelism]
 *
 * Two queries over KEYS keys that are there already, COUNT rows into each: a group aggregation and
 * a join. With checkpoints every MS milliseconds, whose bytes go to a folder of their own. Prints
 * the quantiles in milliseconds; the time is of three threads' waking, of parsing the row's text,
 * and of the query. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session/weir.h"

#define ROWS_AT_ONCE 2000

typedef struct Arrivals {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    uint64_t lines;
} Arrivals;

static void fail(const char *what)
{
    fprintf(stderr, "bench_arrival: %s\n", what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void on_text(void *user, const char *text, size_t length, bool standard_error)
{
    Arrivals *arrivals = user;
    uint64_t lines = 0;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    pthread_mutex_lock(&arrivals->lock);
    arrivals->lines += standard_error ? 0 : lines;
    pthread_cond_signal(&arrivals->arrived);
    pthread_mutex_unlock(&arrivals->lock);
}

static void wait_for(Arrivals *arrivals, uint64_t lines)
{
    pthread_mutex_lock(&arrivals->lock);
    while (arrivals->lines < lines)
        pthread_cond_wait(&arrivals->arrived, &arrivals->lock);
    pthread_mutex_unlock(&arrivals->lock);
}

static WeirResult *run(WeirSession *session, const char *script)
{
    size_t offset = 0, from, to, length = strlen(script);
    WeirResult *result = NULL;
    while (weir_next_statement(script, length, &offset, &from, &to) == 1) {
        weir_result_free(result);
        result = NULL;
        if (weir_execute(session, script, length, from, to, NULL, &result) != WEIR_OK)
            fail(weir_error_message(session));
    }
    return result;
}

static void feed(WeirSession *session, const char *table, const char *rows)
{
    if (weir_feed(session, table, rows) != WEIR_OK)
        fail(weir_error_message(session));
}

/* A row of each key, in large batches. */
static void fill(WeirSession *session, const char *table, uint32_t keys)
{
    static char rows[ROWS_AT_ONCE * 40];
    for (uint32_t key = 0; key < keys;) {
        size_t length = 0;
        for (uint32_t i = 0; i < ROWS_AT_ONCE && key < keys; i++, key++)
            length +=
                (size_t)snprintf(rows + length, sizeof(rows) - length, "+I[%u, %u]\n", key, i);
        feed(session, table, rows);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* `lines`: changes that one row makes. */
static void measure(WeirSession *session, Arrivals *arrivals, const char *name, uint32_t count,
                    uint32_t keys, uint32_t lines)
{
    double *delays = calloc(count, sizeof(double));
    uint64_t random = 88172645463325252ull;
    if (delays == NULL)
        fail("out of memory");
    for (uint32_t i = 0; i < count; i++) {
        char row[64];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        snprintf(row, sizeof(row), "+I[%" PRIu64 ", %u]", random % keys, i);
        /* So long that every worker has gone to sleep. */
        nanosleep(&(struct timespec){0, 500000}, NULL);
        pthread_mutex_lock(&arrivals->lock);
        uint64_t before = arrivals->lines;
        pthread_mutex_unlock(&arrivals->lock);
        double began = now_ms();
        feed(session, "l", row);
        wait_for(arrivals, before + lines);
        delays[i] = now_ms() - began;
    }
    qsort(delays, count, sizeof(double), compare_doubles);
    printf("%s %.3f %.3f %.3f %.3f\n", name, delays[count / 2], delays[(size_t)count * 95 / 100],
           delays[(size_t)count * 99 / 100], delays[count - 1]);
    free(delays);
}

static void set(WeirSession *session, const char *key, const char *value)
{
    if (weir_set(session, key, value) != WEIR_OK)
        fail(weir_error_message(session));
}

static void bench(const char *name, const char *query, bool join, uint32_t count, uint32_t keys,
                  const char *interval, const char *parallelism)
{
    Arrivals arrivals = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    WeirSession *session = weir_open();
    weir_on_text(session, on_text, &arrivals);
    weir_start_fresh(session, true);
    set(session, "pipeline.name", name);
    set(session, "parallelism.default", parallelism);
    if (interval != NULL) {
        set(session, "execution.checkpointing.dir", "arrival-checkpoints");
        set(session, "execution.checkpointing.interval", interval);
    }
    WeirResult *tables =
        run(session, "CREATE TABLE l (k BIGINT, v INT) WITH ('connector' = 'feed');"
                     "CREATE TABLE r (k BIGINT, v INT) WITH ('connector' = 'feed');"
                     "CREATE TABLE o (k BIGINT, a BIGINT, b BIGINT) WITH "
                     "('connector' = 'print');");
    weir_result_free(tables);
    WeirResult *job = run(session, query);
    fill(session, join ? "r" : "l", keys);
    if (!join)
        wait_for(&arrivals, keys);
    else
        nanosleep(&(struct timespec){1, 0}, NULL);
    measure(session, &arrivals, name, count, keys, join ? 1 : 2);
    weir_result_free(job);
    weir_close(session);
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 3)
        fail("usage: bench_arrival COUNT KEYS [MS] [PARALLELISM]");
    uint32_t count = (uint32_t)strtoul(arguments[1], NULL, 10);
    uint32_t keys = (uint32_t)strtoul(arguments[2], NULL, 10);
    char interval[32] = "";
    if (argument_count > 3)
        snprintf(interval, sizeof(interval), "%lu ms", strtoul(arguments[3], NULL, 10));
    const char *parallelism = argument_count > 4 ? arguments[4] : "1";
    bool checkpoints = argument_count > 3 && strtoul(arguments[3], NULL, 10) > 0;
    bench("aggregation", "INSERT INTO o SELECT k, COUNT(*), SUM(v) FROM l GROUP BY k;", false,
          count, keys, checkpoints ? interval : NULL, parallelism);
    bench("join", "INSERT INTO o SELECT l.k, l.v, r.v FROM l JOIN r ON l.k = r.k;", true, count,
          keys, checkpoints ? interval : NULL, parallelism);
    return 0;
}
