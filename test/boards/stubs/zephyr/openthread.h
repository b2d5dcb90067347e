#ifndef STUB_OPENTHREAD_H
#define STUB_OPENTHREAD_H
#include <openthread/instance.h>
struct otInstance *openthread_get_default_instance(void);
int openthread_run(void);
void openthread_mutex_lock(void);
void openthread_mutex_unlock(void);
#endif
