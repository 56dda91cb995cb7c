/* Functions of the user's own: what a session has of them, and how they become kernels.
 *
 * A function stays in memory until its set is freed, though it may be removed before: plans and
 * jobs point to it. Names compare without case; several functions of one name are overloads, tried
 * in the order they were added. */
#ifndef FUNCTIONS_USER_H
#define FUNCTIONS_USER_H

#include "functions/function.h"
#include "functions/weir_function.h"

typedef struct UserParameter {
    const Type *type; /* not nullable: an argument that may be NULL does not fit */
    bool optional;
    bool repeated;
} UserParameter;

typedef struct UserFunction {
    ScalarFunction base; /* first: function_bind hands it on */
    WeirFunction own;
    const UserParameter *parameters;
    uint32_t parameter_count;
    const Type *result;
    const char *library; /* it came from; NULL: the program around the session */
    const char *symbol;  /* its name there */
    bool temporary;
    void (*destroy)(void *user); /* NULL: nothing to do */
    bool removed;                /* no statement finds it any more */
} UserFunction;

typedef struct UserFunctions UserFunctions;

UserFunctions *user_functions_new(void);
/* Calls `destroy` of every function. */
void user_functions_free(UserFunctions *set);
/* Lives as long as the set. */
Arena *user_functions_arena(UserFunctions *set);

/* Adds a function that lies in the set's arena; fills its base. */
void user_functions_add(UserFunctions *set, UserFunction *function);
/* Takes the functions of that name out; how many there were. */
uint32_t user_functions_remove(UserFunctions *set, const char *name);
/* The index-th function that is not removed, NULL past the last. `set` may be NULL: it has none. */
const UserFunction *user_function_at(const UserFunctions *set, uint32_t index);
/* The first function of that name, or NULL. */
const UserFunction *user_function_find(const UserFunctions *set, const char *name);

#endif
