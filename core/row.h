/* Rows as bytes: what state keeps, exchanges hash and checkpoints write.
 *
 * Invariant: equal rows have equal bytes (NULL equals NULL, -0.0 equals 0.0, all NaN are one), so
 * keys compare and hash as bytes. The order of the bytes means nothing; see core/sort_key.h.
 *
 *     +-------------+--------------------------------+---------------------------+
 *     | null bits   | a fixed slot per column        | bytes of strings, in order|
 *     +-------------+--------------------------------+---------------------------+
 *
 * A string's slot is its u32 length, its bytes follow behind the slots; nested values are encoded
 * as strings of their own (count and elements). A NULL's slot is zero. Little-endian, unaligned.
 *
 * Cost: column by column over a batch; a fixed-width row is a handful of stores. */
#ifndef CORE_ROW_H
#define CORE_ROW_H

#include "core/batch.h"

typedef struct RowLayout RowLayout;

/* Layout of rows with these types; lives in the arena. */
const RowLayout *row_layout_new(Arena *arena, const Type *const *types, uint32_t count);
const RowLayout *row_layout_of_schema(Arena *arena, const Schema *schema);
/* Of some columns of a schema, as keys are. */
const RowLayout *row_layout_of_columns(Arena *arena, const Schema *schema, const uint32_t *columns,
                                       uint32_t count);

/* Bytes of every row when all columns are fixed-width, else 0. */
uint32_t row_layout_fixed_bytes(const RowLayout *layout);
uint32_t row_layout_column_count(const RowLayout *layout);

/* Encodes row rows[i] (row i when rows is NULL) of the columns, for i < count, into one run of
 * memory in the arena; out[i] says where each lies. columns[c] is the vector of layout column c. */
void row_encode(const RowLayout *layout, const Vector *const *columns, const uint32_t *rows,
                uint32_t count, Arena *arena, Str *out);

/* Hashes of the encoded rows (core/hash.h), for who needs nothing else of them. */
void row_hash(const RowLayout *layout, const Vector *const *columns, uint32_t count, Arena *arena,
              uint64_t *hashes);
/* The same where that takes no encoding: numbers, and one number beside what all rows share. False,
 * and nothing done, where it does. */
bool row_hash_directly(const RowLayout *layout, const Vector *const *columns, uint32_t count,
                       Arena *arena, uint64_t *hashes);

/* The same as row_encode in two steps, for rows that have a place each: out[i].length is set; then
 * the caller sets out[i].data, and the bytes are written there. What is returned belongs to the
 * arena and is for the second step, with the same columns and rows. */
typedef const Str *const *RowNested;
RowNested row_measure(const RowLayout *layout, const Vector *const *columns, const uint32_t *rows,
                      uint32_t count, Arena *arena, Str *out);
void row_write(const RowLayout *layout, const Vector *const *columns, const uint32_t *rows,
               uint32_t count, RowNested nested, Str *out);

/* Appends one encoded row to the buffer. */
void row_encode_one(const RowLayout *layout, const Vector *const *columns, uint32_t row,
                    Buffer *out);

/* Writes the columns of an encoded row to row `row` of the vectors (columns[c] may be NULL: not
 * wanted). Strings are copied into the arena; with `borrow` they point into the encoded row, which
 * must then outlive the vectors. */
void row_decode(const RowLayout *layout, Str encoded, Vector *const *columns, uint32_t row,
                Arena *arena, bool borrow);

/* The same for many rows, row i to row to[i] (row i when `to` is NULL), column by column. Strings
 * point into the encoded rows; the arena is for what is nested, and for notes. */
void row_decode_rows(const RowLayout *layout, const Str *encoded, uint32_t count,
                     Vector *const *columns, const uint32_t *to, Arena *arena);

/* Whether column `column` of the encoded row is NULL; whether any is. */
bool row_is_null(const RowLayout *layout, Str encoded, uint32_t column);
bool row_has_null(const RowLayout *layout, Str encoded);

#endif
