/* Results: rows of a listing, changes of a running query, or a job to follow.
 *
 * Invariant: `row` is the current row between a WEIR_STEP_ROW and the next weir_next. A result may
 * outlive its session: then it has no rows but those of a listing. */
#include "session/session_internal.h"

#include "core/str.h"
#include "core/value_text.h"

/* Longest wait before a pending interrupt is looked at again. */
#define POLL_MS 50

/* ---------------------------------------------------------------- building */

WeirResult *result_new(WeirSession *session, WeirResultKind kind)
{
    WeirResult *result = memory_zalloc(sizeof(*result));
    result->session = session;
    result->kind = kind;
    result->arena = arena_new(1024);
    result->row = -1;
    result->bounded = true;
    result->next = session->results;
    if (result->next != NULL)
        result->next->previous = result;
    session->results = result;
    return result;
}

void results_detach(WeirSession *session)
{
    for (WeirResult *result = session->results; result != NULL; result = result->next) {
        batch_release(result->batch);
        result->batch = NULL;
        result->job = NULL;
        result->session = NULL;
    }
}

void result_set_columns(WeirResult *result, const char *const *names, uint32_t count)
{
    Column *columns = arena_new_array(result->arena, Column, count);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (Column){arena_strdup(result->arena, names[i]), &type_string};
    result->schema = schema_new(result->arena, columns, count);
}

void result_add_row(WeirResult *result, const char *const *cells)
{
    uint32_t columns = result->schema->column_count;
    if (result->row_count == result->row_capacity) {
        result->row_capacity = result->row_capacity == 0 ? 16 : result->row_capacity * 2;
        result->cells =
            memory_realloc(result->cells, sizeof(*result->cells) * columns * result->row_capacity);
    }
    const char **row = result->cells + (size_t)result->row_count++ * columns;
    for (uint32_t i = 0; i < columns; i++)
        row[i] = cells[i] == NULL ? NULL : arena_strdup(result->arena, cells[i]);
}

/* ----------------------------------------------------------------- columns */

WeirResultKind weir_result_kind(const WeirResult *result)
{
    return result->kind;
}

uint32_t weir_column_count(const WeirResult *result)
{
    return result->schema == NULL ? 0 : result->schema->column_count;
}

const char *weir_column_name(const WeirResult *result, uint32_t column)
{
    return column >= weir_column_count(result) ? NULL : result->schema->columns[column].name;
}

const char *weir_column_type(const WeirResult *result, uint32_t column)
{
    if (column >= weir_column_count(result))
        return NULL;
    return type_text(result->arena, result->schema->columns[column].type);
}

/* Widths Flink's tableau gives to types in streaming. */
static uint32_t type_width(const Type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
        return 6;
    case TYPE_SMALLINT:
        return 7;
    case TYPE_INT:
        return 11;
    case TYPE_BIGINT:
        return 20;
    case TYPE_DECIMAL:
        return (uint32_t)type->precision + 2;
    case TYPE_DATE:
        return 10;
    case TYPE_TIME:
        return 8 + (type->precision > 0 ? 1u + type->precision : 0);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        return 19 + (type->precision == 0   ? 0
                     : type->precision <= 3 ? 4
                     : type->precision <= 6 ? 7
                                            : 10);
    default:
        return 30;
    }
}

uint32_t weir_column_width(const WeirResult *result, uint32_t column)
{
    return column >= weir_column_count(result) ? 0
                                               : type_width(result->schema->columns[column].type);
}

bool weir_result_is_bounded(const WeirResult *result)
{
    return result->bounded;
}

/* -------------------------------------------------------------------- rows */

/* The job has ended and nothing is queued: how did it end? */
static WeirStep result_end(WeirResult *result)
{
    session_job_reap(result->job);
    result->job->reported = true;
    if (result->job->error.code == ERROR_NONE)
        return WEIR_STEP_END;
    session_job_fail(result->job);
    return WEIR_STEP_ERROR;
}

