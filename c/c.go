// Package c is the C half of the module: the code that runs in the login process. libpam calls the
// pam_sm_* functions of entry.c. The Go runtime never starts in the login process. It starts in a
// child (child.c, gostart.c), where package main does the work and replies through this package.
//
// This half is C because a Go runtime brings threads, signal handlers and descriptors into the
// process in which it runs, and the login process is not ours to change (docs/hazards.md lists each
// effect with a measurement). It holds mechanism only: Go decides which keyring is linked where.
package c

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Werror
#cgo CFLAGS: -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
#cgo LDFLAGS: -lpam
#include "child.h"
*/
import "C"
