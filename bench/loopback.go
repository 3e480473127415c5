package main

import (
	"fmt"
	"net"
	"strconv"
	"time"
)

func freePort() (string, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), nil
}

// answers waits until somebody listens there.
func answers(port string) error {
	for begin := time.Now(); time.Since(begin) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp4", "127.0.0.1:"+port); err == nil {
			return conn.Close()
		}
	}
	return fmt.Errorf("nobody listens on port %s", port)
}
