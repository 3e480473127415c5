// Package keyctltest lets tests use the keyrings of the live kernel without
// leaving a trace: as throw-away users, on throw-away threads, with the sysctls
// under /proc/sys/kernel/keys put back.
//
// The tests of a package hold no two keys of the same user by accident if each
// package has UIDs of its own and gives them to [Main]. Within a package, tests
// must not use t.Parallel.
package keyctltest
