package krb5

// #cgo LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
// #include <string.h>
//
// typedef int (*init_context)(void **context);
// typedef void (*free_context)(void *context);
// typedef const char *(*cc_default_name)(void *context);
//
// // Returns a copy of the name, or NULL.
// static char *default_name(void)
// {
// 	void *lib = dlopen("libkrb5.so.3", RTLD_NOW | RTLD_LOCAL);
// 	void *context = NULL;
// 	char *name = NULL;
//
// 	if (!lib)
// 		return NULL;
// 	init_context init = (init_context)dlsym(lib, "krb5_init_context");
// 	free_context end = (free_context)dlsym(lib, "krb5_free_context");
// 	cc_default_name get = (cc_default_name)dlsym(lib, "krb5_cc_default_name");
// 	if (init && end && get && init(&context) == 0) {
// 		const char *found = get(context);
// 		if (found)
// 			name = strdup(found);
// 		end(context);
// 	}
// 	// The library stays loaded, because it has handlers for the end of threads.
// 	return name;
// }
import "C"

import "unsafe"

// DefaultCache returns the name of the credential cache that programs use by default: that of
// KRB5CCNAME or krb5.conf(5), or the library's own default. It opens no cache, so it resets no
// timer. It returns "" if the library is not installed or fails.
//
// Source: krb5_cc_default_name in MIT krb5, doc/appdev/refs/api.
func DefaultCache() string {
	name := C.default_name()
	defer C.free(unsafe.Pointer(name))
	return C.GoString(name)
}
