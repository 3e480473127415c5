package main

import "pam_persistent/internal/keyctl/keyctltest"

// forget destroys what keys the users have; that none is left is for keyctltest to see and to say.
func forget() {
	for uid := uint32(firstUID); uid <= lastUID; uid++ {
		_ = keyctltest.Destroy(uid)
	}
}
