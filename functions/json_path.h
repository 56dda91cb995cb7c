/* Paths into JSON text: '[lax|strict] $.member["name"][0].*'.
 *
 * A path is read once, where it is a literal, and then walked down the text without building a
 * tree; what lies off the path is only passed over (and found malformed, if it is). A member that
 * comes twice counts the last time.
 *
 * Cost: one pass over the text. */
#ifndef FUNCTIONS_JSON_PATH_H
#define FUNCTIONS_JSON_PATH_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/json_reader.h"

typedef enum JsonStepKind { JSON_STEP_MEMBER, JSON_STEP_INDEX, JSON_STEP_ALL } JsonStepKind;

typedef struct JsonStep {
    JsonStepKind kind;
    Str name;       /* of a member */
    uint64_t index; /* of an element, from 0 */
} JsonStep;

typedef struct JsonPath {
    bool lax;     /* what is not there is empty, not an error */
    bool is_list; /* has a wildcard: gives an array of all it finds */
    uint32_t step_count;
    JsonStep *steps;
} JsonPath;

/* In the arena; strict unless it says lax. False: the error says what is wrong with it. */
bool json_path_parse(Arena *arena, Str text, JsonPath *path, Error *error) MUST_CHECK;

typedef enum JsonOutcome {
    JSON_FOUND,
    JSON_EMPTY,  /* nothing there, or null */
    JSON_BROKEN, /* the text is no JSON */
    JSON_ABSENT  /* a strict path leads nowhere */
} JsonOutcome;

typedef struct JsonFinder {
    JsonReader *reader;
    Buffer text;   /* the text with room behind it */
    Buffer found;  /* as JSON without white space between its parts */
    JsonKind kind; /* of what was found */
} JsonFinder;

void json_finder_init(JsonFinder *finder);
void json_finder_deinit(JsonFinder *finder);
JsonOutcome json_finder_find(JsonFinder *finder, const JsonPath *path, Str text);
/* The text of a JSON string literal, unescaped; false when it is none. */
bool json_finder_unquote(JsonFinder *finder, Str text, Buffer *out);

#endif
