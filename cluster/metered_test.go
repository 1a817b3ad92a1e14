package cluster_test

import (
	"io"
	"net"
	"sync"
	"syscall"
	"unsafe"
)

// meteredConn knows how many bytes had reached this side of a connection at an
// instant, those still waiting in the socket included. On loopback a byte that
// the server has written is one that has arrived, so the count at the instant of
// an acknowledgement tells what left before it, however late it is read here.
type meteredConn struct {
	net.Conn
	raw syscall.RawConn

	mu   sync.Mutex
	read int
	mark int
}

func newMeteredConn(conn net.Conn) (*meteredConn, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	return &meteredConn{Conn: conn, raw: raw, mark: -1}, err
}

// Read reads and counts in one step, so that arrived never counts a byte twice
// or not at all.
func (c *meteredConn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	waitErr := c.raw.Read(func(fd uintptr) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for {
			n, err = syscall.Read(int(fd), p)
			if err != syscall.EINTR {
				break
			}
		}
		if err == syscall.EAGAIN {
			return false
		}
		c.read += max(n, 0)
		return true
	})
	switch {
	case waitErr != nil:
		return 0, waitErr
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// arrived marks how many bytes have arrived by now.
func (c *meteredConn) arrived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := 0
	_ = c.raw.Control(func(fd uintptr) {
		var n int32
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n)))
		waiting = int(n)
	})
	c.mark = c.read + waiting
}

// later says how many bytes came after the mark; 0 when none was set.
func (c *meteredConn) later() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mark < 0 {
		return 0
	}
	return c.read - c.mark
}
