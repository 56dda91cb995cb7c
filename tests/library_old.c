/* A library made for a version of weir_function.h that there is not. */
#include "functions/weir_function.h"

static const WeirFunction functions[] = {{NULL, NULL, NULL, 0, NULL, NULL}};

const WeirLibrary weir_library = {99, functions};
