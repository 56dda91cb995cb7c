/* What an operator on the bench passes on, as text: stands in for the runtime's `emit` and its
 * like, and checks that batches keep their bounds and that no -U is parted from its +U. */
#ifndef TESTS_OPERATOR_EMITTER_H
#define TESTS_OPERATOR_EMITTER_H

#include <check.h>

#include "core/changelog_text.h"
#include "executor/operator.h"

struct Emitter {
    Buffer text;
    uint32_t batch_rows;
    uint32_t batch_count;
    bool ends_in_before; /* the last row passed on was -U */
    OperatorTime time;
    uint64_t late_rows;
    bool allows_halves; /* a -U and the +U behind it need not be one update */
};

bool emit(Emitter *emitter, Batch *batch, Error *error)
{
    ck_assert_ptr_nonnull(error);
    uint32_t count = batch->row_count;
    if (count != 0) {
        bool is_pair = count == 2 && batch_kind(batch, 1) == CHANGE_UPDATE_AFTER;
        ck_assert_msg(count <= emitter->batch_rows || is_pair, "a batch of %u rows", count);
        ck_assert_msg(emitter->allows_halves || !emitter->ends_in_before ||
                          batch_kind(batch, 0) != CHANGE_UPDATE_AFTER,
                      "an update was split");
        emitter->ends_in_before = batch_kind(batch, count - 1) == CHANGE_UPDATE_BEFORE;
        emitter->batch_count++;
        changelog_print(batch, NULL, &emitter->text);
    }
    batch_release(batch);
    return true;
}

/* Watermarks that operators make stand between the rows as "watermark 5", in milliseconds. */
bool emit_watermark(Emitter *emitter, int64_t watermark_us, Error *error)
{
    ck_assert_ptr_nonnull(error);
    if (watermark_us < emitter->time.emitted_us)
        return true;
    emitter->time.emitted_us = watermark_us;
    buffer_printf(&emitter->text, "watermark %lld\n", (long long)(watermark_us / 1000));
    return true;
}

bool emit_idle(Emitter *emitter, bool idle, Error *error)
{
    ck_assert_ptr_nonnull(error);
    if (emitter->time.is_idle != idle)
        buffer_append_text(&emitter->text, idle ? "idle\n" : "active\n");
    emitter->time.is_idle = idle;
    return true;
}

bool emit_late(Emitter *emitter, const Batch *batch, const uint32_t *rows, uint32_t count,
               Error *error)
{
    ck_assert_ptr_nonnull(error);
    emitter->late_rows += count;
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_text(&emitter->text, "late ");
        changelog_print_row(batch, rows == NULL ? i : rows[i], NULL, &emitter->text);
        buffer_append_char(&emitter->text, '\n');
    }
    return true;
}

#endif
