/* Row images of a rows event, into the columns of a change batch. */
#ifndef CONNECTORS_MYSQL_BINLOG_ROWS_H
#define CONNECTORS_MYSQL_BINLOG_ROWS_H

#include "connectors/mysql/value.h"

/* More than an index of either server can have. */
#define KEY_COLUMNS_MAX 64

/* Values that need no look at their type any more: their bytes go straight into the batch. */
typedef enum RowShape {
    SHAPE_GENERAL, /* by type, through MysqlValue */
    SHAPE_SKIPPED, /* nobody wants it, and every value has `width` bytes */
    SHAPE_I8,      /* signed integers into columns as wide */
    SHAPE_I16,
    SHAPE_I32,
    SHAPE_I64,
    SHAPE_TEXT,    /* UTF-8 behind a length of `width` bytes */
    SHAPE_DECIMAL, /* of up to 18 digits, of the same scale, in `width` bytes */
    SHAPE_DATETIME /* into microseconds, in `width` bytes */
} RowShape;

/* A DECIMAL of 18 digits has at most so many groups of up to 9. */
#define SHAPE_GROUPS_MAX 4

/* What to do with one physical column. */
typedef struct RowColumn {
    TableMapColumn map;
    const MysqlColumn *column; /* needed where target or key is set */
    int32_t target;            /* column of the batch, or -1 */
    int32_t key;               /* place in the key, or -1 */
    uint8_t shape;             /* RowShape; 0 always works */
    uint8_t width;
    uint8_t group_count; /* of a DECIMAL: bytes and digits of each */
    uint8_t group_bytes[SHAPE_GROUPS_MAX];
    uint8_t group_digits[SHAPE_GROUPS_MAX];
} RowColumn;

/* How the rows of one table become rows of one scan. */
typedef struct RowPlan {
    uint32_t column_count;
    RowColumn *columns;
    uint32_t key_count;
    const TimeZone *zone; /* of the server, for TIMESTAMP as local time */
} RowPlan;

/* Finds the shapes of the columns, whose other fields are set; `schema` is the batches'. */
void binlog_row_plan_shapes(RowPlan *plan, const Schema *schema);

/* Whether both images have every column; absent is not NULL, so anything else is refused. */
bool binlog_rows_are_full(const RowsEvent *rows);

/* Reads the image at `*at` into row `row` of the batch and moves behind it. `keys`, if not NULL,
 * gets the raw bytes of the plan's key columns. */
bool binlog_row_decode(const RowPlan *plan, const uint8_t **at, const uint8_t *end, Batch *batch,
                       uint32_t row, Str *keys, Buffer *scratch, Error *error) MUST_CHECK;

/* The same for an after image that may have JSON in part, with the image before it. */
bool binlog_row_decode_partial(const RowPlan *plan, const uint8_t *before, const uint8_t **at,
                               const uint8_t *end, Batch *batch, uint32_t row, Str *keys,
                               Buffer *scratch, Error *error) MUST_CHECK;
/* Moves from what heads such an image to where it is like any other. */
bool binlog_row_skip_partial_head(const RowPlan *plan, const uint8_t **at, const uint8_t *end,
                                  Error *error) MUST_CHECK;

/* The bytes of one column, empty when it is NULL; moves behind the image. */
bool binlog_row_column(const RowPlan *plan, const uint8_t **at, const uint8_t *end, uint32_t column,
                       Str *bytes, Error *error) MUST_CHECK;

/* The key columns alone, as literals separated by commas for a comparison on the server. */
bool binlog_row_key_literals(const RowPlan *plan, const uint8_t **at, const uint8_t *end,
                             Buffer *literals, uint32_t *literal_ends, Buffer *scratch,
                             Error *error) MUST_CHECK;

#endif