static bool result_take_batch(WeirResult *result, int64_t wait_ms)
{
    batch_release(result->batch);
    result->row = -1;
    result->batch = collector_pop(result->job->collector, wait_ms);
    return result->batch != NULL;
}

/* Waits up to timeout_ms (negative: for ever) for the query's next row or the job's end. */
static WeirStep result_next_change(WeirResult *result, int64_t timeout_ms)
{
    if (result->batch != NULL && result->row + 1 < (int64_t)result->batch->row_count) {
        result->row++;
        return WEIR_STEP_ROW;
    }
    int64_t deadline = clock_monotonic_us() + timeout_ms * 1000;
    for (;;) {
        session_apply_interrupt(result->session, result->job);
        bool ended = session_job_ended(result->job);
        int64_t left_ms = timeout_ms < 0 ? POLL_MS : (deadline - clock_monotonic_us()) / 1000;
        int64_t wait_ms = ended || left_ms < 0 ? 0 : left_ms < POLL_MS ? left_ms : POLL_MS;
        if (result_take_batch(result, wait_ms)) {
            result->row = 0;
            return WEIR_STEP_ROW;
        }
        if (ended)
            return result_end(result);
        if (timeout_ms >= 0 && left_ms <= 0)
            return WEIR_STEP_IDLE;
    }
}

static WeirStep result_await_job(WeirResult *result, int64_t timeout_ms)
{
    int64_t deadline = clock_monotonic_us() + timeout_ms * 1000;
    for (;;) {
        session_apply_interrupt(result->session, result->job);
        if (session_job_ended(result->job))
            return result_end(result);
        int64_t left_ms = timeout_ms < 0 ? POLL_MS : (deadline - clock_monotonic_us()) / 1000;
        if (timeout_ms >= 0 && left_ms <= 0)
            return WEIR_STEP_IDLE;
        job_wait(result->job->job, left_ms < POLL_MS ? left_ms : POLL_MS);
    }
}

WeirStep weir_next(WeirResult *result, int64_t timeout_ms)
{
    if (result->session == NULL && result->kind != WEIR_RESULT_ROWS)
        return WEIR_STEP_END;
    switch (result->kind) {
    case WEIR_RESULT_QUERY:
        return result_next_change(result, timeout_ms);
    case WEIR_RESULT_JOB:
        return result_await_job(result, timeout_ms);
    case WEIR_RESULT_ROWS:
        if (result->row + 1 >= (int64_t)result->row_count)
            return WEIR_STEP_END;
        result->row++;
        return WEIR_STEP_ROW;
    default:
        return WEIR_STEP_END;
    }
}

/* Whether there is a current row, and such a column in it. */
static bool has_value(const WeirResult *result, uint32_t column)
{
    bool has_row = result->kind == WEIR_RESULT_ROWS ? result->row >= 0 : result->batch != NULL;
    return has_row && column < weir_column_count(result);
}

WeirChange weir_row_change(const WeirResult *result)
{
    if (result->kind != WEIR_RESULT_QUERY || result->batch == NULL)
        return WEIR_INSERT;
    return (WeirChange)batch_kind(result->batch, (uint32_t)result->row);
}

static const char *result_cell(const WeirResult *result, uint32_t column)
{
    return result->cells[(size_t)result->row * result->schema->column_count + column];
}

bool weir_is_null(const WeirResult *result, uint32_t column)
{
    if (!has_value(result, column))
        return true;
    if (result->kind == WEIR_RESULT_ROWS)
        return result_cell(result, column) == NULL;
    return vector_is_null(&result->batch->columns[column], (uint32_t)result->row);
}

