# Found, of any version: the compilers in it are not reached.
set(Zephyr-sdk_VERSION none)
