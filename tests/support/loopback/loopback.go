// Package loopback helps tests to start daemons on the loopback interface, which is the machine's.
package loopback

import "net"

// FreePort returns a port of 127.0.0.1 on which nobody listens.
func FreePort() string {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// Listening returns a function that reports whether somebody listens at an address such as
// "127.0.0.1:22".
func Listening(address string) func() bool {
	return func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
}
