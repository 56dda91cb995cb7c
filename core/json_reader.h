/* simdjson behind a C interface: walking one JSON text at a time, without building a tree.
 *
 * The walk goes forward only: a callback looks at its value at once or not at all. Text given to a
 * callback is valid until the next text is walked. Malformed input is found where the walk
 * meets it; what nobody asks for is skipped by its brackets and quotes. */
#ifndef CORE_JSON_READER_H
#define CORE_JSON_READER_H

#include "core/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Readable bytes that must stand behind the input. */
#define JSON_PADDING 128

typedef struct JsonReader JsonReader;
typedef struct JsonValue JsonValue;

typedef enum JsonKind {
    JSON_INVALID,
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_OBJECT,
    JSON_ARRAY
} JsonKind;

typedef enum JsonStatus {
    JSON_DONE,
    JSON_STOPPED,  /* a callback returned false */
    JSON_MALFORMED /* json_reader_problem says why */
} JsonStatus;

typedef bool (*JsonFieldFunction)(void *context, Str key, JsonValue *value);
typedef bool (*JsonElementFunction)(void *context, JsonValue *value);

JsonReader *json_reader_new(void);
void json_reader_free(JsonReader *reader);

/* Walks the object at the start of `text`, with JSON_PADDING bytes behind it. On JSON_DONE `*used`
 * is how much of the text it took, with the white space behind it. */
JsonStatus json_reader_object(JsonReader *reader, Str text, JsonFieldFunction field, void *context,
                              size_t *used);
/* The same for an array. */
JsonStatus json_reader_array(JsonReader *reader, Str text, JsonElementFunction element,
                             void *context, size_t *used);
const char *json_reader_problem(const JsonReader *reader);

/* By the first character; whether a number is well formed, json_number_is_valid says. */
JsonKind json_value_kind(JsonValue *value);
bool json_number_is_valid(Str text);
/* The text of a number, true, false or null as it stands there. */
Str json_value_token(JsonValue *value);
/* The text of a number; without data when it is not well formed. */
Str json_value_number(JsonValue *value);
/* The unescaped text of a string. */
bool json_value_string(JsonValue *value, Str *text);
/* An object or array as JSON text. */
bool json_value_raw(JsonValue *value, Str *text);
JsonStatus json_value_object(JsonValue *value, JsonFieldFunction field, void *context);
JsonStatus json_value_array(JsonValue *value, JsonElementFunction element, void *context);

#ifdef __cplusplus
}
#endif

#endif
