/* Records that look like the one before: the same names in the same order, with the same white
 * space.
 *
 * The shape of a record, learnt from one that was read in full, is the text between its values.
 * Where that text stands again in the next record, only the values have to be looked at, and each
 * goes straight to its column. A record that differs, whose values are nested, whose strings have
 * \u escapes, or that has anything wrong with it is left to the reader of all JSON.
 *
 * Cost: a word compare for eight bytes of names, a step for a string of any length. */
#ifndef FORMATS_JSON_SHAPE_H
#define FORMATS_JSON_SHAPE_H

#include "formats/json_internal.h"

typedef struct JsonShape JsonShape;

JsonShape *json_shape_new(const JsonRows *rows);
void json_shape_free(JsonShape *shape);

/* Takes over the shape of a whole record, an object that was read without error; forgets the last
 * one when it has none. */
void json_shape_learn(JsonShape *shape, Str record);

/* Appends the records at the start of `input` that have the shape, each ended by a line break.
 * Returns how many bytes that was; `*lines`: the line breaks among them. */
size_t json_shape_decode(JsonShape *shape, Str input, Batch *batch, uint64_t *lines);

#endif
