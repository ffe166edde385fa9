// What this guest uses of wit/tool.wit.

#ifndef CONTRACT_H
#define CONTRACT_H

#include <stddef.h>

/// Reads a file of the head into `into`. Gives its length, or less than 0 if there is no answer.
long ask_read(const char *path, char *into, size_t room);

/// What the guest answers.
const char *observe(size_t *length);

#endif