const char *weir_text(const WeirResult *result, uint32_t column, size_t *length)
{
    const char *text = "NULL";
    size_t bytes = strlen(text);
    if (!has_value(result, column)) {
        /* as a value that is NULL */
    } else if (result->kind == WEIR_RESULT_ROWS) {
        const char *cell = result_cell(result, column);
        text = cell == NULL ? text : cell;
        bytes = strlen(text);
    } else {
        /* The buffer is the result's scratch space: constness is the row's, not its own. */
        Buffer *buffer = &((WeirResult *)(uintptr_t)result)->text;
        buffer_clear(buffer);
        value_print(&result->batch->columns[column], (uint32_t)result->row, result->session->zone,
                    buffer);
        text = buffer_text(buffer);
        bytes = buffer->length;
    }
    if (length != NULL)
        *length = bytes;
    return text;
}

int64_t weir_int64(const WeirResult *result, uint32_t column)
{
    if (result->kind != WEIR_RESULT_QUERY || weir_is_null(result, column))
        return 0;
    const Vector *vector = &result->batch->columns[column];
    uint32_t row = vector_index(vector, (uint32_t)result->row);
    switch (vector->type->physical) {
    case PHYSICAL_BOOL:
        return ((const uint8_t *)vector->data)[row];
    case PHYSICAL_I8:
        return ((const int8_t *)vector->data)[row];
    case PHYSICAL_I16:
        return ((const int16_t *)vector->data)[row];
    case PHYSICAL_I32:
        return ((const int32_t *)vector->data)[row];
    case PHYSICAL_I64:
        return vector->type->kind == TYPE_DECIMAL ? 0 : ((const int64_t *)vector->data)[row];
    case PHYSICAL_I128: {
        int128_t value;
        memcpy(&value, (const char *)vector->data + (size_t)row * 16, sizeof(value));
        return type_is_timestamp(vector->type) ? (int64_t)(value / 1000) : 0;
    }
    default:
        return 0;
    }
}

double weir_double(const WeirResult *result, uint32_t column)
{
    if (result->kind != WEIR_RESULT_QUERY || weir_is_null(result, column))
        return 0;
    const Vector *vector = &result->batch->columns[column];
    uint32_t row = vector_index(vector, (uint32_t)result->row);
    if (vector->type->physical == PHYSICAL_F64)
        return ((const double *)vector->data)[row];
    if (vector->type->physical == PHYSICAL_F32)
        return (double)((const float *)vector->data)[row];
    return (double)weir_int64(result, column);
}

WeirStatus weir_each(WeirResult *result, WeirRowCallback callback, void *user)
{
    for (;;) {
        switch (weir_next(result, -1)) {
        case WEIR_STEP_ROW:
            if (!callback(user, result)) {
                if (result->job != NULL && result->job->job != NULL)
                    job_cancel(result->job->job);
                return WEIR_INTERRUPTED;
            }
            break;
        case WEIR_STEP_IDLE:
            break;
        case WEIR_STEP_END:
            return WEIR_OK;
        case WEIR_STEP_ERROR:
            return WEIR_ERROR;
        }
    }
}

WeirStatus weir_result_status(WeirResult *result, WeirJobStatus *status)
{
    if (result->job == NULL) {
        memset(status, 0, sizeof(*status));
        return WEIR_ERROR;
    }
    session_job_describe(result->job, status);
    return WEIR_OK;
}

void weir_result_free(WeirResult *result)
{
    if (result == NULL)
        return;
    batch_release(result->batch);
    if (result->kind == WEIR_RESULT_QUERY && result->job != NULL && result->job->job != NULL) {
        collector_close(result->job->collector);
        job_cancel(result->job->job);
        job_wait(result->job->job, -1);
        session_job_reap(result->job);
    }
    if (result->next != NULL)
        result->next->previous = result->previous;
    if (result->previous != NULL)
        result->previous->next = result->next;
    else if (result->session != NULL)
        result->session->results = result->next;
    buffer_deinit(&result->text);
    memory_free(result->cells);
    arena_free(result->arena);
    memory_free(result);
}
