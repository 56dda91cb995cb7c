/* Writing JSON text; core/json_reader.h reads it. */
#ifndef CORE_JSON_TEXT_H
#define CORE_JSON_TEXT_H

#include "core/buffer.h"

/* Appends the text as a JSON string: quoted, what must be escaped is. */
void json_print_string(Str text, Buffer *out);

#endif
