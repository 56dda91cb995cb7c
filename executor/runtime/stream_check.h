/* The rules of a stream, checked between every two operators in debug builds: schema and physical
 * types, kinds the plan allows, -U directly before its +U where the plan says so, watermarks that
 * do not go back, epochs in order, nothing after the end.
 *
 * A broken rule is an ERROR_INTERNAL that names the operator that broke it.
 *
 * Cost: one look at every kind of a batch; none in release builds. Whether a retraction takes back
 * a row that was emitted is for row_check.h, which keeps every row. */
#ifndef EXECUTOR_RUNTIME_STREAM_CHECK_H
#define EXECUTOR_RUNTIME_STREAM_CHECK_H

#include "planner/plan.h"

#ifdef NDEBUG
static const bool stream_check_on = false;
#else
static const bool stream_check_on = true;
#endif

typedef struct StreamCheck {
    const PlanNode *node; /* whose output this is */
    bool pairs;           /* -U and +U stand next to each other */
    int64_t watermark_us;
    uint64_t epoch;
    bool ended;
} StreamCheck;

void stream_check_init(StreamCheck *check, const PlanNode *node, bool pairs);
bool stream_check_batch(StreamCheck *check, const Batch *batch, Error *error) MUST_CHECK;
bool stream_check_watermark(StreamCheck *check, int64_t watermark_us, Error *error) MUST_CHECK;
bool stream_check_barrier(StreamCheck *check, uint64_t epoch, Error *error) MUST_CHECK;
bool stream_check_end(StreamCheck *check, Error *error) MUST_CHECK;

/* Whether the node's updates come as adjacent pairs: it makes them itself, or passes on what does.
 * A join emits all -U of a row's matches before their +U, and an exchange by key may part the two
 * halves; `split[i]` says that input i of the node came over one. pairs[] holds the answers for the
 * nodes before. */
bool stream_has_pairs(const PlanNode *node, const bool *pairs, const bool *split);

#endif
