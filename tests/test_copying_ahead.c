/* State that is copied ahead of a checkpoint by a job whose input has gone quiet: the epoch comes
 * to its end by itself, though nothing wakes the task but the copying. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buffer.h"
#include "session/weir.h"
#include "tests/suite.h"

/* So many that copying them takes longer than a barrier may. */
#define KEYS 102400
#define CALL 2048 /* rows of a call */

static void run(WeirSession *session, const char *sql)
{
    WeirResult *result = NULL;
    ck_assert_msg(weir_execute_text(session, sql, &result) == WEIR_OK, "%s\n%s", sql,
                  weir_error_message(session));
    weir_result_free(result);
}

static void feed_keys(WeirSession *session, uint32_t first)
{
    Buffer rows = {0};
    for (uint32_t k = first; k < first + CALL; k++)
        buffer_printf(&rows, "+I[%u]\n", k);
    ck_assert_msg(weir_feed(session, "t", buffer_text(&rows)) == WEIR_OK, "%s",
                  weir_error_message(session));
    buffer_deinit(&rows);
}

/* Every record changes between any two epochs, so that copying it early is work done twice: it
 * waits until the epoch is due. */
START_TEST(state_that_changes_often_is_copied_without_input)
{
    char directory[] = "/tmp/weir-ahead-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    WeirSession *session = weir_open();
    weir_set(session, "execution.checkpointing.dir", directory);
    weir_set(session, "pipeline.name", "ahead");
    run(session, "CREATE TABLE t (k INT) WITH ('connector' = 'feed')");
    run(session, "CREATE TABLE o (k INT, n BIGINT) WITH ('connector' = 'blackhole')");
    WeirResult *job = NULL;
    ck_assert_int_eq(
        weir_execute_text(session, "INSERT INTO o SELECT k, COUNT(*) FROM t GROUP BY k", &job),
        WEIR_OK);
    for (uint32_t epoch = 0; epoch < 4; epoch++) {
        for (uint32_t k = 0; k < KEYS; k += CALL)
            feed_keys(session, k);
        ck_assert_msg(weir_settle(session) == WEIR_OK, "%s", weir_error_message(session));
    }
    weir_result_free(job);
    weir_close(session);
    Buffer command = {0};
    buffer_printf(&command, "rm -rf %s", directory);
    ck_assert_int_eq(system(buffer_text(&command)), 0);
    buffer_deinit(&command);
}
END_TEST

int main(void)
{
    TCase *ahead = tcase_create("ahead");
    tcase_set_timeout(ahead, 90); /* of the epoch: half of ten minutes */
    tcase_add_test(ahead, state_that_changes_often_is_copied_without_input);
    return test_run("copying_ahead", ahead);
}
