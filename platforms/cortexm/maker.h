/* What only the program that makes images has, and what makes them smaller. */
#ifndef LUMICAST_CORTEXM_MAKER_H
#define LUMICAST_CORTEXM_MAKER_H

#include "xsAll.h"

/* maker.c; defaults.c has them fail where maker.c is not linked. */
txSlot *start_async(txMachine *the);
void run_async(txMachine *the, txSlot *instance);
void run_import(txMachine *the, txSlot *realm, txID id);

/* strip.c */
void require_strippable(void); /* or ends with what the byte code uses */
void strip_root(void *root);   /* before the byte code is evaluated */
void strip_promises(void *root); /* afterwards */
txID new_key(void *root, const char *name, bool asked);

/* maker.c: a copy of the name that stays where it is in the image */
const char *keep_name(const char *name);

#endif
