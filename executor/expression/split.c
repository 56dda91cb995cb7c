/* Which rows a condition holds for.
 *
 * Cost: a load and a store or two a row, no branch; over all rows of a batch eight at a time, so
 * that where it holds for few, or for nearly all, it is less. */
#include "executor/expression/internal.h"

#include <string.h>

enum { WORD_ROWS = 8 };

static uint32_t *list_row(uint32_t *list, uint32_t row, bool belongs)
{
    *list = row;
    return list + belongs;
}

static uint32_t *list_word(uint32_t *list, uint32_t row)
{
    for (uint32_t i = 0; i < WORD_ROWS; i++)
        list[i] = row + i;
    return list + WORD_ROWS;
}

/* All rows of a condition without NULLs, whose bytes are 0 and 1. */
static uint32_t split_all(const uint8_t *values, uint32_t count, uint32_t *is_true,
                          uint32_t *others)
{
    const uint64_t all_true = UINT64_C(0x0101010101010101);
    uint32_t *true_end = is_true, *other_end = others;
    uint32_t row = 0;
    for (; row + WORD_ROWS <= count; row += WORD_ROWS) {
        uint64_t word;
        memcpy(&word, values + row, sizeof(word));
        if (word == 0) {
            other_end = list_word(other_end, row);
        } else if (word == all_true) {
            true_end = list_word(true_end, row);
        } else {
            for (uint32_t i = row; i < row + WORD_ROWS; i++) {
                true_end = list_row(true_end, i, values[i] != 0);
                other_end = list_row(other_end, i, values[i] == 0);
            }
        }
    }
    for (; row < count; row++) {
        true_end = list_row(true_end, row, values[row] != 0);
        other_end = list_row(other_end, row, values[row] == 0);
    }
    return (uint32_t)(true_end - is_true);
}

/* The same without the others. */
static uint32_t select_all(const uint8_t *values, uint32_t count, uint32_t *is_true)
{
    uint32_t *end = is_true;
    uint32_t row = 0;
    for (; row + WORD_ROWS <= count; row += WORD_ROWS) {
        uint64_t word;
        memcpy(&word, values + row, sizeof(word));
        for (uint32_t i = row; word != 0 && i < row + WORD_ROWS; i++)
            end = list_row(end, i, values[i] != 0);
    }
    for (; row < count; row++)
        end = list_row(end, row, values[row] != 0);
    return (uint32_t)(end - is_true);
}

static uint32_t split_some(const uint8_t *values, RowSelection selection, uint32_t *is_true,
                           uint32_t *others)
{
    uint32_t *true_end = is_true, *other_end = others;
    for (uint32_t i = 0; i < selection.count; i++) {
        uint32_t row = selection.rows[i];
        true_end = list_row(true_end, row, values[row] != 0);
        other_end = list_row(other_end, row, values[row] == 0);
    }
    return (uint32_t)(true_end - is_true);
}

uint32_t expression_split(const Vector *condition, RowSelection selection, uint32_t *is_true,
                          uint32_t *others)
{
    const uint8_t *values = condition->data;
    bool is_plain = !condition->constant && condition->validity == NULL;
    if (is_plain && selection.rows == NULL)
        return others == NULL ? select_all(values, selection.count, is_true)
                              : split_all(values, selection.count, is_true, others);
    if (is_plain && others != NULL)
        return split_some(values, selection, is_true, others);
    uint32_t true_count = 0, other_count = 0;
    for (uint32_t i = 0; i < selection.count; i++) {
        uint32_t row = selection_row(selection, i);
        bool holds = values[vector_index(condition, row)] != 0 && !vector_is_null(condition, row);
        is_true[true_count] = row;
        if (others != NULL)
            others[other_count] = row;
        true_count += holds;
        other_count += !holds;
    }
    return true_count;
}
