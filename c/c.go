// Package c carries the C half of the module: what runs in the login process. The pam_sm_* functions of entry.c are what
// libpam calls; the Go runtime does not run there. It starts in a child (child.c, gostart.c), in which package main
// does the work and answers through this package.
//
// It is C because nothing else can run in a process that is not ours to change: a Go runtime brings threads,
// signal handlers and descriptors with it (docs/hazards.md has each of them with a measurement). It is mechanism
// only: whose keyring goes where is decided in Go.
package c

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Werror
#cgo LDFLAGS: -lpam
#include "child.h"
*/
import "C"
