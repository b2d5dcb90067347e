/* lwIP's operating system glue: types only. */
typedef void *sys_sem_t, *sys_mutex_t, *sys_mbox_t, *sys_thread_t;
typedef unsigned sys_prot_t;
